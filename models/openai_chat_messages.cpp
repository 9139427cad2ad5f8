#include "models/openai_chat_messages.hpp"

#include "base/text.hpp"
#include "models/google_contents.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/openai_chat.hpp"
#include "models/vendor_json.hpp"

#include <map>

namespace varro::openai_chat {

namespace {

json text_part_of(std::string text) {
  return json{{"type", "text"}, {"text", std::move(text)}};
}

json image_part(std::string url, const json& vendor_metadata) {
  json image = {{"url", std::move(url)}};
  if (const auto detail = string_member(vendor_metadata, "detail"))
    image["detail"] = *detail;
  return json{{"type", "image_url"}, {"image_url", std::move(image)}};
}

class message_encoder {
public:
  message_encoder(const model_query& query, const quirks& row)
    : query_(query), row_(row), provider_(provider_name(query.model)), role_(system_role(query.model)),
      vision_(query.model.vision && !query.without_pictures) {}

  json encode();

private:
  void add_request(const model_request& request);
  void add_response(const model_response& response);
  void add_call(const tool_call_part& part, const model_response& response);
  void add_instructions();
  void add_tool_message(const std::string& call_id, std::string text);
  void flush_files();
  json file_part_of(const user_content& file) const;
  json binary_part(const binary_content& file) const;
  bool can_show(const user_content& file) const;
  json prompt_content(const user_prompt_part& part) const;
  std::string tool_text(const tool_return_part& part);
  void add_thinking(const thinking_part& part, const model_response& response);
  void finish_assistant(json assistant);

  json message(std::string_view role, json content) const {
    return json{{"role", role}, {"content", std::move(content)}};
  }

  const model_query& query_;
  const quirks& row_;
  std::string provider_;
  std::string_view role_;
  bool vision_;
  bool thinks_ = false; // some answer of the history has thinking
  json messages_ = json::array();
  json files_ = json::array(); // of tool results, for the user message after them

