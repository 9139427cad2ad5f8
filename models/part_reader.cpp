#include "models/part_reader.hpp"

#include "models/content_json.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"

#include <algorithm>
#include <initializer_list>

namespace varro {

namespace {

// --- tool calls and returns ------------------------------------------------------------------------------------------

// Up to 0.0.44 an id could be null. A call gets a made one; the returns of that tool claim them in order.
std::string make_call_id(const std::string& tool_name, message_reading& reading) {
  auto id = make_tool_call_id();
  reading.unclaimed_ids[tool_name].push_back(id);
  return id;
}

std::string claim_call_id(const std::string& tool_name, message_reading& reading) {
  const auto found = reading.unclaimed_ids.find(tool_name);
  if (found == reading.unclaimed_ids.end() || found->second.empty())
    return make_tool_call_id();
  auto id = found->second.front();
  found->second.erase(found->second.begin());
  return id;
}

bool lacks_call_id(const json_fields& fields) {
  const auto* id = fields.find("tool_call_id");
  return !id || id->is_null();
}

// Since 2.10 a call can be interrupted, later also answered by a wish to try again.
void read_outcome(json_fields& fields, std::string& out) {
  fields.one_of("outcome", out, {"success", "failed", "denied", "interrupted", "retried"});
}

// Kinds of later releases, and answers that are none, have no shape that we know.
bool has_known_shape(const std::optional<std::string>& tool_kind) {
  return tool_kind && (*tool_kind == "tool-search" || *tool_kind == "capability-load");
}

// Copies the fields that the typed kinds know; false when `value` has not the kind's shape.
bool keep_text_fields(const json& value, const char* required, const char* optional, json& out) {
  out = json::object();
  for (const auto* key : {required, optional}) {
    if (!key)
      continue;
    const auto found = value.find(key);
    if (found != value.end() && !found->is_string())
      return false;
    if (found != value.end())
      out[key] = *found;
    else if (key == required)
      return false;
  }
  return true;
}

bool keep_search_queries(const json& args, json& out) {
  const auto queries = args.find("queries");
  if (queries == args.end() || !queries->is_array())
    return false;
  for (const auto& query : *queries)
    if (!query.is_string())
      return false;
  out = json::object();
  out["queries"] = *queries;
  return true;
}

bool keep_search_result(const json& content, json& out) {
  const auto tools = content.find("discovered_tools");
  if (tools == content.end() || !tools->is_array())
    return false;
  json kept = json::array();
  for (const auto& tool : *tools) {
    json one;
    if (!tool.is_object() || !keep_text_fields(tool, "name", nullptr, one))
      return false;
    kept.push_back(std::move(one));
  }
  out = json::object();
  out["discovered_tools"] = std::move(kept);
  if (const auto message = content.find("message"); message != content.end()) {
    if (!message->is_string())
      return false;
    out["message"] = *message;
  }
  return true;
}

// pydantic-ai refuses a part whose data do not have the shape of its kind; here it becomes an ordinary part.
void narrow_call(tool_call_part& part, bool builtin) {
  if (!has_known_shape(part.tool_kind) || (builtin && *part.tool_kind == "capability-load"))
    return;
  const bool search = *part.tool_kind == "tool-search";
  const char* name = search ? (builtin ? "tool_search" : "search_tools") : "load_capability";
  json args = part.args;
  bool fits = part.tool_name == name;
  if (fits && args.is_object())
    fits = search ? keep_search_queries(part.args, args) : keep_text_fields(part.args, "id", nullptr, args);
  if (fits)
    part.args = std::move(args);
  else
    part.tool_kind.reset();
}

template <class Part>
void narrow_return(Part& part, bool builtin) {
  if (!has_known_shape(part.tool_kind) || (builtin && *part.tool_kind == "capability-load")
      || part.outcome == "interrupted" || part.outcome == "retried")
    return;
  const bool search = *part.tool_kind == "tool-search";
  const char* name = search ? (builtin ? "tool_search" : "search_tools") : "load_capability";
  json content;
  const bool fits = part.tool_name == name && part.content.is_object()
    && (search ? keep_search_result(part.content, content)
               : keep_text_fields(part.content, nullptr, "instructions", content));
  if (fits)
    part.content = std::move(content);
  else
    part.tool_kind.reset();
}

// Up to 0.0.20 the arguments stood in {"args_json": text} or {"args_dict": object}. Parts of today have the keys that
// tell such an object from arguments that happen to have these names.
const json* unwrapped_args(const json_fields& fields, const json& args) {
  if (!args.is_object() || args.size() != 1 || fields.has("tool_kind") || fields.has("id")
      || fields.has("provider_name") || fields.has("provider_details"))
    return &args;
  if (const auto text = args.find("args_json"); text != args.end() && text->is_string())
    return &*text;
  if (const auto object = args.find("args_dict"); object != args.end() && object->is_object())
    return &*object;
  return &args;
}

void read_call(json_fields& fields, tool_call_part& part, bool builtin) {
  fields.text("tool_name", part.tool_name);
  if (const auto* args = fields.find("args")) {
    if (args->is_null() || args->is_string() || args->is_object())
      part.args = *unwrapped_args(fields, *args);
    else
      fields.fail_at("args", "a string, an object or null");
  }
  if (lacks_call_id(fields))
    part.tool_call_id = make_call_id(part.tool_name, fields.reading());
  else
    fields.text("tool_call_id", part.tool_call_id);
  fields.text_or_null("tool_kind", part.tool_kind);
  fields.text_or_null("id", part.id);
  fields.text_or_null("provider_name", part.provider_name);
  fields.object_or_null("provider_details", part.provider_details);
  if (!fields.reading().failed)
    narrow_call(part, builtin);
}

template <class Part>
void read_return(json_fields& fields, Part& part, bool builtin) {
  fields.text("tool_name", part.tool_name);
  if (const auto* content = fields.find("content"))
    part.content = normalized_tool_content(*content);
  else
    fields.fail_at("content", "present");
  if (lacks_call_id(fields))
    part.tool_call_id = claim_call_id(part.tool_name, fields.reading());
  else
    fields.text("tool_call_id", part.tool_call_id);
  fields.text_or_null("tool_kind", part.tool_kind);
  fields.any("metadata", part.metadata);
  fields.timestamp("timestamp", part.timestamp);
  read_outcome(fields, part.outcome);
  if (!fields.reading().failed)
    narrow_return(part, builtin);
}

// --- parts of a request ----------------------------------------------------------------------------------------------

system_prompt_part read_system_prompt(json_fields& fields) {
  system_prompt_part part;
  fields.text("content", part.content);
  fields.timestamp("timestamp", part.timestamp);
  fields.text_or_null("dynamic_ref", part.dynamic_ref);
  fields.newer({"context_id", "scope", "metadata"}, part.newer);
  return part;
}

user_prompt_part read_user_prompt(json_fields& fields) {
  user_prompt_part part;
  const auto* content = fields.find("content");
  if (content && content->is_string()) {
    part.content = content->get<std::string>();
  } else if (content && content->is_array()) {
    std::vector<user_content> items;
    const json_place place{&fields.place(), "content"};
    for (size_t i = 0; i < content->size() && !fields.reading().failed; ++i)
      if (auto item = read_user_content((*content)[i], json_place{&place, {}, i}, fields.reading()))
        items.push_back(std::move(*item));
    part.content = std::move(items);
  } else {
    fields.fail_at("content", "a string or a list");
  }
  fields.timestamp("timestamp", part.timestamp);
  return part;
}

// {type, loc, msg, input} and, where there are, ctx and url; in pydantic's order, without anything else.
json read_validation_error(const json& value, const json_place& place, message_reading& reading) {
  json_fields fields{value, place, reading};
  json out = json::object();
  std::string text;
  fields.text("type", text);
  out["type"] = text;
  const auto* loc = fields.find("loc");
  if (loc && loc->is_array()) {
    for (const auto& step : *loc)
      if (!step.is_string() && !step.is_number_integer())
        fields.fail_at("loc", "a list of strings and numbers");
    out["loc"] = *loc;
  } else {
    fields.fail_at("loc", "a list");
  }
  fields.text("msg", text);
  out["msg"] = text;
  fields.required_any("input", out["input"]);
  if (const auto* ctx = fields.find("ctx")) {
    if (!ctx->is_object())
      fields.fail_at("ctx", "an object");
    out["ctx"] = *ctx;
  }
  if (fields.has("url")) {
    fields.text("url", text);
    out["url"] = text;
  }
  return out;
}

retry_prompt_part read_retry_prompt(json_fields& fields) {
  retry_prompt_part part;
  const auto* content = fields.find("content");
  if (content && content->is_string()) {
    part.content = *content;
  } else if (content && content->is_array()) {
    part.content = json::array();
    const json_place place{&fields.place(), "content"};
    for (size_t i = 0; i < content->size() && !fields.reading().failed; ++i)
      part.content.push_back(read_validation_error((*content)[i], json_place{&place, {}, i}, fields.reading()));
  } else {
    fields.fail_at("content", "a string or a list");
  }
  fields.text_or_null("tool_name", part.tool_name);
  if (lacks_call_id(fields))
    part.tool_call_id = claim_call_id(part.tool_name.value_or(""), fields.reading());
  else
    fields.text("tool_call_id", part.tool_call_id);
  fields.timestamp("timestamp", part.timestamp);
  return part;
}

// --- parts of a response ---------------------------------------------------------------------------------------------

template <class Part>
void read_origin(json_fields& fields, Part& part) {
  fields.text_or_null("id", part.id);
  fields.text_or_null("provider_name", part.provider_name);
  fields.object_or_null("provider_details", part.provider_details);
}

text_part read_text(json_fields& fields) {
  text_part part;
  fields.text("content", part.content);
  read_origin(fields, part);
  fields.newer({"citations"}, part.newer);
  return part;
}

thinking_part read_thinking(json_fields& fields) {
  thinking_part part;
  fields.text("content", part.content);
  fields.text_or_null("signature", part.signature);
  read_origin(fields, part);
  return part;
}

compaction_part read_compaction(json_fields& fields) {
  compaction_part part;
  fields.text_or_null("content", part.content);
  read_origin(fields, part);
  fields.newer({"metadata"}, part.newer);
  return part;
}

file_part read_file(json_fields& fields) {
  file_part part;
  const auto* content = fields.find("content");
  const json_place place{&fields.place(), "content"};
  if (!content)
    fields.fail_at("content", "a file");
  else if (auto file = read_binary_content(*content, place, fields.reading()))
    part.content = std::move(*file);
  read_origin(fields, part);
  return part;
}

builtin_tool_return_part read_builtin_return(json_fields& fields) {
  builtin_tool_return_part part;
  read_return(fields, part, true);
  fields.text_or_null("provider_name", part.provider_name);
  fields.object_or_null("provider_details", part.provider_details);
  return part;
}

// A tagged union: one kind, one reader.
template <class Variant, class Part>
std::optional<Variant> checked(Part part, const message_reading& reading) {
  if (reading.failed)
    return std::nullopt;
  return Variant{std::move(part)};
}

// Kinds that releases after v2.9 added: kept whole. What is spoken says by whom.
bool is_newer_kind(json_fields& fields, const std::string& kind, const char* speaker,
                   std::initializer_list<std::string_view> kinds) {
  if (kind == "speech") {
    std::string who;
    fields.text("speaker", who);
    if (who != speaker)
      fields.fail_at("speaker", speaker);
    return true;
  }
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

std::string read_part_kind(json_fields& fields) {
  std::string kind;
  fields.text("part_kind", kind);
  return kind;
}

} // namespace

std::optional<request_part> read_request_part(const json& value, const json_place& place, message_reading& reading) {
  json_fields fields{value, place, reading};
  const auto kind = read_part_kind(fields);
  if (kind == "system-prompt")
    return checked<request_part>(read_system_prompt(fields), reading);
  if (kind == "user-prompt")
    return checked<request_part>(read_user_prompt(fields), reading);
  if (kind == "tool-return") {
    tool_return_part part;
    read_return(fields, part, false);
    fields.newer({"retry"}, part.newer);
    return checked<request_part>(std::move(part), reading);
  }
  if (kind == "retry-prompt")
    return checked<request_part>(read_retry_prompt(fields), reading);
  if (is_newer_kind(fields, kind, "user",
                    {"retry-feedback", "tool-availability-delta", "capability-load-delta", "model-settings-delta",
                     "instruction-delta", "instruction-baseline", "compaction"}))
    return checked<request_part>(other_part{value}, reading);
  fields.fail_at("part_kind", "a kind of part of a request");
  return std::nullopt;
}

std::optional<response_part> read_response_part(const json& value, const json_place& place, message_reading& reading) {
  json_fields fields{value, place, reading};
  const auto kind = read_part_kind(fields);
  if (kind == "text")
    return checked<response_part>(read_text(fields), reading);
  if (kind == "thinking")
    return checked<response_part>(read_thinking(fields), reading);
  if (kind == "tool-call") {
    tool_call_part part;
    read_call(fields, part, false);
    return checked<response_part>(std::move(part), reading);
  }
  if (kind == "builtin-tool-call") {
    builtin_tool_call_part part;
    read_call(fields, part, true);
    return checked<response_part>(std::move(part), reading);
  }
  if (kind == "builtin-tool-return")
    return checked<response_part>(read_builtin_return(fields), reading);
  if (kind == "compaction")
    return checked<response_part>(read_compaction(fields), reading);
  if (kind == "file")
    return checked<response_part>(read_file(fields), reading);
  if (is_newer_kind(fields, kind, "assistant", {}))
    return checked<response_part>(other_part{value}, reading);
  fields.fail_at("part_kind", "a kind of part of a response");
  return std::nullopt;
}

} // namespace varro
