// Google's generateContent as its servers write it: chunks without event names and with CRLF, each with the usage so
// far; a call whole in one part; the signature of a response on its first call, or on an empty text at its end.
// https://ai.google.dev/api/generate-content and recorded answers
#include "bench/model_names.hpp"
#include "bench/wire.hpp"

#include <algorithm>
#include <cctype>

namespace varro::bench {

namespace {

constexpr int ids_since = 301; // versions of Gemini whose calls have ids

std::string finish_reason(const answer& what) {
  if (what.refusal || what.stop == "content_filter" || what.stop == "refusal")
    return "SAFETY";
  if (what.stop == "length" || what.stop == "max_tokens")
    return "MAX_TOKENS";
  for (auto& block : what.blocks)
    if (auto* tool = std::get_if<tool_block>(&block); tool && !parse_json(tool->arguments))
      return "MALFORMED_FUNCTION_CALL";
  if (what.stop.empty() || what.stop == "stop" || what.stop == "tool_call")
    return "STOP";
  auto own = what.stop;
  std::transform(own.begin(), own.end(), own.begin(), [](unsigned char c) { return std::toupper(c); });
  return own;
}

json finish_message(const answer& what) {
  if (what.refusal)
    return *what.refusal;
  if (finish_reason(what) == "MALFORMED_FUNCTION_CALL")
    return "Malformed function call: the arguments are not valid JSON.";
  return what.calls_tools() ? json("Model generated function call(s).") : json();
}

class content_maker {
public:
  content_maker(const answer& what, const request_facts& facts) : what_(what), facts_(facts) {
    signs_ = facts.thinks && gemini_version(facts.model) >= 300;
  }

  // The parts of the response, one list for each piece of a stream.
  std::vector<json> parts() {
    for (auto& block : what_.blocks) {
      if (auto* thinking = std::get_if<thinking_block>(&block)) {
        add_thought(*thinking);
      } else if (auto* text = std::get_if<text_block>(&block)) {
        for (auto& piece : split_text(text->text, what_.chunks))
          lists_.push_back(json::array({json{{"text", piece}}}));
      } else if (auto* tool = std::get_if<tool_block>(&block)) {
        add_call(*tool);
      }
    }
    if (signs_ && !signed_ && !lists_.empty()) {
      json last{{"text", ""}, {"thoughtSignature", signature()}};
      lists_.push_back(json::array({last}));
    }
    return std::move(lists_);
  }

private:
  void add_thought(const thinking_block& thinking) {
    if (thinking.signature)
      chosen_ = *thinking.signature;
    if (!facts_.thinks || !facts_.thoughts_shown)
      return;
    for (auto& piece : split_text(thinking.text, what_.chunks))
      lists_.push_back(json::array({json{{"text", piece}, {"thought", true}}}));
  }

  void add_call(const tool_block& tool) {
    auto arguments = parse_json(tool.arguments);
    if (!arguments)
      return; // Google tells such a call only in the reason why it stopped
    json call{{"name", tool.name}, {"args", *arguments}};
    if (!tool.id.empty())
      call["id"] = tool.id;
    else if (gemini_version(facts_.model) >= ids_since)
      call["id"] = new_id("", 8);
    json part{{"functionCall", call}};
    if (signs_ && !signed_) // of parallel calls only the first is signed
      part["thoughtSignature"] = signature();
    lists_.push_back(json::array({part}));
  }

  std::string signature() {
    signed_ = true;
    return chosen_.empty() ? sealed(thought_seal, facts_.model) : chosen_;
  }

