#include "tests/support/wire_history.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"
#include "models/anthropic_blocks.hpp"
#include "models/identifiers.hpp"
#include "models/vendor_json.hpp"
#include "tests/support/wire_google.hpp"
#include "tests/support/wire_responses.hpp"

#include <map>

namespace varro::test {

namespace {

constexpr std::string_view retry_ending = "\n\nFix the errors and try again.";

// Tool names by call id: our parts carry them, the wires' results do not.
using call_names = std::map<std::string, std::string>;

std::string name_of(const std::string& id, const call_names& names) {
  return names.count(id) ? names.at(id) : "unknown";
}

user_content binary_file(std::string data, std::string media_type, std::string identifier = "") {
  binary_content file;
  file.data = std::move(data);
  file.media_type = std::move(media_type);
  file.identifier = identifier.empty() ? content_identifier(file.data) : std::move(identifier);
  return file;
}

user_content url_file(std::string url, bool image, std::string identifier = "") {
  url_content file;
  file.kind = image ? "image-url" : "document-url";
  file.url = std::move(url);
  file.media_type = image ? "image/png" : "application/pdf";
  file.identifier = identifier.empty() ? content_identifier(file.url) : std::move(identifier);
  return file;
}

user_prompt_part prompt_of(std::vector<user_content> items) {
  user_prompt_part part;
  if (items.size() == 1 && std::holds_alternative<std::string>(items.front()))
    part.content = std::get<std::string>(items.front());
  else
    part.content = std::move(items);
  return part;
}

// --- Messages API ----------------------------------------------------------------------------------------------------

user_content anthropic_file(const json& block) {
  const auto& source = member(block, "source");
  const auto type = text_member(source, "type");
  if (type == "base64")
    return binary_file(base64_decode(text_member(source, "data")).value_or(""), text_member(source, "media_type"));
  if (type == "text")
    return binary_file(text_member(source, "data"), "text/plain");
  if (type == "file") {
    uploaded_file file;
    file.file_id = text_member(source, "file_id");
    file.provider_name = "anthropic";
    file.media_type = text_member(block, "type") == "image" ? "image/png" : "application/pdf";
    return file;
  }
  return url_file(text_member(source, "url"), text_member(block, "type") == "image");
}

json anthropic_result(const json& content) {
  if (!content.is_array())
    return content;
  auto items = json::array();
  for (const auto& block : content)
    items.push_back(text_member(block, "type") == "text" ? json(text_member(block, "text"))
                                                         : file_object(anthropic_file(block)));
  return items.size() == 1 ? json(items.front()) : items;
}

model_request anthropic_request(const json& content, const call_names& names) {
  model_request request;
  std::vector<user_content> items;
  if (content.is_string())
    items.emplace_back(content.get<std::string>());
  else
    for (const auto& block : content) {
      const auto type = text_member(block, "type");
      if (type == "text")
        items.emplace_back(text_member(block, "text"));
      else if (type == "image" || type == "document")
        items.push_back(anthropic_file(block));
      else if (type == "tool_result")
        request.parts.push_back(
          answer_to_call(text_member(block, "tool_use_id"), anthropic_result(member(block, "content")),
                         member(block, "is_error") == json(true), name_of(text_member(block, "tool_use_id"), names)));
    }
  if (!items.empty())
    request.parts.emplace_back(prompt_of(std::move(items)));
  return request;
}

model_response anthropic_response(const json& content) {
  model_response response;
  response.provider_name = "anthropic";
  for (const auto& block : content)
    append_part({block, std::nullopt}, "anthropic", response.parts);
  return response;
}

// --- chat completions ------------------------------------------------------------------------------------------------

user_content chat_file(const json& item, const std::string& identifier = "") {
  const auto url = text_member(member(item, "image_url"), "url");
  if (url.compare(0, 5, "data:") != 0)
    return url_file(url, true, identifier);
  const auto comma = url.find(',');
  return binary_file(base64_decode(url.substr(comma + 1)).value_or(""), url.substr(5, url.find(';') - 5), identifier);
}

std::vector<user_content> chat_items(const json& content) {
  std::vector<user_content> items;
  if (content.is_string())
    items.emplace_back(content.get<std::string>());
  else if (content.is_array())
    for (const auto& item : content) {
      if (text_member(item, "type") == "text")
        items.emplace_back(text_member(item, "text"));
      else
        items.push_back(chat_file(item));
    }
  return items;
}

// The files of tool results that follow in a user message, by identifier; empty when the message is a prompt.
std::map<std::string, json> files_after_tools(const json& message) {
  constexpr std::string_view head = "This is file ";
  std::map<std::string, json> files;
  const auto& content = member(message, "content");
  if (text_member(message, "role") != "user" || !content.is_array())
    return files;
  for (size_t i = 0; i + 1 < content.size(); i += 2) {
    const auto text = text_member(content[i], "text");
    if (text.compare(0, head.size(), head) != 0)
      return {};
    const auto id = text.substr(head.size(), text.size() - head.size() - 1);
    files[id] = file_object(chat_file(content[i + 1], id));
  }
  return files;
}

json chat_result(const std::string& text, const std::map<std::string, json>& files) {
  const auto put = [&files](const std::string& one) -> json {
    for (const auto& [id, file] : files)
      if (const auto reference = "See file " + id; one == reference || one == reference + ".")
        return file;
    return one;
  };
  if (files.empty())
    return text;
  const auto list = parse_json(text);
  if (!list || !list->is_array())
    return put(text);
  auto items = json::array();
  for (const auto& item : *list)
    items.push_back(item.is_string() ? put(item.get<std::string>()) : item);
  return items;
}

model_response chat_response(const json& message, const std::string& vendor) {
  model_response response;
  response.provider_name = vendor;
  for (const auto* field : {"reasoning_content", "reasoning"})
    if (const auto text = text_member(message, field); !text.empty()) {
      thinking_part part;
      part.content = text;
      part.id = field;
      part.provider_name = vendor;
      response.parts.emplace_back(std::move(part));
    }
  for (const auto& item : chat_items(member(message, "content"))) {
    text_part part;
    part.content = std::get<std::string>(item);
    response.parts.emplace_back(std::move(part));
  }
  const auto& calls = member(message, "tool_calls");
  if (calls.is_array())
    for (const auto& call : calls) {
      tool_call_part part;
      part.tool_name = text_member(member(call, "function"), "name");
      part.args = member(member(call, "function"), "arguments");
      part.tool_call_id = text_member(call, "id");
      response.parts.emplace_back(std::move(part));
    }
  return response;
}

// --- both ------------------------------------------------------------------------------------------------------------

call_names names_of_calls(const json& messages) {
  call_names names;
  for (const auto& message : messages) {
    const auto& content = member(message, "content");
    if (content.is_array())
      for (const auto& block : content)
        if (text_member(block, "type") == "tool_use")
          names[text_member(block, "id")] = text_member(block, "name");
    const auto& calls = member(message, "tool_calls");
    if (calls.is_array())
      for (const auto& call : calls)
        names[text_member(call, "id")] = text_member(member(call, "function"), "name");
  }
  return names;
}

// Ids that we made up (the vendor gave none) become those that the recorder made up, in order.
void take_recorded_ids(model_response& response, const json& assistant) {
  const auto& calls = member(assistant, "tool_calls");
  size_t next = 0;
  for (auto& any_part : response.parts)
    if (auto* part = std::get_if<tool_call_part>(&any_part)) {
      if (part->tool_call_id.compare(0, 7, "pyd_ai_") == 0 && calls.is_array() && next < calls.size())
        part->tool_call_id = text_member(calls[next], "id");
      ++next;
    }
}

const char* list_key(const recording& file) {
  return file.kind == provider_kind::openai_responses ? "input" : "messages";
}

// What was said so far, in the canonical form of its wire.
json canonical_list(const recording& file, size_t index) {
  return canonical_request(file.kind, file.exchanges[index].request)[list_key(file)];
}

// The newest earlier exchange whose conversation this request goes on with: all of its messages, then an answer.
std::optional<size_t> continued_exchange(const recording& file, size_t index, const json& messages) {
  std::optional<size_t> found;
  size_t longest = 0;
  for (size_t i = 0; i < index; ++i) {
    const auto earlier = canonical_list(file, i);
    if (file.exchanges[i].status != 200 || earlier.size() >= messages.size() || earlier.size() < longest)
      continue;
    bool same = file.kind == provider_kind::openai_responses
      ? is_answer_item(messages[earlier.size()])
      : text_member(messages[earlier.size()], "role") == "assistant";
    for (size_t at = 0; same && at < earlier.size(); ++at)
      same = difference(earlier[at], messages[at]).empty();
    if (same) {
      found = i;
      longest = earlier.size();
    }
  }
  return found;
}

// Consecutive tool messages, and the user message with their files. Gives the index of the first message not taken.
size_t take_tool_messages(const json& messages, size_t from, const call_names& names, model_request& request) {
  size_t after = from;
  while (after < messages.size() && text_member(messages[after], "role") == "tool")
    ++after;
  const auto files = after < messages.size() ? files_after_tools(messages[after]) : std::map<std::string, json>{};
  for (size_t i = from; i < after; ++i) {
    const auto items = chat_items(member(messages[i], "content"));
    const auto text = items.empty() ? std::string{} : std::get<std::string>(items.front());
    request.parts.push_back(answer_to_call(text_member(messages[i], "tool_call_id"), chat_result(text, files), false,
                                           name_of(text_member(messages[i], "tool_call_id"), names)));
  }
  return files.empty() ? after : after + 1;
}

// The last of the leading system messages are the instructions; those before it are prompts of the history.
void take_system_message(const json& messages, size_t at, std::string& instructions, model_request& request) {
  auto text = std::get<std::string>(chat_items(member(messages[at], "content")).front());
  const auto role = text_member(messages[at], "role");
  const bool last = at + 1 == messages.size() || text_member(messages[at + 1], "role") != role;
  if (last && instructions.empty()) {
    instructions = std::move(text);
    return;
  }
  system_prompt_part part;
  part.content = std::move(text);
  request.parts.emplace_back(std::move(part));
}

void append_tail(const recording& file, const json& messages, size_t from, message_history& history,
                 std::string& instructions) {
  const auto names = names_of_calls(messages);
  const bool is_anthropic = file.kind == provider_kind::anthropic;
  const auto vendor = file.vendor.substr(0, file.vendor.find("-vllm"));
  for (size_t i = from; i < messages.size();) {
    const auto& one = messages[i];
    const auto role = text_member(one, "role");
    const auto& content = member(one, "content");
    if (role == "assistant") {
      history.emplace_back(is_anthropic ? anthropic_response(content) : chat_response(one, vendor));
      ++i;
      continue;
    }
    model_request request;
    if (is_anthropic)
      request = anthropic_request(content, names);
    else if (role == "user")
      request.parts.emplace_back(prompt_of(chat_items(content)));
    else if (role != "tool")
      take_system_message(messages, i, instructions, request);
    i = role == "tool" ? take_tool_messages(messages, i, names, request) : i + 1;
    history.emplace_back(std::move(request));
  }
}

} // namespace

json file_object(const user_content& file) {
  if (const auto* binary = std::get_if<binary_content>(&file))
    return json{{"data", base64url_encode(binary->data)},
                {"media_type", binary->media_type},
                {"vendor_metadata", binary->vendor_metadata},
                {"kind", "binary"},
                {"identifier", binary->identifier}};
  if (const auto* uploaded = std::get_if<uploaded_file>(&file))
    return json{{"file_id", uploaded->file_id},
                {"provider_name", uploaded->provider_name},
                {"vendor_metadata", uploaded->vendor_metadata},
                {"kind", "uploaded-file"},
                {"media_type", uploaded->media_type},
                {"identifier", uploaded->identifier}};
  const auto& url = std::get<url_content>(file);
  return json{{"url", url.url},   {"force_download", false},      {"vendor_metadata", url.vendor_metadata},
              {"kind", url.kind}, {"media_type", url.media_type}, {"identifier", url.identifier}};
}

request_part answer_to_call(const std::string& id, json content, bool is_error, const std::string& name) {
  auto text = content.is_string() ? content.get<std::string>() : "";
  const bool is_retry = text.size() > retry_ending.size()
    && text.compare(text.size() - retry_ending.size(), std::string::npos, retry_ending) == 0;
  if (is_error || is_retry) {
    retry_prompt_part part;
    part.content = is_retry ? text.substr(0, text.size() - retry_ending.size()) : text;
    part.tool_name = name;
    part.tool_call_id = id;
    return part;
  }
  tool_return_part part;
  part.tool_name = name;
  part.content = std::move(content);
  part.tool_call_id = id;
  return part;
}

bool goes_on(const recording& file, size_t index) {
  if (file.kind == provider_kind::google)
    return google_goes_on(file, index);
  return continued_exchange(file, index, canonical_list(file, index)).has_value();
}

bool is_blank_text(const std::string& text) {
  return is_blank(text);
}

message_history history_for(const recording& file, size_t index, std::string& instructions) {
  const auto& body = file.exchanges[index].request;
  // Only for finding out what goes on with what; the messages themselves are taken as they were recorded.
  const auto canonical = canonical_list(file, index);
  const auto& messages = body.at(list_key(file));
  const bool responses = file.kind == provider_kind::openai_responses;
  message_history history;
  size_t from = 0;
  if (const auto earlier = continued_exchange(file, index, canonical)) {
    history = history_for(file, *earlier, instructions);
    const auto& before = file.exchanges[*earlier].request.at(list_key(file));
    from = before.is_array() ? before.size() : 1;
    auto outcome = decode(file, file.exchanges[*earlier], cuts::none);
    if (outcome.response) {
      if (!responses)
        take_recorded_ids(*outcome.response, messages[from]);
      history.emplace_back(std::move(*outcome.response));
      // One message on the other wires, here all items of the answer.
      do
        ++from;
      while (responses && from < messages.size() && is_answer_item(messages[from]));
    }
  }
  if (responses) {
    append_input(messages, from, file.vendor, history);
    instructions = text_member(body, "instructions");
    return history;
  }
  append_tail(file, messages, from, history, instructions);
  if (file.kind == provider_kind::anthropic) {
    instructions.clear();
    for (const auto& item : chat_items(member(body, "system")))
      instructions += (instructions.empty() ? "" : "\n\n") + std::get<std::string>(item);
  }
  return history;
}

} // namespace varro::test
