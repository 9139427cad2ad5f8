// OpenAI's Responses API as its servers write it: every event is named and numbered, an item is told when it begins and
// again when it is done, and the last event has the whole response. Thinking is a reasoning item: its text is only
// there as a summary, when one was asked for.
// https://developers.openai.com/api/reference/resources/responses/streaming-events
#include "bench/model_names.hpp"
#include "bench/wire.hpp"

#include <ctime>

namespace varro::bench {

namespace {

enum class ending { completed, max_output_tokens, content_filter, failed };

ending ending_of(const std::string& stop) {
  if (stop == "length" || stop == "max_tokens" || stop == "max_output_tokens")
    return ending::max_output_tokens;
  if (stop == "content_filter")
    return ending::content_filter;
  return stop == "failed" ? ending::failed : ending::completed;
}

// One item of the output, as it is when it is done.
struct output_item {
  json whole;
  const answer_block* block = nullptr; // null: the refusal
};

std::string kind_of(const output_item& item) {
  return item.whole.at("type").get<std::string>();
}

class output_maker {
public:
  output_maker(const answer& what, const request_facts& facts) : what_(what), facts_(facts) {}

  std::vector<output_item> make() {
    for (auto& block : what_.blocks)
      add(block);
    if (what_.refusal)
      items_.push_back({message({{"type", "refusal"}, {"refusal", *what_.refusal}}, true), nullptr});
    auto end = ending_of(what_.stop);
    // What an incomplete response was writing when it ended is incomplete itself.
    if ((end == ending::max_output_tokens || end == ending::content_filter) && !items_.empty()
        && items_.back().whole.contains("status"))
      items_.back().whole["status"] = "incomplete";
    return std::move(items_);
  }

private:
  void add(const answer_block& block) {
    auto* thinking = std::get_if<thinking_block>(&block);
    if (thinking || std::holds_alternative<redacted_block>(block)) {
      if (facts_.thinks)
        items_.push_back({reasoning(thinking), &block});
    } else if (auto* text = std::get_if<text_block>(&block)) {
      json part{{"type", "output_text"}, {"annotations", json::array()}, {"logprobs", json::array()}};
      part["text"] = text->text;
      items_.push_back({message(std::move(part), !what_.calls_tools()), &block});
    } else {
      auto& tool = std::get<tool_block>(block);
      json item{{"id", next_id("fc_")}, {"type", "function_call"}, {"status", "completed"}};
      item["arguments"] = tool.arguments;
      item["call_id"] = tool.id.empty() ? new_id("call_", 24) : tool.id;
      item["name"] = tool.name;
      items_.push_back({std::move(item), &block});
    }
  }

  json reasoning(const thinking_block* thinking) {
    tail_ = new_id("", 46);
    auto id = text_of(item_id{false, facts_.responses_wire.stored, tail_}, "rs_");
    json item{{"id", id}, {"type", "reasoning"}};
    if (facts_.responses_wire.encrypted)
      item["encrypted_content"] = thinking && thinking->signature ? *thinking->signature : sealed(reasoning_seal, id);
    item["summary"] = json::array();
    if (thinking && facts_.thoughts_shown && !thinking->text.empty())
      item["summary"].push_back({{"type", "summary_text"}, {"text", thinking->text}});
    return item;
  }

  json message(json part, bool last) {
    json item{{"id", next_id("msg_")}, {"type", "message"}, {"status", "completed"}};
    item["content"] = json::array({std::move(part)});
    if (openai_marks_phases(facts_.model))
      item["phase"] = last ? "final_answer" : "commentary";
    item["role"] = "assistant";
    return item;
  }

  // The item after reasoning belongs to it: one may not come back without the other.
  std::string next_id(std::string_view prefix) {
    bool follows = !items_.empty() && kind_of(items_.back()) == "reasoning";
    return text_of(item_id{follows, facts_.responses_wire.stored, follows ? tail_ : new_id("", 46)}, prefix);
  }

