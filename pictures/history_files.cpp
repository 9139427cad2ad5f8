#include "pictures/history_files.hpp"

#include "base/base64.hpp"
#include "models/content_json.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

bool is_shown_type(std::string_view media_type) {
  return media_type.starts_with("image/") || media_type == "application/pdf";
}

bool is_shown_url(std::string_view kind, std::string_view media_type) {
  return kind == "image-url" || (kind == "document-url" && media_type == "application/pdf");
}

std::string_view text_at(const json& value, const char* key) {
  auto found = value.find(key);
  return found != value.end() && found->is_string() ? std::string_view{found->get_ref<const std::string&>()}
                                                    : std::string_view{};
}

// The form in which files are kept in a tool's content (content_json.hpp); decoding is left for who needs the bytes.
bool read_file_object(const json& value, history_file& file) {
  if (!value.is_object())
    return false;
  const auto kind = text_at(value, "kind");
  file.media_type = text_at(value, "media_type");
  if (kind == "binary" && is_shown_type(file.media_type)) {
    file.data = text_at(value, "data");
    file.is_base64 = true;
    return value.contains("data");
  }
  file.is_url = is_shown_url(kind, file.media_type) && value.contains("url");
  return file.is_url;
}

void find_in_json(const json& value, size_t message, std::vector<history_file>& found) {
  if (history_file file; read_file_object(value, file)) {
    file.message = message;
    found.push_back(file);
  } else if (value.is_structured()) {
    for (const auto& child : value)
      find_in_json(child, message, found);
  }
}

// Of any kind, also those that are not looked at here.
bool holds_file(const json& value) {
  constexpr std::array kinds{"binary", "image-url", "audio-url", "video-url", "document-url", "uploaded-file"};
  if (value.is_object() && std::find(kinds.begin(), kinds.end(), text_at(value, "kind")) != kinds.end())
    return true;
  return value.is_structured() && std::any_of(value.begin(), value.end(), holds_file);
}

bool read_file_item(const user_content& item, history_file& file) {
  if (const auto* binary = std::get_if<binary_content>(&item)) {
    file.data = binary->data;
    file.media_type = binary->media_type;
    return is_shown_type(file.media_type);
  }
  const auto* url = std::get_if<url_content>(&item);
  file.is_url = url != nullptr && is_shown_url(url->kind, url->media_type);
  return file.is_url;
}

const std::vector<user_content>* items_of(const request_part& part) {
  const auto* prompt = std::get_if<user_prompt_part>(&part);
  return prompt == nullptr ? nullptr : std::get_if<std::vector<user_content>>(&prompt->content);
}

class file_writer {
public:
  explicit file_writer(const std::function<const file_replacement&(size_t)>& replacement) : replacement_(replacement) {}

  // `first`: which of all files the first one of this request is.
  message written(const model_request* request, size_t first) {
    next_ = first;
    model_request copy{{},
                       request->timestamp,
                       request->instructions,
                       request->run_id,
                       request->conversation_id,
                       request->metadata,
                       request->state};
    copy.parts.reserve(request->parts.size());
    for (const auto& part : request->parts)
      copy.parts.push_back(written(part));
    return copy;
  }

private:
  request_part written(const request_part& part) {
    if (const auto* items = items_of(part)) {
      std::vector<user_content> content;
      for (const auto& item : *items)
        write(item, content);
      return user_prompt_part{std::move(content), std::get<user_prompt_part>(part).timestamp};
    }
    const auto* result = std::get_if<tool_return_part>(&part);
    if (result == nullptr)
      return part;
    return tool_return_part{result->tool_name,    written_result(result->content),
                            result->tool_call_id, result->tool_kind,
                            result->metadata,     result->timestamp,
                            result->outcome};
  }

  // A list is text and files side by side only as long as it holds a file; else vendors' encoders take it for data.
  json written_result(const json& content) {
    auto result = written(content);
    if (!result.is_array() || holds_file(result) || !holds_file(content))
      return result;
    std::string text;
    for (const auto& item : result)
      text += (text.empty() ? "" : "\n") + (item.is_string() ? item.get<std::string>() : dump_json(item));
    return text;
  }

