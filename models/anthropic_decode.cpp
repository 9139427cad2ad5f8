#include "models/anthropic.hpp"

#include "models/anthropic_blocks.hpp"
#include "models/body_decoder.hpp"
#include "models/vendor_errors.hpp"
#include "models/vendor_json.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace varro::anthropic {

namespace {

constexpr size_t blocks_max = 10'000; // content blocks of one response

struct stop_row {
  std::string_view reason;
  std::string_view finish_reason;
};
constexpr std::array<stop_row, 8> stop_rows = {{
  {"end_turn", "stop"},
  {"stop_sequence", "stop"},
  {"pause_turn", "stop"},
  {"compaction", "stop"},
  {"max_tokens", "length"},
  {"model_context_window_exceeded", "length"},
  {"tool_use", "tool_call"},
  {"refusal", "content_filter"},
}};

// Counters of `usage` that are kept by name.
constexpr std::array<const char*, 4> usage_keys
  = {"input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"};

// A block of a stream while it grows.
struct open_block {
  json start;
  std::string text;
  std::string thinking;
  std::string signature;
  std::string input;
  bool stopped = false;
};

class decoder final : public body_decoder {
public:
  decoder(const model_query& query, int http_status) : body_decoder(query, http_status, provider_name(query.model)) {}

protected:
  void take_event(const server_sent_event& event) override;
  void take_json(const json& body) override;
  model_response build(bool whole) const override;

  bool complete(bool) const override {
    return complete_;
  }

private:
  void start_message(const json& message);
  void start_block(const json& event);
  void grow_block(const json& event);
  void take_delta(const json& delta, open_block& block);
  void take_stop(const json& delta);
  void take_usage(const json& usage);
  received_block received(const open_block& block) const;
  void add_usage(model_response& response) const;

