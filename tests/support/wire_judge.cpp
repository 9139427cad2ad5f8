#include "tests/support/wire_judge.hpp"

#include "models/event_stream.hpp"
#include "models/vendor_json.hpp"

#include <set>

namespace varro::test {

namespace {

constexpr int breakpoints_max = 4;
constexpr const char* mark_key = "cache_control";

bool is_error(const json& value) {
  const auto type = text_member(value, "type");
  if (type == "error" || type == "response.failed" || text_member(value, "object") == "error")
    return true;
  const auto& error = member(value, "error");
  return error.is_object() || (error.is_string() && !error.get_ref<const std::string&>().empty());
}

// Calls `each` with the JSON of every event, or with the whole body.
template <class Each>
void for_each_value(const recorded_exchange& exchange, Each each) {
  if (const auto whole = parse_json(exchange.response)) {
    each(*whole);
    return;
  }
  event_stream_parser events([&](server_sent_event&& event) {
    if (const auto value = parse_json(event.data))
      each(*value);
  });
  events.feed(exchange.response);
  events.finish();
}

int count_marks(const json& value) {
  int marks = 0;
  if (value.is_object())
    for (auto it = value.begin(); it != value.end(); ++it)
      marks += it.key() == mark_key ? 1 : count_marks(it.value());
  else if (value.is_array())
    for (const auto& item : value)
      marks += count_marks(item);
  return marks;
}

bool is_marked(const json& block) {
  return block.is_object() && block.contains(mark_key);
}

std::string mark_fault(const json& block, const std::string& where) {
  static const std::set<std::string> kinds = {"text", "tool_use", "tool_result", "image", "document"};
  if (!is_marked(block))
    return {};
  const auto type = text_member(block, "type");
  if (!kinds.count(type))
    return where + ": a block of type " + type + " takes no mark";
  if (type == "text" && text_member(block, "text").empty())
    return where + ": an empty text takes no mark";
  const auto& mark = block.at(mark_key);
  const auto ttl = text_member(mark, "ttl");
  if (text_member(mark, "type") != "ephemeral" || (!ttl.empty() && ttl != "5m" && ttl != "1h"))
    return where + ": no such mark: " + dump_json(mark);
  return {};
}

std::string anthropic_fault(const json& body) {
  if (const int marks = count_marks(body); marks > breakpoints_max)
    return std::to_string(marks) + " marks, and four are allowed";
  const auto& system = member(body, "system");
  if (system.is_array() && !system.empty() && !is_marked(system.back()))
    return "system: its end has no mark";
  for (const auto& block : system)
    if (auto fault = mark_fault(block, "system"); !fault.empty())
      return fault;
  const json* newest = nullptr;
  const auto& messages = member(body, "messages");
  for (size_t i = 0; i < messages.size(); ++i) {
    const auto& content = member(messages[i], "content");
    for (const auto& block : content)
      if (auto fault = mark_fault(block, "messages[" + std::to_string(i) + "]"); !fault.empty())
        return fault;
    if (text_member(messages[i], "role") == "user")
      newest = &content;
  }
  if (newest && newest->is_array() && !newest->empty() && !is_marked(newest->back()))
    return "messages: the end of the newest user message has no mark";
  return {};
}

} // namespace

bool carries_error(const recorded_exchange& exchange) {
  bool found = false;
  if (exchange.status == 200)
    for_each_value(exchange, [&](const json& value) { found = found || is_error(value); });
  return found;
}

std::string decoding_fault(const recorded_exchange& exchange, const response_decoder::outcome& decoded) {
  if (decoded.response.has_value() == decoded.error.has_value())
    return "both an answer and an error, or neither";
  if (exchange.status != 200)
    return decoded.error && decoded.error->http_status != exchange.status ? "an error of another status" : "";
  // A call that Groq refused is in the error, and is taken for the call that it is.
  const bool holds_a_call = exchange.response.find("failed_generation") != std::string::npos;
  if (!carries_error(exchange))
    return decoded.response ? "" : "an answer was taken for an error: " + decoded.error->message;
  return decoded.error || holds_a_call ? "" : "an error was taken for an answer";
}

std::string cache_mark_fault(provider_kind kind, const json& body) {
  if (kind == provider_kind::anthropic)
    return anthropic_fault(body);
  return count_marks(body) > 0 ? "this wire has no marks" : "";
}

} // namespace varro::test
