// Messages to JSON, field by field in the order in which pydantic-ai v2.9.1 prints them.
#include "models/content_json.hpp"
#include "models/message_json.hpp"
#include "models/timestamp.hpp"

namespace varro {

namespace {

json or_null(const std::optional<std::string>& value) {
  return value ? json(*value) : json(nullptr);
}

json time_or_null(const timestamp_text& value) {
  return value.empty() ? json(nullptr) : json(value);
}

// A required timestamp that nobody set is the moment of writing, as pydantic-ai's default is.
json time_or_now(const timestamp_text& value) {
  return value.empty() ? timestamp_now() : value;
}

// What later releases added goes behind the fields of v2.9.1, which passes over it.
json with_newer(json out, const json& newer) {
  if (newer.is_object())
    for (auto it = newer.begin(); it != newer.end(); ++it)
      out[it.key()] = it.value();
  return out;
}

struct part_writer {
  json operator()(const other_part& part) const {
    return part.value;
  }

  json operator()(const system_prompt_part& part) const {
    json out = json::object();
    out["content"] = part.content;
    out["timestamp"] = time_or_now(part.timestamp);
    out["dynamic_ref"] = or_null(part.dynamic_ref);
    out["part_kind"] = "system-prompt";
    return with_newer(std::move(out), part.newer);
  }

  json operator()(const user_prompt_part& part) const {
    json out = json::object();
    if (const auto* text = std::get_if<std::string>(&part.content)) {
      out["content"] = *text;
    } else {
      json& items = out["content"] = json::array();
      for (const auto& item : std::get<std::vector<user_content>>(part.content))
        items.push_back(to_json(item));
    }
    out["timestamp"] = time_or_now(part.timestamp);
    out["part_kind"] = "user-prompt";
    return out;
  }

  json operator()(const tool_return_part& part) const {
    json out = json::object();
    out["tool_name"] = part.tool_name;
    out["content"] = part.content;
    out["tool_call_id"] = part.tool_call_id;
    out["tool_kind"] = or_null(part.tool_kind);
    out["metadata"] = part.metadata;
    out["timestamp"] = time_or_now(part.timestamp);
    out["outcome"] = part.outcome;
    out["part_kind"] = "tool-return";
    return with_newer(std::move(out), part.newer);
  }

  json operator()(const retry_prompt_part& part) const {
    json out = json::object();
    out["content"] = part.content;
    out["tool_name"] = or_null(part.tool_name);
    out["tool_call_id"] = part.tool_call_id;
    out["timestamp"] = time_or_now(part.timestamp);
    out["part_kind"] = "retry-prompt";
    return out;
  }

  json operator()(const text_part& part) const {
    json out = json::object();
    out["content"] = part.content;
    return with_newer(with_origin(std::move(out), part, "text"), part.newer);
  }

  json operator()(const thinking_part& part) const {
    json out = json::object();
    out["content"] = part.content;
    out["id"] = or_null(part.id);
    out["signature"] = or_null(part.signature);
    out["provider_name"] = or_null(part.provider_name);
    out["provider_details"] = part.provider_details;
    out["part_kind"] = "thinking";
    return out;
  }

  json operator()(const tool_call_part& part) const {
    return tool_call(part, "tool-call");
  }

  json operator()(const builtin_tool_call_part& part) const {
    return tool_call(part, "builtin-tool-call");
  }

  json operator()(const builtin_tool_return_part& part) const {
    json out = json::object();
    out["tool_name"] = part.tool_name;
    out["content"] = part.content;
    out["tool_call_id"] = part.tool_call_id;
    out["tool_kind"] = or_null(part.tool_kind);
    out["metadata"] = part.metadata;
    out["timestamp"] = time_or_now(part.timestamp);
    out["outcome"] = part.outcome;
    out["provider_name"] = or_null(part.provider_name);
    out["provider_details"] = part.provider_details;
    out["part_kind"] = "builtin-tool-return";
    return out;
  }

  json operator()(const compaction_part& part) const {
    json out = json::object();
    out["content"] = or_null(part.content);
    return with_newer(with_origin(std::move(out), part, "compaction"), part.newer);
  }

  json operator()(const file_part& part) const {
    json out = json::object();
    out["content"] = to_json(part.content);
    return with_origin(std::move(out), part, "file");
  }

private:
  template <class Part>
  static json with_origin(json out, const Part& part, const char* kind) {
    out["id"] = or_null(part.id);
    out["provider_name"] = or_null(part.provider_name);
    out["provider_details"] = part.provider_details;
    out["part_kind"] = kind;
    return out;
  }

  static json tool_call(const tool_call_part& part, const char* kind) {
    json out = json::object();
    out["tool_name"] = part.tool_name;
    out["args"] = part.args;
    out["tool_call_id"] = part.tool_call_id;
    out["tool_kind"] = or_null(part.tool_kind);
    return with_origin(std::move(out), part, kind);
  }
};

template <class Parts>
json parts_to_json(const Parts& parts) {
  json out = json::array();
  for (const auto& part : parts)
    out.push_back(std::visit(part_writer{}, part));
  return out;
}

struct message_writer {
  json operator()(const model_request& value) const {
    json out = json::object();
    out["parts"] = parts_to_json(value.parts);
    out["timestamp"] = time_or_null(value.timestamp);
    out["instructions"] = or_null(value.instructions);
    out["kind"] = "request";
    out["run_id"] = or_null(value.run_id);
    out["conversation_id"] = or_null(value.conversation_id);
    out["metadata"] = value.metadata;
    out["state"] = value.state;
    return out;
  }

  json operator()(const model_response& value) const {
    json out = json::object();
    out["parts"] = parts_to_json(value.parts);
    out["usage"] = to_json(value.usage);
    out["model_name"] = or_null(value.model_name);
    out["timestamp"] = time_or_now(value.timestamp);
    out["kind"] = "response";
    out["provider_name"] = or_null(value.provider_name);
    out["provider_url"] = or_null(value.provider_url);
    out["provider_details"] = value.provider_details;
    out["provider_response_id"] = or_null(value.provider_response_id);
    out["finish_reason"] = or_null(value.finish_reason);
    out["run_id"] = or_null(value.run_id);
    out["conversation_id"] = or_null(value.conversation_id);
    out["metadata"] = value.metadata;
    out["state"] = value.state;
    return with_newer(std::move(out), value.newer);
  }
};

} // namespace

json to_json(const token_usage& value) {
  json out = json::object();
  out["input_tokens"] = value.input_tokens;
  out["cache_write_tokens"] = value.cache_write_tokens;
  out["cache_read_tokens"] = value.cache_read_tokens;
  out["output_tokens"] = value.output_tokens;
  out["input_audio_tokens"] = value.input_audio_tokens;
  out["cache_audio_read_tokens"] = value.cache_audio_read_tokens;
  out["output_audio_tokens"] = value.output_audio_tokens;
  out["details"] = value.details.is_object() ? value.details : json::object();
  return with_newer(std::move(out), value.newer);
}

json to_json(const message& value) {
  return std::visit(message_writer{}, value);
}

json to_json(const message_history& values) {
  json out = json::array();
  for (const auto& value : values)
    out.push_back(to_json(value));
  return out;
}

std::string to_json_text(const message& value) {
  return dump_json(to_json(value));
}

std::string to_json_text(const message_history& values) {
  return dump_json(to_json(values));
}

} // namespace varro