  // Of the response that is being encoded.
  std::vector<std::string> texts_;
  std::vector<std::string> thoughts_; // for chunks
  std::map<std::string, std::string> fields_;
  json reasoning_details_ = json::array();
  json calls_ = json::array();
};

json message_encoder::encode() {
  const auto history = joined(*query_.history);
  for (const varro::message& any_message : history)
    if (const auto* response = std::get_if<model_response>(&any_message))
      for (const auto& part : response->parts)
        thinks_ = thinks_ || std::holds_alternative<thinking_part>(part);
  for (const varro::message& any_message : history) {
    if (const auto* request = std::get_if<model_request>(&any_message))
      add_request(*request);
    else
      add_response(std::get<model_response>(any_message));
  }
  add_instructions();
  return std::move(messages_);
}

// After the system prompts that the history begins with, as pydantic-ai places them.
void message_encoder::add_instructions() {
  const auto instructions = instructions_of(query_);
  if (is_blank(instructions))
    return;
  auto at = messages_.begin();
  while (role_ == "system" && at != messages_.end() && (*at)["role"] == role_)
    ++at;
  messages_.insert(at, message(role_, instructions));
}

// --- requests --------------------------------------------------------------------------------------------------------

bool message_encoder::can_show(const user_content& file) const {
  const auto* binary = std::get_if<binary_content>(&file);
  if (binary && reads_as_text(binary->media_type))
    return true;
  const auto* url = std::get_if<url_content>(&file);
  if (binary && is_image(binary->media_type))
    return vision_ && !picture_type(binary->data).empty();
  if (url && url->kind == "image-url")
    return vision_;
  if (binary && binary->media_type == "application/pdf")
    return row_.documents && vision_;
  if (const auto* uploaded = std::get_if<uploaded_file>(&file))
    return row_.documents && uploaded->provider_name == provider_;
  return false;
}

json message_encoder::binary_part(const binary_content& file) const {
  if (is_image(file.media_type))
    return image_part(data_url(file, picture_type(file.data)), file.vendor_metadata);
  if (reads_as_text(file.media_type))
    return text_part_of(inlined_file(file));
  return json{{"type", "file"},
              {"file", {{"file_data", data_url(file, file.media_type)}, {"filename", "filename.pdf"}}}};
}

json message_encoder::file_part_of(const user_content& file) const {
  if (!can_show(file))
    return text_part_of(file_note(file));
  if (const auto* binary = std::get_if<binary_content>(&file))
    return binary_part(*binary);
  if (const auto* url = std::get_if<url_content>(&file))
    return image_part(url->url, url->vendor_metadata);
  return json{{"type", "file"}, {"file", {{"file_id", std::get<uploaded_file>(file).file_id}}}};
}

json message_encoder::prompt_content(const user_prompt_part& part) const {
  if (const auto* text = std::get_if<std::string>(&part.content))
    return *text;
  auto parts = json::array();
  for (const auto& item : std::get<std::vector<user_content>>(part.content)) {
    if (const auto* text = std::get_if<std::string>(&item))
      parts.push_back(text_part_of(*text));
    else if (const auto* marked = std::get_if<text_content>(&item))
      parts.push_back(text_part_of(marked->content));
    else if (!std::holds_alternative<cache_point>(item))
      parts.push_back(file_part_of(item));
  }
  return parts;
}

// A tool message is text only, so files follow in a user message; what this model cannot see is told in words instead.
std::string message_encoder::tool_text(const tool_return_part& part) {
  auto split = split_tool_content(part.content);
  for (const auto& file : split.files) {
    const auto id = identifier_of(file);
    if (can_show(file)) {
      files_.push_back(text_part_of("This is file " + id + ":"));
      files_.push_back(file_part_of(file));
    } else if (const auto reference = "See file " + id + "."; split.text.find(reference) != std::string::npos) {
      split.text.replace(split.text.find(reference), reference.size(), file_note(file));
    }
  }
  return std::move(split.text);
}

void message_encoder::add_tool_message(const std::string& call_id, std::string text) {
  auto made = message("tool", std::move(text));
  made["tool_call_id"] = accepted_call_id(call_id, row_.call_ids);
  messages_.push_back(std::move(made));
}

void message_encoder::flush_files() {
  if (!files_.empty())
    messages_.push_back(message("user", std::exchange(files_, json::array())));
}

void message_encoder::add_request(const model_request& request) {
  for (const auto& any_part : request.parts) {
    if (const auto* part = std::get_if<tool_return_part>(&any_part)) {
      add_tool_message(part->tool_call_id, tool_text(*part));
    } else if (const auto* part = std::get_if<retry_prompt_part>(&any_part)) {
      if (part->tool_name) {
        add_tool_message(part->tool_call_id, retry_text(*part));
      } else {
        flush_files();
        messages_.push_back(message("user", retry_text(*part)));
      }
    } else if (const auto* part = std::get_if<system_prompt_part>(&any_part)) {
      messages_.push_back(message(role_, part->content));
    } else if (const auto* part = std::get_if<user_prompt_part>(&any_part)) {
      flush_files();
      messages_.push_back(message("user", prompt_content(*part)));
    }
  }
  flush_files();
}

// --- responses -------------------------------------------------------------------------------------------------------

// A reasoning detail in the vendor's own shape, or null when the part was none.
json detail_of(const thinking_part& part) {
  const auto type = text_member(part.provider_details, "type");
  if (type.compare(0, 10, "reasoning.") != 0)
    return nullptr;
  json detail = {{"type", type}};
  for (auto it = part.provider_details.begin(); it != part.provider_details.end(); ++it)
    if (it.key() != "type" && !it.value().is_null())
      detail[it.key()] = it.value();
  if (part.id)
    detail["id"] = *part.id;
  if (type == "reasoning.encrypted") {
    detail["data"] = part.signature.value_or("");
  } else {
    detail[type == "reasoning.summary" ? "summary" : "text"] = part.content;
    if (part.signature)
      detail["signature"] = *part.signature;
  }
  return detail;
}

void append_joined(std::string& to, const std::string& piece) {
  to += to.empty() ? piece : "\n\n" + piece;
}

void message_encoder::add_thinking(const thinking_part& part, const model_response& response) {
  const bool ours = part.provider_name ? *part.provider_name == provider_
                                       : row_.unnamed_thinking && response.provider_name == provider_;
  if (ours)
    if (auto detail = detail_of(part); !detail.is_null()) {
      reasoning_details_.push_back(std::move(detail));
      return;
    }
  if (part.content.empty())
    return;
  const bool in_field
    = part.id && *part.id != "content" && (row_.thinking_field.empty() || *part.id == row_.thinking_field);
  switch (row_.replay) {
  case thinking_replay::one_field:
    return append_joined(fields_[std::string(row_.thinking_field)], part.content);
  case thinking_replay::chunks:
    // A model that does not reason refuses the chunk, so thinking of others is left out.
    if (ours)
      thoughts_.push_back(part.content);
    return;
  case thinking_replay::same_field:
    if (ours && in_field)
      return append_joined(fields_[*part.id], part.content);
    break;
  case thinking_replay::tags:
    break;
  }
  texts_.push_back("<think>\n" + part.content + "\n</think>");
}

// What the vendor put beside a call goes back to it. Google's newer models want a signature on an answer's first call:
// one that has none, because another model made it, gets what stands for it.
void message_encoder::add_call(const tool_call_part& part, const model_response& response) {
  json call = {{"id", accepted_call_id(part.tool_call_id, row_.call_ids)},
               {"type", "function"},
               {"function", {{"name", accepted_tool_name(part.tool_name)}, {"arguments", arguments_text(part.args)}}}};
  const auto& extra = member(part.provider_details, "extra_content");
  const bool ours = part.provider_name == provider_ || response.provider_name == provider_;
  if (extra.is_object() && ours && !query_.without_thinking) {
    call["extra_content"] = extra;
  } else if (row_.thought_signatures) {
    const bool googles = google::is_same_provider(part.provider_name, provider_);
    auto signature = googles ? google::signature_of(part.provider_details) : std::nullopt;
    if (!signature && calls_.empty() && google::traits_of_gemini(query_.model.name).signatures)
      signature = std::string(google::no_signature);
    if (signature)
      call["extra_content"] = json{{"google", {{google::signature_detail, *signature}}}};
  }
  calls_.push_back(std::move(call));
}

void message_encoder::add_response(const model_response& response) {
  texts_.clear();
  thoughts_.clear();
  fields_.clear();
  reasoning_details_ = json::array();
  calls_ = json::array();
  for (const auto& any_part : response.parts) {
    if (const auto* part = std::get_if<text_part>(&any_part)) {
      if (!part->content.empty())
        texts_.push_back(part->content);
    } else if (const auto* part = std::get_if<thinking_part>(&any_part)) {
      if (!query_.without_thinking)
        add_thinking(*part, response);
    } else if (const auto* part = std::get_if<tool_call_part>(&any_part)) {
      add_call(*part, response);
    }
    // What another vendor ran itself, and files, have no place on this wire.
  }
  if (texts_.empty() && calls_.empty() && reasoning_details_.empty())
    return; // an assistant message without content or calls is refused
  finish_assistant(json{{"role", "assistant"}});
}

void message_encoder::finish_assistant(json assistant) {
  std::string text;
  for (const auto& piece : texts_)
    append_joined(text, piece);
  if (!thoughts_.empty()) {
    auto thoughts = json::array();
    for (auto& thought : thoughts_)
      thoughts.push_back(text_part_of(std::move(thought)));
    auto chunks = json::array();
    chunks.push_back(json{{"type", "thinking"}, {"thinking", std::move(thoughts)}});
    if (!text.empty())
      chunks.push_back(text_part_of(std::move(text)));
    assistant["content"] = std::move(chunks);
  } else if (!texts_.empty()) {
    assistant["content"] = std::move(text);
  } else if (row_.no_text != empty_content::absent) {
    assistant["content"] = row_.no_text == empty_content::null_value ? json(nullptr) : json("");
  }
  for (const auto& [field, thought] : fields_)
    assistant[field] = thought;
  if (!reasoning_details_.empty())
    assistant["reasoning_details"] = std::move(reasoning_details_);
  if (!calls_.empty()) {
    // DeepSeek answers 400 to a turn with tool calls that lacks the field while the chat has thinking elsewhere.
    const std::string field(row_.thinking_field);
    if (row_.replay == thinking_replay::one_field && thinks_ && !assistant.contains("reasoning_details")
        && !assistant.contains(field))
      assistant[field] = "";
    assistant["tool_calls"] = std::move(calls_);
  }
  messages_.push_back(std::move(assistant));
}

} // namespace

json encode_messages(const model_query& query, const quirks& row) {
  auto messages = message_encoder(query, row).encode();
  if (!row.reply_between_tool_and_user)
    return messages;
  auto spaced = json::array();
  for (auto& message : messages) {
    if (!spaced.empty() && spaced.back()["role"] == "tool" && message["role"] == "user")
      spaced.push_back(json{{"role", "assistant"}, {"content", "OK"}});
    spaced.push_back(std::move(message));
  }
  return spaced;
}

} // namespace varro::openai_chat