  void write(const user_content& item, std::vector<user_content>& content) {
    history_file file;
    if (!read_file_item(item, file)) {
      content.push_back(item);
      return;
    }
    const auto& instead = replacement_(next_++);
    if (instead.what == file_replacement::kind::pages) {
      content.push_back(instead.note);
      for (const auto& page : instead.drawn) {
        auto bytes = base64_decode(page.data).value_or("");
        auto identifier = content_identifier(bytes);
        content.push_back(binary_content{std::move(bytes), page.media_type, nullptr, std::move(identifier)});
      }
      return;
    }
    content.push_back(replaced(item, instead));
  }

  static user_content replaced(const user_content& item, const file_replacement& instead) {
    if (instead.what == file_replacement::kind::note)
      return instead.note;
    if (instead.what == file_replacement::kind::same)
      return item;
    const auto& former = std::get<binary_content>(item);
    return binary_content{instead.what == file_replacement::kind::retyped ? former.data
                                                                          : base64_decode(instead.data).value_or(""),
                          std::string{instead.media_type}, former.vendor_metadata,
                          former.identifier.empty() ? content_identifier(former.data) : former.identifier};
  }

  static json pages_of(const file_replacement& instead) {
    json pages = json::array({instead.note});
    for (const auto& page : instead.drawn)
      pages.push_back({{"kind", "binary"},
                       {"data", page.data},
                       {"media_type", page.media_type},
                       {"identifier", content_identifier(base64_decode(page.data).value_or(""))},
                       {"vendor_metadata", nullptr}});
    return pages;
  }

  json written(const json& value) {
    if (history_file file; read_file_object(value, file)) {
      const auto& instead = replacement_(next_++);
      if (instead.what == file_replacement::kind::pages)
        return pages_of(instead);
      if (instead.what == file_replacement::kind::note)
        return instead.note;
      if (instead.what == file_replacement::kind::same)
        return value;
      json changed = json::object();
      for (auto it = value.begin(); it != value.end(); ++it)
        if (it.key() != "data" && it.key() != "media_type")
          changed[it.key()] = it.value();
      changed["data"] = instead.what == file_replacement::kind::retyped ? file.data : instead.data;
      changed["media_type"] = instead.media_type;
      if (text_at(value, "identifier").empty())
        changed["identifier"] = content_identifier(base64_decode(file.data).value_or(""));
      return changed;
    }
    if (value.is_array()) {
      json copy = json::array();
      for (const auto& child : value) {
        history_file file;
        auto instead = written(child);
        // The pages of a document stand beside what stood beside it: only so they are files of this result.
        if (instead.is_array() && read_file_object(child, file))
          copy.insert(copy.end(), instead.begin(), instead.end());
        else
          copy.push_back(std::move(instead));
      }
      return copy;
    }
    json copy = value;
    if (value.is_object())
      for (auto& child : copy)
        if (child.is_structured())
          child = written(child);
    return copy;
  }

  const std::function<const file_replacement&(size_t)>& replacement_;
  size_t next_ = 0;
};

} // namespace

std::vector<history_file> files_of(const message_history& history) {
  std::vector<history_file> found;
  for (size_t i = 0; i < history.size(); ++i) {
    const auto* request = history[i].as<model_request>();
    if (request == nullptr)
      continue;
    for (const auto& part : request->parts) {
      if (const auto* result = std::get_if<tool_return_part>(&part))
        find_in_json(result->content, i, found);
      else if (const auto* items = items_of(part))
        for (const auto& item : *items)
          if (history_file file; read_file_item(item, file)) {
            file.message = i;
            found.push_back(file);
          }
    }
  }
  return found;
}

message_history with_files(const message_history& history, const std::vector<history_file>& files,
                           const std::function<const file_replacement&(size_t)>& replacement) {
  file_writer writer{replacement};
  message_history copy;
  copy.reserve(history.size());
  size_t file = 0;
  for (size_t i = 0; i < history.size(); ++i) {
    const auto first = file;
    bool changes = false;
    for (; file < files.size() && files[file].message == i; ++file)
      changes = changes || replacement(file).what != file_replacement::kind::same;
    copy.push_back(changes ? shared_message{writer.written(history[i].as<model_request>(), first)} : history[i]);
  }
  return copy;
}

} // namespace varro