  const answer& what_;
  const request_facts& facts_;
  std::vector<output_item> items_;
  std::string tail_; // of the newest reasoning item
};

json usage_of(const answer& what, const request_facts& facts) {
  auto [input, output] = counted(what, facts);
  input += what.usage.cache_read; // counted in, unlike Anthropic's
  return {{"input_tokens", input},
          {"input_tokens_details", {{"cached_tokens", what.usage.cache_read}}},
          {"output_tokens", output},
          {"output_tokens_details", {{"reasoning_tokens", what.usage.reasoning}}},
          {"total_tokens", input + output}};
}

// The response object while it is in progress.
json response_head(const request_facts& facts) {
  json response{{"id", new_id("resp_", 50)}, {"object", "response"}, {"created_at", std::time(nullptr)}};
  response["status"] = "in_progress";
  response["background"] = false;
  response["error"] = nullptr;
  response["incomplete_details"] = nullptr;
  response["model"] = facts.model;
  response["output"] = json::array();
  response["usage"] = nullptr;
  response.update(facts.responses_wire.echo);
  return response;
}

void end_response(json& response, const answer& what, const request_facts& facts,
                  const std::vector<output_item>& items) {
  for (auto& item : items)
    response["output"].push_back(item.whole);
  auto end = ending_of(what.stop);
  response["status"] = end == ending::completed ? "completed" : end == ending::failed ? "failed" : "incomplete";
  if (end == ending::failed)
    response["error"] = {{"code", "server_error"}, {"message", "The model failed to generate a response."}};
  else if (end == ending::max_output_tokens)
    response["incomplete_details"] = {{"reason", "max_output_tokens"}};
  else if (end == ending::content_filter)
    response["incomplete_details"] = {{"reason", "content_filter"}};
  if (end != ending::failed)
    response["usage"] = usage_of(what, facts);
}

class event_writer {
public:
  event_writer(const answer& what, const request_facts& facts)
    : what_(what), facts_(facts), items_(output_maker{what, facts}.make()), response_(response_head(facts)) {}

  std::vector<std::string> pieces() {
    pending_ = event("response.created", {{"response", response_}});
    pending_ += event("response.in_progress", {{"response", response_}});
    for (size_t index = 0; index < items_.size(); ++index)
      write_item(items_[index], index);
    if (!pending_.empty())
      pieces_.push_back(std::move(pending_));
    if (what_.stream_error) {
      pieces_.back() += error_event(*what_.stream_error);
      return std::move(pieces_);
    }
    end_response(response_, what_, facts_, items_);
    pieces_.back() += event("response." + response_["status"].get<std::string>(), {{"response", response_}});
    return std::move(pieces_);
  }

private:
  std::string event(const std::string& type, json fields) {
    json data{{"type", type}, {"sequence_number", sequence_++}};
    data.update(fields);
    return "event: " + type + "\ndata: " + dump_json(data) + "\n\n";
  }

  std::string error_event(const answer_error& what) {
    auto code = !what.type.empty() ? what.type : what.status == 429 ? "rate_limit_exceeded" : "server_error";
    return event("error", {{"code", code}, {"message", what.message}, {"param", nullptr}});
  }

  void write_item(const output_item& item, size_t index) {
    auto begun = item.whole;
    auto kind = kind_of(item);
    if (kind == "reasoning") {
      begun["summary"] = json::array();
      // What is encrypted so far; only the item that is done can be sent back.
      if (auto content = begun.find("encrypted_content"); content != begun.end())
        *content = content->get<std::string>().substr(0, content->get<std::string>().size() / 2);
    } else if (kind == "message") {
      begun["content"] = json::array();
    } else {
      begun["arguments"] = "";
    }
    if (begun.contains("status"))
      begun["status"] = "in_progress";
    pending_ += event("response.output_item.added", {{"output_index", index}, {"item", begun}});
    if (kind == "reasoning")
      write_summary(item.whole, index);
    else if (kind == "message")
      write_message(item.whole, index);
    else
      write_call(item.whole, index);
    if (!pending_.empty()) { // hidden reasoning has no deltas
      pieces_.push_back(std::move(pending_));
      pending_.clear();
    }
    pieces_.back() += event("response.output_item.done", {{"output_index", index}, {"item", item.whole}});
  }