  const answer& what_;
  const request_facts& facts_;
  bool signs_ = false;
  bool signed_ = false;
  std::string chosen_; // by the script
  std::vector<json> lists_;
};

json usage_of(const answer& what, const request_facts& facts) {
  auto [input, output] = counted(what, facts);
  input += what.usage.cache_read; // counted in
  auto thoughts = what.usage.reasoning;
  json usage{{"promptTokenCount", input}};
  if (what.usage.cache_read > 0)
    usage["cachedContentTokenCount"] = what.usage.cache_read;
  usage["candidatesTokenCount"] = output;
  usage["totalTokenCount"] = input + output + thoughts;
  usage["promptTokensDetails"] = json::array({json{{"modality", "TEXT"}, {"tokenCount", input}}});
  if (thoughts > 0) // not among those of the candidates, unlike other vendors'
    usage["thoughtsTokenCount"] = thoughts;
  return usage;
}

json safety_ratings() {
  json rating{{"category", "HARM_CATEGORY_DANGEROUS_CONTENT"}, {"probability", "HIGH"}, {"blocked", true}};
  return json::array({rating});
}

json chunk(const json& parts, const answer& what, const request_facts& facts, const std::string& id, bool last) {
  json content{{"role", "model"}};
  if (!parts.empty())
    content["parts"] = parts;
  json candidate{{"content", content}};
  if (last) {
    candidate["finishReason"] = finish_reason(what);
    if (auto message = finish_message(what); !message.is_null())
      candidate["finishMessage"] = message;
    if (finish_reason(what) == "SAFETY")
      candidate["safetyRatings"] = safety_ratings();
  }
  candidate["index"] = 0;
  json body;
  body["candidates"] = json::array({candidate});
  body["usageMetadata"] = usage_of(what, facts);
  body["modelVersion"] = facts.model;
  body["responseId"] = id;
  return body;
}

// The prompt itself was refused: there is no candidate.
json blocked(const answer& what, const request_facts& facts, const std::string& id) {
  json body;
  body["promptFeedback"] = {{"blockReason", "PROHIBITED_CONTENT"}};
  body["usageMetadata"] = usage_of(what, facts);
  body["modelVersion"] = facts.model;
  body["responseId"] = id;
  return body;
}

std::string data_line(const json& body) {
  return "data: " + dump_json(body) + "\r\n\r\n";
}

std::vector<std::string> stream_pieces(const answer& what, const request_facts& facts, const std::string& id) {
  std::vector<std::string> pieces;
  if (what.stop == "blocked")
    return {data_line(blocked(what, facts, id))};
  auto lists = content_maker{what, facts}.parts();
  for (size_t i = 0; i < lists.size(); ++i)
    pieces.push_back(data_line(chunk(lists[i], what, facts, id, false)));
  std::string end;
  if (what.stream_error) {
    auto& error = *what.stream_error;
    auto type = error.type.empty() ? error_type(vendor::google, error.status) : error.type;
    end = data_line({{"error", {{"code", error.status}, {"message", error.message}, {"status", type}}}});
  } else {
    auto nothing = lists.empty() ? json::array() : json::array({json{{"text", ""}}});
    end = data_line(chunk(nothing, what, facts, id, true));
  }
  if (pieces.empty())
    pieces.push_back(std::move(end));
  else
    pieces.back() += end;
  return pieces;
}

// Without alt=sse the chunks are the elements of one array.
void put_in_array(std::vector<std::string>& pieces) {
  bool first = true;
  for (auto& piece : pieces) {
    std::string text;
    for (std::string_view rest = piece; !rest.empty();) {
      auto end = rest.find("\r\n\r\n");
      text += (first ? "[" : ",\r\n") + std::string{rest.substr(6, end - 6)};
      rest.remove_prefix(end + 4);
      first = false;
    }
    piece = text;
  }
  pieces.back() += "]";
}

// Without a stream the pieces of one block are one part.
json whole_parts(const std::vector<json>& lists) {
  json parts = json::array();
  for (auto& list : lists) {
    auto& part = list.at(0);
    bool continues = !parts.empty() && part.contains("text") && parts.back().contains("text")
      && part.contains("thought") == parts.back().contains("thought");
    if (!continues) {
      parts.push_back(part);
      continue;
    }
    auto& last = parts.back();
    last["text"] = last["text"].get<std::string>() + part["text"].get<std::string>();
    if (part.contains("thoughtSignature"))
      last["thoughtSignature"] = part["thoughtSignature"];
  }
  return parts;
}

} // namespace

wire_answer google_answer(const answer& what, const request_facts& facts) {
  wire_answer result;
  result.content_type = "application/json; charset=UTF-8";
  result.stream = facts.stream;
  auto id = new_id("", 23);
  if (facts.stream) {
    result.pieces = stream_pieces(what, facts, id);
    if (facts.in_array)
      put_in_array(result.pieces);
    else
      result.content_type = "text/event-stream";
  } else {
    auto body = what.stop == "blocked" ? blocked(what, facts, id)
                                       : chunk(whole_parts(content_maker{what, facts}.parts()), what, facts, id, true);
    result.pieces.push_back(dump_json(body));
  }
  return result;
}

} // namespace varro::bench
