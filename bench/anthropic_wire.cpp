// Anthropic's Messages API as its servers write it: events named in `event:` lines, JSON padded with blanks before the
// last brace, a ping after the first block's start, cumulative usage in message_delta, no [DONE].
#include "bench/anthropic_binding.hpp"
#include "bench/wire.hpp"

#include <algorithm>
#include <chrono>

namespace varro::bench {

namespace {

std::string stop_word(const answer& what) {
  if (what.refusal)
    return "refusal";
  if (what.stop.empty())
    return what.calls_tools() ? "tool_use" : "end_turn";
  if (what.stop == "stop")
    return "end_turn";
  if (what.stop == "length")
    return "max_tokens";
  if (what.stop == "tool_call" || what.stop == "tool_calls")
    return "tool_use";
  if (what.stop == "content_filter")
    return "refusal";
  return what.stop;
}

// Why the model stopped, where there is more to tell: today only for refusals.
// https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
json stop_details(const answer& what) {
  if (stop_word(what) != "refusal")
    return nullptr;
  return {{"type", "refusal"}, {"category", nullptr}, {"explanation", what.refusal ? json(*what.refusal) : json()}};
}

json usage_of(const answer& what, const request_facts& facts) {
  json usage;
  usage["input_tokens"] = counted(what, facts).input;
  usage["cache_creation_input_tokens"] = what.usage.cache_write;
  usage["cache_read_input_tokens"] = what.usage.cache_read;
  return usage;
}

json full_usage(const answer& what, const request_facts& facts, int64_t output_tokens) {
  auto usage = usage_of(what, facts);
  usage["cache_creation"] = {{"ephemeral_5m_input_tokens", what.usage.cache_write}, {"ephemeral_1h_input_tokens", 0}};
  usage["output_tokens"] = output_tokens;
  usage["service_tier"] = "standard";
  usage["inference_geo"] = "not_available";
  return usage;
}

json message_head(const request_facts& facts) {
  json message;
  message["model"] = facts.model;
  message["id"] = new_id("msg_01", 22);
  message["type"] = "message";
  message["role"] = "assistant";
  message["content"] = json::array();
  message["stop_reason"] = nullptr;
  message["stop_sequence"] = nullptr;
  message["stop_details"] = nullptr;
  if (facts.binding_told)
    message["input_transformations"] = facts.binding->transformations;
  return message;
}

std::string event(const json& data) {
  static unsigned turn = 0;
  auto text = dump_json(data);
  text.insert(text.size() - 1, turn++ % 16, ' ');
  return "event: " + data.at("type").get<std::string>() + "\ndata: " + text + "\n\n";
}

std::string delta_event(size_t index, json delta) {
  return event({{"type", "content_block_delta"}, {"index", index}, {"delta", std::move(delta)}});
}

// The block as content_block_start shows it, or, `whole`, as a body that is not streamed does.
json block_json(const answer_block& block, bool whole) {
  if (auto* thinking = std::get_if<thinking_block>(&block))
    return {{"type", "thinking"},
            {"thinking", whole ? thinking->text : ""},
            {"signature", whole ? *thinking->signature : ""}};
  if (auto* redacted = std::get_if<redacted_block>(&block))
    return {{"type", "redacted_thinking"}, {"data", redacted->data}};
  if (auto* text = std::get_if<text_block>(&block))
    return {{"type", "text"}, {"text", whole ? text->text : ""}};
  auto& tool = std::get<tool_block>(block);
  json input = json::object();
  if (whole)
    if (auto parsed = parse_json(tool.arguments))
      input = *parsed;
  return {{"type", "tool_use"}, {"id", tool.id}, {"name", tool.name}, {"input", input}};
}

// The block's deltas, one piece each.
std::vector<std::string> delta_pieces(const answer_block& block, size_t index, int chunks) {
  std::vector<std::string> pieces;
  if (auto* thinking = std::get_if<thinking_block>(&block)) {
    if (!thinking->text.empty())
      for (auto& part : split_text(thinking->text, chunks))
        pieces.push_back(delta_event(index, {{"type", "thinking_delta"}, {"thinking", part}}));
    pieces.push_back(delta_event(index, {{"type", "signature_delta"}, {"signature", *thinking->signature}}));
  } else if (auto* text = std::get_if<text_block>(&block)) {
    for (auto& part : split_text(text->text, chunks))
      pieces.push_back(delta_event(index, {{"type", "text_delta"}, {"text", part}}));
  } else if (auto* tool = std::get_if<tool_block>(&block)) {
    pieces.push_back(delta_event(index, {{"type", "input_json_delta"}, {"partial_json", ""}}));
    if (!tool->arguments.empty() && tool->arguments != "{}")
      for (auto& part : split_text(tool->arguments, chunks))
        pieces.push_back(delta_event(index, {{"type", "input_json_delta"}, {"partial_json", part}}));
  } else {
    pieces.emplace_back(); // redacted thinking comes whole in its start
  }
  return pieces;
}

std::vector<std::string> stream_pieces(const answer& what, const request_facts& facts) {
  std::vector<std::string> pieces;
  auto message = message_head(facts);
  message["usage"] = full_usage(what, facts, 1);
  auto pending = event({{"type", "message_start"}, {"message", message}}); // goes out with the next piece
  for (size_t index = 0; index < what.blocks.size(); ++index) {
    auto& block = what.blocks[index];
    pending += event({{"type", "content_block_start"}, {"index", index}, {"content_block", block_json(block, false)}});
    if (index == 0)
      pending += "event: ping\ndata: {\"type\": \"ping\"}\n\n";
    for (auto& piece : delta_pieces(block, index, what.chunks)) {
      pieces.push_back(std::move(pending) + piece);
      pending.clear();
    }
    pieces.back() += event({{"type", "content_block_stop"}, {"index", index}});
  }
  if (!pending.empty())
    pieces.push_back(std::move(pending));
  if (what.stream_error) {
    auto type = what.stream_error->type.empty() ? error_type(vendor::anthropic, what.stream_error->status)
                                                : what.stream_error->type;
    pieces.back() += event({{"type", "error"}, {"error", {{"type", type}, {"message", what.stream_error->message}}}});
    return pieces;
  }
  auto usage = usage_of(what, facts);
  usage["output_tokens"] = counted(what, facts).output;
  pieces.back() += event(
    {{"type", "message_delta"},
     {"delta", {{"stop_reason", stop_word(what)}, {"stop_sequence", nullptr}, {"stop_details", stop_details(what)}}},
     {"usage", usage}});
  pieces.back() += event({{"type", "message_stop"}});
  return pieces;
}

std::string whole_body(const answer& what, const request_facts& facts) {
  auto message = message_head(facts);
  for (auto& block : what.blocks)
    message["content"].push_back(block_json(block, true));
  message["stop_reason"] = stop_word(what);
  message["stop_details"] = stop_details(what);
  message["usage"] = full_usage(what, facts, counted(what, facts).output);
  return dump_json(message);
}

bool is_thought(const answer_block& block) {
  return std::holds_alternative<thinking_block>(block) || std::holds_alternative<redacted_block>(block);
}

// The answer as it goes out: without thinking where the request's settings do not let the model think, with an id for
// every call, and with signatures. A signature covers the text as the client will see it, and what stands before it, so
// these cannot change any more.
answer signed_answer(const answer& what, const request_facts& facts) {
  auto ready = what;
  if (!facts.thinks)
    std::erase_if(ready.blocks, is_thought);
  auto prefix = facts.binding ? facts.binding->prefix : thinking_prefix{};
  auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch());
  auto last = std::find_if(ready.blocks.rbegin(), ready.blocks.rend(), is_thought);
  auto fixed = ready.blocks.rend() - last; // so many blocks from the beginning
  bool thought = false;
  for (auto& block : ready.blocks) {
    bool stamped = fixed-- > 0;
    thought = thought || is_thought(block);
    if (auto* thinking = std::get_if<thinking_block>(&block)) {
      if (!facts.thoughts_shown)
        thinking->text.clear();
      stamp(thinking->text, now.count());
      if (!thinking->signature)
        thinking->signature = prefix.signature(facts.model, thinking->text);
      prefix.keep(*thinking->signature);
      continue;
    }
    if (auto* text = std::get_if<text_block>(&block); text && stamped)
      stamp(text->text, now.count());
    if (auto* tool = std::get_if<tool_block>(&block)) {
      if (stamped)
        stamp(tool->arguments, now.count());
      if (tool->id.empty())
        tool->id = new_tool_id(thought, !parse_json(tool->arguments));
    }
    prefix.add("assistant", block_json(block, true));
  }
  return ready;
}

} // namespace

wire_answer anthropic_answer(const answer& what, const request_facts& facts) {
  auto ready = signed_answer(what, facts);
  wire_answer result;
  result.headers.emplace_back("request-id", new_id("req_011C", 20));
  result.stream = facts.stream;
  if (facts.stream) {
    result.content_type = "text/event-stream; charset=utf-8";
    result.headers.emplace_back("cache-control", "no-cache");
    result.pieces = stream_pieces(ready, facts);
  } else {
    result.pieces.push_back(whole_body(ready, facts));
  }
  return result;
}

} // namespace varro::bench
