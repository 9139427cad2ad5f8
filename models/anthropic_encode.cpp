#include "models/anthropic.hpp"

#include "models/anthropic_blocks.hpp"
#include "models/anthropic_models.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <set>

namespace varro::anthropic {

namespace {

constexpr int64_t thinking_budget_min = 1'024;   // the vendor's own lower limit
constexpr int64_t answer_tokens_min = 1'024;     // of max_tokens, kept free of thinking
constexpr int64_t output_tokens_default = 4'096; // max_tokens is required; when a setting says null
constexpr int cache_breakpoints_max = 4;

const json cache_mark = {{"type", "ephemeral"}};

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

std::set<std::string> returned_ids(const std::vector<message>& history) {
  std::set<std::string> ids;
  for (const auto& any_message : history)
    if (const auto* response = std::get_if<model_response>(&any_message))
      for (const auto& part : response->parts)
        if (const auto* result = std::get_if<builtin_tool_return_part>(&part))
          ids.insert(result->tool_call_id);
  return ids;
}

struct response_context {
  std::string provider;
  std::set<std::string> returned; // calls of the vendor's own tools that have their result
};

json assistant_blocks(const model_response& response, bool is_last, const response_context& context) {
  auto blocks = json::array();
  for (const auto& part : response.parts) {
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

json encode_messages(const model_query& query, std::vector<std::string>& system) {
  const auto history = joined(*query.history);
  const response_context context{provider_name(query.model), returned_ids(history)};
  auto messages = json::array();
  for (size_t i = 0; i < history.size(); ++i) {
    json blocks;
    const auto* request = std::get_if<model_request>(&history[i]);
    if (request)
      blocks = user_blocks(*request, query.model.vision, system);
    else
      blocks = assistant_blocks(std::get<model_response>(history[i]), i + 1 == history.size(), context);
    if (!blocks.empty())
      messages.push_back(json{{"role", request ? "user" : "assistant"}, {"content", std::move(blocks)}});
  }
  return messages;
}

// --- prompt caching --------------------------------------------------------------------------------------------------

bool takes_cache_mark(const json& block) {
  static const std::set<std::string> types = {"text", "tool_use", "tool_result", "image", "document"};
  return types.count(text_member(block, "type")) > 0;
}

bool mark_last_block(json& blocks) {
  for (auto it = blocks.rbegin(); it != blocks.rend(); ++it)
    if (takes_cache_mark(*it)) {
      (*it)["cache_control"] = cache_mark;
      return true;
    }
  return false;
}

// Tools, system and messages are one prefix in this order. The end of the stable head is marked, and the ends of the
// newest user messages: the newest is written, those before it are read.
void mark_cache_breakpoints(json& body) {
  int left = cache_breakpoints_max;
  if (body.contains("system"))
    left -= mark_last_block(body["system"]) ? 1 : 0;
  else if (body.contains("tools") && body["tools"].is_array() && !body["tools"].empty()) {
    body["tools"].back()["cache_control"] = cache_mark;
    --left;
  }
  auto& messages = body["messages"];
  for (auto it = messages.rbegin(); it != messages.rend() && left > 1; ++it)
    if ((*it)["role"] == "user" && mark_last_block((*it)["content"]))
      --left;
}

// --- settings --------------------------------------------------------------------------------------------------------

int64_t output_tokens(const model_query& query, const claude_traits& traits) {
  int64_t wanted = query.model.output_tokens_max;
  if (const auto* setting = find_setting(query, "max_tokens"))
    wanted = integer(*setting).value_or(output_tokens_default);
  wanted = std::max<int64_t>(wanted, 1);
  return traits.output_tokens_max ? std::min(wanted, traits.output_tokens_max) : wanted;
}

std::string wanted_thinking(const model_query& query) {
  const auto* setting = find_setting(query, "thinking");
  if (!setting)
    return query.model.thinking;
  if (setting->is_boolean())
    return setting->get<bool>() ? "auto" : "off";
  return setting->is_null() ? "off" : "auto";
}

json encode_thinking(const model_query& query, const claude_traits& traits, int64_t max_tokens) {
  if (const auto* exact = find_setting(query, "anthropic_thinking"))
    return *exact;
  switch (resolve_thinking(wanted_thinking(query), traits)) {
  case thinking_mode::adaptive: {
    json thinking = {{"type", "adaptive"}};
    // Such models send the thought's signature only, unless they are asked for its words.
    if (traits.hides_thinking)
      thinking["display"] = "summarized";
    return thinking;
  }
  case thinking_mode::budget: {
    const auto budget
      = std::min(std::max(query.model.thinking_budget_tokens, thinking_budget_min), max_tokens - answer_tokens_min);
    if (budget < thinking_budget_min)
      return nullptr;
    return json{{"type", "enabled"}, {"budget_tokens", budget}};
  }
  case thinking_mode::none:
    break;
  }
  return nullptr;
}

json encode_tools(const model_query& query) {
  auto tools = json::array();
  for (const auto& tool : query.tools) {
    auto schema = tool.parameters.is_object() ? tool.parameters : json::object();
    if (!schema.contains("type"))
      schema["type"] = "object";
    tools.push_back(json{{"name", tool.name}, {"description", tool.description}, {"input_schema", std::move(schema)}});
  }
  return tools;
}

// `auto` is the vendor's default and not sent.
json encode_tool_choice(const model_query& query, bool can_force) {
  json choice;
  if (const auto* setting = find_setting(query, "tool_choice")) {
    if (*setting == "none")
      return json{{"type", "none"}};
    if (*setting == "required" && can_force)
      choice = json{{"type", "any"}};
    else if (setting->is_array() && setting->size() == 1 && setting->front().is_string() && can_force)
      choice = json{{"type", "tool"}, {"name", setting->front()}};
    else if (setting->is_array() && setting->size() > 1 && can_force)
      choice = json{{"type", "any"}};
  }
  const auto* parallel = find_setting(query, "parallel_tool_calls");
  if (parallel && parallel->is_boolean()) {
    if (choice.is_null())
      choice = json{{"type", "auto"}};
    choice["disable_parallel_tool_use"] = !parallel->get<bool>();
  }
  return choice;
}

void add_sampling(const model_query& query, const claude_traits& traits, bool thinks, json& body) {
  if (const auto* stop = find_setting(query, "stop_sequences"); stop && stop->is_array() && !stop->empty())
    body["stop_sequences"] = *stop;
  // With thinking the vendor accepts no temperature but 1, and newer models accept none at all.
  if (thinks || !traits.sampling)
    return;
  const auto* temperature = find_setting(query, "temperature");
  if (temperature ? temperature->is_number() : query.model.temperature.has_value())
    body["temperature"] = temperature ? *temperature : json(*query.model.temperature);
  for (const auto* name : {"top_p", "top_k"})
    if (const auto* value = find_setting(query, name); value && value->is_number())
      body[name] = *value;
}

// The container of the vendor's code execution goes on where the last answer left it.
std::optional<std::string> container_of(const model_query& query) {
  const auto provider = provider_name(query.model);
  for (auto it = query.history->rbegin(); it != query.history->rend(); ++it)
    if (const auto* response = std::get_if<model_response>(&*it); response && response->provider_name == provider)
      if (auto id = string_member(response->provider_details, "container_id"))
        return id;
  return std::nullopt;
}

template <class Part>
bool has_part(const model_query& query) {
  for (const auto& any_message : *query.history)
    if (const auto* response = std::get_if<model_response>(&any_message))
      for (const auto& part : response->parts)
        if (std::holds_alternative<Part>(part))
          return true;
  return false;
}

std::string beta_header(const model_query& query, const std::string& body) {
  std::set<std::string> betas;
  if (const auto* setting = find_setting(query, "anthropic_betas"); setting && setting->is_array())
    for (const auto& beta : *setting)
      if (beta.is_string())
        betas.insert(beta.get<std::string>());
  if (body.find(R"("file_id":)") != std::string::npos)
    betas.insert("files-api-2025-04-14");
  if (has_part<compaction_part>(query))
    betas.insert("compact-2026-01-12");
  std::string header;
  for (const auto& beta : betas)
    header += (header.empty() ? "" : ",") + beta;
  return header;
}

} // namespace

std::string provider_name(const model_config& model) {
  return model.provider.empty() ? "anthropic" : model.provider;
}

json encode_body(const model_query& query) {
  const auto traits = traits_of_claude(query.model.name);
  const auto max_tokens = output_tokens(query, traits);
  json body = {{"model", query.model.name}, {"max_tokens", max_tokens}};
  std::vector<std::string> system;
  auto messages = encode_messages(query, system);
  if (auto instructions = instructions_of(query); !is_blank(instructions))
    system.push_back(std::move(instructions));
  for (auto& text : system)
    append_text(std::move(text), body["system"]);
  if (auto tools = encode_tools(query); !tools.empty())
    body["tools"] = std::move(tools);
  body["messages"] = std::move(messages);
  const auto thinking = encode_thinking(query, traits, max_tokens);
  const bool thinks = thinking.is_object() && text_member(thinking, "type") != "disabled";
  if (!thinking.is_null())
    body["thinking"] = thinking;
  if (body.contains("tools"))
    if (auto choice = encode_tool_choice(query, traits.forced_tools && !thinks); !choice.is_null())
      body["tool_choice"] = std::move(choice);
  add_sampling(query, traits, thinks, body);
  if (auto container = container_of(query))
    body["container"] = *container;
  if (has_part<compaction_part>(query))
    body["context_management"] = json{{"edits", json::array({json{{"type", "compact_20260112"}}})}};
  mark_cache_breakpoints(body);
  const auto* stream = find_setting(query, "stream");
  body["stream"] = !stream || *stream != json(false);
  apply_extra_body(query, body);
  return body;
}

caf::expected<http_request> encode(const model_query& query) {
  const auto body = encode_body(query);
  if (!body["messages"].is_array() || body["messages"].empty())
    return fail(errc::invalid_input, "There is no message that could be sent to the model.");
  http_request request;
  request.url = query.model.base_url + "/v1/messages";
  request.body = dump_json(body);
  request.headers = {{"content-type", "application/json"},
                     {"accept", body["stream"] == json(true) ? "text/event-stream" : "application/json"},
                     {"anthropic-version", "2023-06-01"}};
  if (!query.model.api_key.empty())
    request.headers.emplace_back("x-api-key", query.model.api_key);
  if (auto betas = beta_header(query, request.body); !betas.empty())
    request.headers.emplace_back("anthropic-beta", std::move(betas));
  return request;
}

} // namespace varro::anthropic