  std::map<int64_t, open_block> blocks_; // by the stream's index, which is the order of the message
  std::vector<json> whole_blocks_;       // of a body that is no stream
  std::map<std::string, int64_t> usage_;
  std::optional<int64_t> written_for_an_hour_; // of cache_creation_input_tokens
  bool complete_ = false;
};

void decoder::take_event(const server_sent_event& event) {
  const auto body = parse_vendor_json(event.data);
  if (!body || !body->is_object()) {
    // A proxy's own marker ("[DONE]") is no harm; a torn event of ours is.
    if (event.data.find('{') != std::string::npos)
      fail_with(malformed_error("an event of the stream is not valid JSON."));
    return;
  }
  const auto type = text_member(*body, "type");
  if (type == "message_start") {
    start_message(member(*body, "message"));
  } else if (type == "content_block_start") {
    start_block(*body);
  } else if (type == "content_block_delta") {
    grow_block(*body);
  } else if (type == "content_block_stop") {
    if (const auto at = blocks_.find(integer_member(*body, "index").value_or(0)); at != blocks_.end())
      at->second.stopped = true;
  } else if (type == "message_delta") {
    take_usage(member(*body, "usage"));
    take_stop(member(*body, "delta"));
  } else if (type == "message_stop") {
    complete_ = true;
  } else if (type == "error" || event.type == "error") {
    fail_with(read_stream_error(*body, secret()));
  }
}

void decoder::start_message(const json& message) {
  id_ = string_member(message, "id");
  model_ = string_member(message, "model");
  take_usage(member(message, "usage"));
  take_stop(message);
}

void decoder::start_block(const json& event) {
  const auto index = integer_member(event, "index").value_or(static_cast<int64_t>(blocks_.size()));
  if (blocks_.size() >= blocks_max && !blocks_.count(index))
    return fail_with(malformed_error("it has too many content blocks."));
  auto& block = blocks_[index];
  block = open_block{};
  block.start = member(event, "content_block");
  if (!block.start.is_object())
    block.start = json{{"type", "text"}};
  block.text = text_member(block.start, "text");
  block.thinking = text_member(block.start, "thinking");
  block.signature = text_member(block.start, "signature");
  const auto type = text_member(block.start, "type");
  if ((type != "text" && type != "thinking") || !block.text.empty() || !block.thinking.empty())
    mark_content();
}

void decoder::grow_block(const json& event) {
  const auto index = integer_member(event, "index").value_or(0);
  auto at = blocks_.find(index);
  if (at == blocks_.end()) {
    // A server that leaves out the start of a block still tells by the delta what it is.
    const auto type = text_member(member(event, "delta"), "type");
    const char* block_type = type == "thinking_delta" || type == "signature_delta" ? "thinking" : "text";
    if ((type != "text_delta" && block_type != std::string_view("thinking")) || blocks_.size() >= blocks_max)
      return;
    at = blocks_.emplace(index, open_block{}).first;
    at->second.start = json{{"type", block_type}};
  }
  mark_content();
  take_delta(member(event, "delta"), at->second);
}

void decoder::take_delta(const json& delta, open_block& block) {
  const auto type = text_member(delta, "type");
  const auto append = [&delta](const char* key, std::string& to) {
    if (const auto& piece = member(delta, key); piece.is_string())
      to += piece.get_ref<const std::string&>();
  };
  if (type == "text_delta")
    append("text", block.text);
  else if (type == "thinking_delta")
    append("thinking", block.thinking);
  else if (type == "signature_delta")
    append("signature", block.signature);
  else if (type == "input_json_delta")
    append("partial_json", block.input);
  else if (type == "compaction_delta")
    for (auto it = delta.begin(); it != delta.end(); ++it)
      if (it.key() != "type" && !it.value().is_null())
        block.start[it.key()] = it.value();
  // Citations and what newer versions add change nothing that is kept.
}

void decoder::take_stop(const json& delta) {
  if (const auto reason = string_member(delta, "stop_reason"); reason && !reason->empty()) {
    details_["finish_reason"] = *reason;
    finish_reason_.reset();
    for (const auto& row : stop_rows)
      if (row.reason == *reason)
        finish_reason_ = std::string(row.finish_reason);
    complete_ = true;
  }
  const auto& stop = member(delta, "stop_details");
  if (const auto& explanation = member(stop, "explanation"); !explanation.is_null())
    details_["refusal"] = explanation;
  if (const auto& category = member(stop, "category"); !category.is_null())
    details_["refusal_category"] = category;
  if (const auto container = string_member(member(delta, "container"), "id"))
    details_["container_id"] = *container;
}

// Every report replaces the one before it; what a report leaves out stays.
void decoder::take_usage(const json& usage) {
  for (const auto* key : usage_keys)
    if (const auto count = integer_member(usage, key); count && *count >= 0)
      usage_[key] = *count;
  if (const auto count = integer_member(member(usage, "cache_creation"), "ephemeral_1h_input_tokens"))
    written_for_an_hour_ = count;
}

void decoder::take_json(const json& body) {
  if (member(body, "error").is_object() || text_member(body, "type") == "error")
    return fail_with(read_stream_error(body, secret()));
  const auto& content = member(body, "content");
  if (!content.is_array())
    return fail_with(malformed_error("it has no content."));
  if (content.size() > blocks_max)
    return fail_with(malformed_error("it has too many content blocks."));
  start_message(body);
  for (const auto& block : content)
    if (block.is_object())
      whole_blocks_.push_back(block);
  mark_content();
  complete_ = true;
}

received_block decoder::received(const open_block& block) const {
  received_block whole{block.start, block.input};
  const auto type = text_member(block.start, "type");
  if (type == "text") {
    whole.block["text"] = block.text;
  } else if (type == "thinking") {
    whole.block["thinking"] = block.thinking;
    whole.block["signature"] = block.signature;
  }
  return whole;
}

void decoder::add_usage(model_response& response) const {
  const auto count = [this](const char* key) {
    const auto at = usage_.find(key);
    return at == usage_.end() ? int64_t{0} : std::min<int64_t>(at->second, int64_t{1} << 50);
  };
  auto& usage = response.usage;
  usage.cache_write_tokens = count("cache_creation_input_tokens");
  usage.cache_read_tokens = count("cache_read_input_tokens");
  usage.cache_write_1h_tokens = written_for_an_hour_;
  // The vendor counts cached tokens apart; input_tokens here includes them.
  usage.input_tokens = count("input_tokens") + usage.cache_write_tokens + usage.cache_read_tokens;
  usage.output_tokens = count("output_tokens");
  for (const auto& [key, value] : usage_)
    usage.details[key] = value;
}

model_response decoder::build(bool whole) const {
  auto response = response_so_far();
  for (const auto& block : whole_blocks_)
    append_part({block, std::nullopt}, provider_, response.parts);
  for (const auto& [index, block] : blocks_) {
    const auto type = text_member(block.start, "type");
    const bool speaks = type == "text" || type == "thinking";
    // Of an interrupted answer half a text is worth something; a half block of another kind, and a call that nobody
    // will run, are not.
    if (!whole && ((!block.stopped && !speaks) || type == "tool_use"))
      continue;
    if (type == "text" && block.text.empty())
      continue;
    append_part(received(block), provider_, response.parts);
  }
  add_usage(response);
  return response;
}

} // namespace

std::unique_ptr<response_decoder> make_decoder(const model_query& query, int http_status) {
  return std::make_unique<decoder>(query, http_status);
}

} // namespace varro::anthropic
