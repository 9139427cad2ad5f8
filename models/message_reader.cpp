// Messages from JSON: what pydantic-ai v2.9.1 accepts, and the older and later forms that message_json.hpp names.
#include "models/content_json.hpp"
#include "models/message_json.hpp"
#include "models/part_reader.hpp"

namespace varro {

namespace {

// Stored rows nest a few levels more than the content that was let in at json_depth_max.
constexpr int stored_depth_max = 2 * json_depth_max;

template <class Part, class Read>
void read_parts(json_fields& fields, std::vector<Part>& out, Read read) {
  const auto* parts = fields.find("parts");
  if (!parts || !parts->is_array()) {
    fields.fail_at("parts", "a list of parts");
    return;
  }
  const json_place place{&fields.place(), "parts"};
  for (size_t i = 0; i < parts->size() && !fields.reading().failed; ++i)
    if (auto part = read((*parts)[i], json_place{&place, {}, i}, fields.reading()))
      out.push_back(std::move(*part));
}

void read_usage_details(json_fields& fields, json& out) {
  const auto* details = fields.find("details");
  // Null and everything else that is empty meant "none" in old releases.
  if (!details || details->is_null() || details->empty() || *details == false || *details == 0 || *details == "")
    return;
  const json_place place{&fields.place(), "details"};
  if (!details->is_object()) {
    fields.reading().fail_at(place, "an object");
    return;
  }
  for (const auto& [name, value] : details->items()) {
    if (const auto count = read_count(value))
      out[name] = *count;
    else
      fields.reading().fail_at({&place, name}, "a whole number of 64 bits");
  }
}

void read_usage(json_fields& message, token_usage& out) {
  const auto* value = message.find("usage");
  if (!value)
    return;
  const json_place place{&message.place(), "usage"};
  json_fields fields{*value, place, message.reading()};
  fields.count("input_tokens", out.input_tokens, "request_tokens");
  fields.count("cache_write_tokens", out.cache_write_tokens);
  fields.count("cache_read_tokens", out.cache_read_tokens);
  fields.count("output_tokens", out.output_tokens, "response_tokens");
  fields.count("input_audio_tokens", out.input_audio_tokens);
  fields.count("cache_audio_read_tokens", out.cache_audio_read_tokens);
  fields.count("output_audio_tokens", out.output_audio_tokens);
  read_usage_details(fields, out.details);
  fields.newer({"cost", "output_reasoning_tokens", "audio_seconds", "unmeasured_requests"}, out.newer);
}

void read_finish_reason(json_fields& fields, std::optional<std::string>& out) {
  const auto* field = fields.find("finish_reason");
  if (!field || field->is_null())
    return;
  std::string value;
  fields.one_of("finish_reason", value, {"stop", "length", "content_filter", "tool_call", "error"});
  out = std::move(value);
}

model_request read_request(json_fields& fields) {
  model_request out;
  read_parts(fields, out.parts, read_request_part);
  fields.timestamp_or_null("timestamp", out.timestamp);
  fields.text_or_null("instructions", out.instructions);
  fields.text_or_null("run_id", out.run_id);
  fields.text_or_null("conversation_id", out.conversation_id);
  fields.object_or_null("metadata", out.metadata);
  fields.one_of("state", out.state, {"complete", "interrupted"});
  return out;
}

model_response read_response(json_fields& fields) {
  model_response out;
  read_parts(fields, out.parts, read_response_part);
  read_usage(fields, out.usage);
  fields.text_or_null("model_name", out.model_name);
  fields.timestamp("timestamp", out.timestamp);
  fields.text_or_null("provider_name", out.provider_name);
  fields.text_or_null("provider_url", out.provider_url);
  fields.object_or_null("provider_details", out.provider_details, "vendor_details");
  fields.text_or_null("provider_response_id", out.provider_response_id, "vendor_id");
  read_finish_reason(fields, out.finish_reason);
  fields.text_or_null("run_id", out.run_id);
  fields.text_or_null("conversation_id", out.conversation_id);
  fields.object_or_null("metadata", out.metadata);
  fields.one_of("state", out.state, {"complete", "incomplete", "interrupted", "suspended"});
  fields.newer({"model_id", "canonical_system", "workspace_ref", "history_digest", "failed_attempts"}, out.newer);
  return out;
}

message read_message(const json& value, const json_place& place, message_reading& reading) {
  json_fields fields{value, place, reading};
  const auto* kind = fields.find("kind");
  if (kind && *kind == "request")
    return read_request(fields);
  if (kind && *kind == "response")
    return read_response(fields);
  fields.fail_at("kind", "\"request\" or \"response\"");
  return {};
}

} // namespace

caf::expected<message> message_from_json(const json& value) {
  message_reading reading;
  if (nests_deeper_than(value, stored_depth_max)) {
    reading.fail_at({}, "nested less deeply");
    return reading.error();
  }
  auto out = read_message(value, {}, reading);
  if (reading.failed)
    return reading.error();
  return out;
}

caf::expected<message_history> messages_from_json(const json& value) {
  message_reading reading;
  message_history out;
  if (!value.is_array())
    reading.fail_at({}, "a list of messages");
  else if (nests_deeper_than(value, stored_depth_max))
    reading.fail_at({}, "nested less deeply");
  for (size_t i = 0; !reading.failed && i < value.size(); ++i)
    out.push_back(read_message(value[i], json_place{nullptr, {}, i}, reading));
  if (reading.failed)
    return reading.error();
  return out;
}

caf::expected<message> message_from_text(std::string_view text) {
  const auto value = parse_json(text, stored_depth_max);
  if (!value) {
    message_reading reading;
    reading.fail_at({}, "JSON");
    return reading.error();
  }
  return message_from_json(*value);
}

} // namespace varro
