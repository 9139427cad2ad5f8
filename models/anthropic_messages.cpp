#include "models/anthropic_messages.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"
#include "models/anthropic.hpp"
#include "models/anthropic_blocks.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <set>

namespace varro::anthropic {

namespace {

// --- requests to user messages ---------------------------------------------------------------------------------------

std::string tool_use_id(const std::string& id) {
  static constexpr call_id_rule rule{.length_max = 256};
  return accepted_call_id(id, rule);
}

void append_text(std::string text, json& blocks) {
  if (!is_blank(text))
    blocks.push_back(json{{"type", "text"}, {"text", std::move(text)}});
}

json base64_source(const binary_content& file) {
  return json{{"type", "base64"}, {"media_type", file.media_type}, {"data", base64_encode(file.data)}};
}

void append_binary(const binary_content& file, bool vision, json& blocks) {
  const bool readable_image = file.media_type == "image/png" || file.media_type == "image/jpeg"
    || file.media_type == "image/gif" || file.media_type == "image/webp";
  if (readable_image && vision && !file.data.empty())
    blocks.push_back(json{{"type", "image"}, {"source", base64_source(file)}});
  else if (file.media_type == "application/pdf" && vision && !file.data.empty())
    blocks.push_back(json{{"type", "document"}, {"source", base64_source(file)}});
  else if (file.media_type.compare(0, 5, "text/") == 0 && !is_blank(file.data))
    blocks.push_back(
      json{{"type", "document"},
           {"source", {{"type", "text"}, {"media_type", "text/plain"}, {"data", to_valid_utf8(file.data)}}}});
  else
    append_text(file_note(file), blocks);
}

void append_file(const user_content& content, bool vision, json& blocks) {
  if (const auto* binary = std::get_if<binary_content>(&content)) {
    append_binary(*binary, vision, blocks);
  } else if (const auto* url = std::get_if<url_content>(&content)) {
    const bool image = url->kind == "image-url";
    if (vision && (image || (url->kind == "document-url" && url->media_type == "application/pdf")))
      blocks.push_back(json{{"type", image ? "image" : "document"}, {"source", {{"type", "url"}, {"url", url->url}}}});
    else
      append_text(file_note(content), blocks);
  } else if (const auto* uploaded = std::get_if<uploaded_file>(&content)) {
    if (vision)
      blocks.push_back(json{{"type", is_image(uploaded->media_type) ? "image" : "document"},
                            {"source", {{"type", "file"}, {"file_id", uploaded->file_id}}}});
    else
      append_text(file_note(content), blocks);
  }
}

void append_prompt(const user_prompt_part& part, bool vision, json& blocks) {
  if (const auto* text = std::get_if<std::string>(&part.content))
    return append_text(*text, blocks);
  for (const auto& item : std::get<std::vector<user_content>>(part.content)) {
    if (const auto* text = std::get_if<std::string>(&item))
      append_text(*text, blocks);
    else if (const auto* marked = std::get_if<text_content>(&item))
      append_text(marked->content, blocks);
    else
      append_file(item, vision, blocks); // cache points are left out: the breakpoints below cover them
  }
}

json tool_result(const std::string& call_id, json content, bool is_error) {
  return json{{"type", "tool_result"},
              {"tool_use_id", tool_use_id(call_id)},
              {"content", std::move(content)},
              {"is_error", is_error}};
}

json tool_return_block(const tool_return_part& part, bool vision) {
  auto content = json::array();
  for (const auto& item : tool_content_items(part.content)) {
    if (const auto* text = std::get_if<std::string>(&item))
      append_text(*text, content);
    else
      append_file(std::get<user_content>(item), vision, content);
  }
  return tool_result(part.tool_call_id, content.empty() ? json("") : std::move(content), false);
}

// Results first: the vendor wants them at the head of the message that follows their calls.
json user_blocks(const model_request& request, bool vision, std::vector<std::string>& system) {
  auto results = json::array();
  auto others = json::array();
  for (const auto& any_part : request.parts) {
    if (const auto* part = std::get_if<system_prompt_part>(&any_part)) {
      if (!is_blank(part->content))
        system.push_back(part->content);
    } else if (const auto* part = std::get_if<user_prompt_part>(&any_part)) {
      append_prompt(*part, vision, others);
    } else if (const auto* part = std::get_if<tool_return_part>(&any_part)) {
      results.push_back(tool_return_block(*part, vision));
    } else if (const auto* part = std::get_if<retry_prompt_part>(&any_part)) {
      if (part->tool_name)
        results.push_back(tool_result(part->tool_call_id, retry_text(*part), true));
      else
        append_text(retry_text(*part), others);
    }
  }
  for (auto& block : others)
    results.push_back(std::move(block));
  return results;
}

// --- responses to assistant messages ---------------------------------------------------------------------------------

std::set<std::string> returned_ids(const message_history& history) {
  std::set<std::string> ids;
  for (const message& any_message : history)
    if (const auto* response = std::get_if<model_response>(&any_message))
      for (const auto& part : response->parts)
        if (const auto* result = std::get_if<builtin_tool_return_part>(&part))
          ids.insert(result->tool_call_id);
  return ids;
}

struct response_context {
  std::string provider;
  std::set<std::string> returned; // calls of the vendor's own tools that have their result
  size_t thinking_from = 0;       // index of the first message whose thinking goes back
};

// Where thinking is off, the vendor wants what there was taken out by us, since such a request cannot say that thinking
// which no longer matches shall be dropped. Taken from the front it invalidates nothing behind it; between tool calls
// the notes of the turn that is on stay.
size_t first_thinking_kept(const model_query& query, thinking_mode mode, const message_history& history) {
  if (query.without_thinking || mode == thinking_mode::disabled)
    return history.size();
  if (mode != thinking_mode::between_tools)
    return 0;
  size_t turn = 0;
  for (size_t i = 0; i < history.size(); ++i)
    if (const auto* request = history[i].as<model_request>())
      for (const auto& part : request->parts)
        if (std::holds_alternative<user_prompt_part>(part))
          turn = i;
  return turn;
}

json assistant_blocks(const model_response& response, size_t index, bool is_last, const response_context& context) {
  auto blocks = json::array();
  for (const auto& part : response.parts) {
    const auto* thinking = std::get_if<thinking_part>(&part);
    if (thinking && thinking->signature && thinking->provider_name == context.provider && index < context.thinking_from)
      continue;
    // A call of a vendor's tool without its result is refused, except at the end, where the vendor paused inside it.
    const auto* call = std::get_if<builtin_tool_call_part>(&part);
    if (call && !context.returned.count(call->tool_call_id) && (!is_last || call->tool_kind == "tool-search"))
      continue;
    append_block(part, context.provider, blocks);
  }
  if (is_last && !blocks.empty() && blocks.back()["type"] == "text") {
    // The vendor refuses a final assistant text that ends in white space.
    auto text = blocks.back()["text"].get<std::string>();
    text.erase(text.find_last_not_of(" \t\r\n\f\v") + 1);
    blocks.back()["text"] = std::move(text);
  }
  return blocks;
}

} // namespace

json encode_messages(const model_query& query, thinking_mode mode, std::vector<std::string>& system) {
  const auto history = joined(*query.history);
  const response_context context{provider_name(query.model), returned_ids(history),
                                 first_thinking_kept(query, mode, history)};
  auto messages = json::array();
  for (size_t i = 0; i < history.size(); ++i) {
    json blocks;
    const auto* request = history[i].as<model_request>();
    if (request)
      blocks = user_blocks(*request, query.model.vision && !query.without_pictures, system);
    else
      blocks = assistant_blocks(std::get<model_response>(*history[i]), i, i + 1 == history.size(), context);
    if (!blocks.empty())
      messages.push_back(json{{"role", request ? "user" : "assistant"}, {"content", std::move(blocks)}});
  }
  return messages;
}

} // namespace varro::anthropic