  void write_summary(const json& item, size_t index) {
    auto& summary = item.at("summary");
    for (size_t i = 0; i < summary.size(); ++i) {
      json at{{"item_id", item.at("id")}, {"output_index", index}, {"summary_index", i}};
      auto with = [&](const char* key, json value) {
        auto fields = at;
        fields[key] = std::move(value);
        return fields;
      };
      pending_
        += event("response.reasoning_summary_part.added", with("part", {{"type", "summary_text"}, {"text", ""}}));
      auto text = summary[i].at("text").get<std::string>();
      deltas("response.reasoning_summary_text.delta", text, at);
      pieces_.back() += event("response.reasoning_summary_text.done", with("text", text));
      pieces_.back() += event("response.reasoning_summary_part.done", with("part", summary[i]));
    }
  }

  void write_message(const json& item, size_t index) {
    auto& part = item.at("content").at(0);
    bool refused = part.at("type") == "refusal";
    auto key = refused ? "refusal" : "text";
    json at{{"item_id", item.at("id")}, {"output_index", index}, {"content_index", 0}};
    auto begun = part;
    begun[key] = "";
    auto with = [&](const char* name, json value) {
      auto fields = at;
      fields[name] = std::move(value);
      return fields;
    };
    pending_ += event("response.content_part.added", with("part", begun));
    auto text = part.at(key).get<std::string>();
    auto told = refused ? at : with("logprobs", json::array());
    deltas(refused ? "response.refusal.delta" : "response.output_text.delta", text, told);
    told[key] = text;
    pieces_.back() += event(refused ? "response.refusal.done" : "response.output_text.done", told);
    pieces_.back() += event("response.content_part.done", with("part", part));
  }

  void write_call(const json& item, size_t index) {
    json at{{"item_id", item.at("id")}, {"output_index", index}};
    auto arguments = item.at("arguments").get<std::string>();
    deltas("response.function_call_arguments.delta", arguments, at);
    at["arguments"] = arguments;
    at["name"] = item.at("name");
    pieces_.back() += event("response.function_call_arguments.done", at);
  }

  // One piece for each; the first takes along what is pending.
  void deltas(const std::string& type, const std::string& text, json at) {
    for (auto& part : split_text(text, what_.chunks)) {
      at["delta"] = part;
      if (facts_.responses_wire.obfuscated) // so that sizes on the wire do not tell the text
        at["obfuscation"] = std::string(16 - part.size() % 16, 'x');
      pieces_.push_back(std::move(pending_) + event(type, at));
      pending_.clear();
    }
  }

  const answer& what_;
  const request_facts& facts_;
  std::vector<output_item> items_;
  json response_;
  std::vector<std::string> pieces_;
  std::string pending_; // goes out with the next piece
  int64_t sequence_ = 0;
};

} // namespace

wire_answer responses_answer(const answer& what, const request_facts& facts) {
  wire_answer result;
  result.headers.emplace_back("x-request-id", new_id("req_", 20));
  result.stream = facts.stream;
  if (facts.stream) {
    result.content_type = "text/event-stream; charset=utf-8";
    result.headers.emplace_back("cache-control", "no-cache");
    result.pieces = event_writer{what, facts}.pieces();
  } else {
    auto response = response_head(facts);
    end_response(response, what, facts, output_maker{what, facts}.make());
    result.pieces.push_back(dump_json(response));
  }
  return result;
}

} // namespace varro::bench
