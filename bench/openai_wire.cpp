// OpenAI's chat completions as its servers write them: `data:` lines without names, usage in a chunk without choices
// when asked for, `data: [DONE]` last. Thinking goes into the reasoning field that compatible servers use.
#include "bench/model_names.hpp"
#include "bench/wire.hpp"

#include <ctime>

namespace varro::bench {

namespace {

std::string stop_word(const answer& what) {
  if (what.stop.empty())
    return what.calls_tools() ? "tool_calls" : "stop";
  if (what.stop == "end_turn" || what.stop == "stop_sequence")
    return "stop";
  if (what.stop == "max_tokens")
    return "length";
  if (what.stop == "tool_call" || what.stop == "tool_use")
    return "tool_calls";
  if (what.stop == "refusal")
    return "content_filter";
  return what.stop;
}

json usage_of(const answer& what, const request_facts& facts) {
  auto [input, output] = counted(what, facts);
  input += what.usage.cache_read; // OpenAI counts cached tokens in, unlike Anthropic
  return {{"prompt_tokens", input},
          {"completion_tokens", output},
          {"total_tokens", input + output},
          {"prompt_tokens_details", {{"cached_tokens", what.usage.cache_read}, {"audio_tokens", 0}}},
          {"completion_tokens_details",
           {{"reasoning_tokens", what.usage.reasoning},
            {"audio_tokens", 0},
            {"accepted_prediction_tokens", 0},
            {"rejected_prediction_tokens", 0}}}};
}

// The chunks of one stream share their head.
class chunk_maker {
public:
  explicit chunk_maker(const request_facts& facts) : with_usage_(facts.include_usage) {
    head_["id"] = new_id("chatcmpl-", 29);
    head_["object"] = "chat.completion.chunk";
    head_["created"] = std::time(nullptr);
    head_["model"] = facts.model;
    head_["service_tier"] = "default";
    head_["system_fingerprint"] = "fp_varro_model";
  }

  std::string delta(json delta, json finish_reason = nullptr) const {
    json choice;
    choice["index"] = 0;
    choice["delta"] = std::move(delta);
    choice["logprobs"] = nullptr;
    choice["finish_reason"] = std::move(finish_reason);
    auto chunk = head_;
    chunk["choices"] = json::array({choice});
    if (with_usage_)
      chunk["usage"] = nullptr;
    return "data: " + dump_json(chunk) + "\n\n";
  }

  std::string usage(json usage) const {
    auto chunk = head_;
    chunk["choices"] = json::array();
    chunk["usage"] = std::move(usage);
    return "data: " + dump_json(chunk) + "\n\n";
  }

private:
  json head_;
  bool with_usage_;
};

// Google's compatible endpoint: the first call of a response carries the signature that has to come back.
void sign_call(json& call, size_t index, const request_facts& facts) {
  if (index == 0 && facts.thinks && gemini_wants_signatures(facts.model))
    call["extra_content"] = {{"google", {{"thought_signature", sealed(thought_seal, facts.model)}}}};
}

std::string call_id(const tool_block& tool) {
  return tool.id.empty() ? new_id("call_", 24) : tool.id;
}

std::vector<std::string> stream_pieces(const answer& what, const request_facts& facts) {
  chunk_maker make{facts};
  std::vector<std::string> pieces;
  auto pending
    = make.delta({{"role", "assistant"}, {"content", what.calls_tools() ? json() : json("")}, {"refusal", nullptr}});
  auto add = [&](const std::string& chunk) {
    pieces.push_back(std::move(pending) + chunk);
    pending.clear();
  };
  size_t call_index = 0;
  for (auto& block : what.blocks) {
    if (auto* thinking = std::get_if<thinking_block>(&block)) {
      if (!facts.thinks)
        continue;
      for (auto& part : split_text(thinking->text, what.chunks))
        add(make.delta({{what.reasoning_field, part}}));
    } else if (auto* text = std::get_if<text_block>(&block)) {
      for (auto& part : split_text(text->text, what.chunks))
        add(make.delta({{"content", part}}));
    } else if (auto* tool = std::get_if<tool_block>(&block)) {
      json call{{"index", call_index}, {"id", call_id(*tool)}, {"type", "function"}};
      call["function"] = {{"name", tool->name}, {"arguments", ""}};
      sign_call(call, call_index, facts);
      pending += make.delta({{"tool_calls", json::array({call})}});
      for (auto& part : split_text(tool->arguments, what.chunks)) {
        json more{{"index", call_index}, {"function", {{"arguments", part}}}};
        add(make.delta({{"tool_calls", json::array({more})}}));
      }
      ++call_index;
    }
  }
  if (what.refusal)
    for (auto& part : split_text(*what.refusal, what.chunks))
      add(make.delta({{"refusal", part}}));
  if (!pending.empty())
    pieces.push_back(std::move(pending));
  if (what.stream_error) {
    auto type = what.stream_error->type.empty() ? error_type(vendor::openai, what.stream_error->status)
                                                : what.stream_error->type;
    json error{{"message", what.stream_error->message}, {"type", type}, {"param", nullptr}, {"code", nullptr}};
    pieces.back() += "event: error\ndata: " + dump_json({{"error", error}}) + "\n\n";
    return pieces;
  }
  pieces.back() += make.delta(json::object(), stop_word(what));
  if (facts.include_usage)
    pieces.back() += make.usage(usage_of(what, facts));
  pieces.back() += "data: [DONE]\n\n";
  return pieces;
}

std::string whole_body(const answer& what, const request_facts& facts) {
  json message;
  message["role"] = "assistant";
  message["content"] = nullptr;
  message["refusal"] = nullptr;
  message["annotations"] = json::array();
  std::string content, reasoning;
  json calls = json::array();
  for (auto& block : what.blocks) {
    if (auto* thinking = std::get_if<thinking_block>(&block)) {
      if (facts.thinks)
        reasoning += thinking->text;
    } else if (auto* text = std::get_if<text_block>(&block)) {
      content += text->text;
    } else if (auto* tool = std::get_if<tool_block>(&block)) {
      json call{{"id", call_id(*tool)}, {"type", "function"}};
      call["function"] = {{"name", tool->name}, {"arguments", tool->arguments}};
      sign_call(call, calls.size(), facts);
      calls.push_back(call);
    }
  }
  if (what.refusal)
    message["refusal"] = *what.refusal;
  if (!content.empty() || (calls.empty() && !what.refusal))
    message["content"] = content;
  if (!reasoning.empty())
    message[what.reasoning_field] = reasoning;
  if (!calls.empty())
    message["tool_calls"] = calls;
  json body;
  body["id"] = new_id("chatcmpl-", 29);
  body["object"] = "chat.completion";
  body["created"] = std::time(nullptr);
  body["model"] = facts.model;
  json choice{{"index", 0}, {"message", message}, {"logprobs", nullptr}, {"finish_reason", stop_word(what)}};
  body["choices"] = json::array({choice});
  body["usage"] = usage_of(what, facts);
  body["service_tier"] = "default";
  body["system_fingerprint"] = "fp_varro_model";
  return dump_json(body);
}

} // namespace

wire_answer openai_answer(const answer& what, const request_facts& facts) {
  wire_answer result;
  result.headers.emplace_back("x-request-id", new_id("req_", 20));
  result.stream = facts.stream;
  if (facts.stream) {
    result.content_type = "text/event-stream; charset=utf-8";
    result.headers.emplace_back("cache-control", "no-cache");
    result.pieces = stream_pieces(what, facts);
  } else {
    result.pieces.push_back(whole_body(what, facts));
  }
  return result;
}

} // namespace varro::bench
