#include "bench/script.hpp"

#include <algorithm>
#include <type_traits>

namespace varro::bench {

namespace {

// Reads one object, remembers which keys it was asked for, and complains about any other.
class object_reader {
public:
  object_reader(const json& value, std::string where, std::string& error)
    : value_(value), where_(std::move(where)), error_(error) {
    if (!value.is_object())
      complain("must be an object");
  }

  const json* find(const char* key) {
    known_.insert(key);
    if (!value_.is_object())
      return nullptr;
    auto found = value_.find(key);
    return found == value_.end() ? nullptr : &*found;
  }

  void read(const char* key, std::string& out) {
    if (auto* found = find(key); found && check(found->is_string(), key, "a string"))
      out = found->get<std::string>();
  }
  void read(const char* key, std::optional<std::string>& out) {
    if (auto* found = find(key); found && check(found->is_string(), key, "a string"))
      out = found->get<std::string>();
  }
  template <class Integer>
    requires std::is_integral_v<Integer>
  void read(const char* key, Integer& out) {
    if (auto* found = find(key); found && check(found->is_number_unsigned(), key, "a whole number, not negative"))
      out = found->get<Integer>();
  }
  template <class Integer>
    requires std::is_integral_v<Integer>
  void read(const char* key, std::optional<Integer>& out) {
    Integer value{};
    read(key, value);
    if (find(key))
      out = value;
  }
  void read(const char* key, milliseconds& out) {
    int64_t value = out.count();
    read(key, value);
    out = milliseconds{value};
  }
  void read(const char* key, std::set<uint64_t>& out) {
    auto* found = find(key);
    if (!found)
      return;
    for (auto& one : found->is_array() ? *found : json::array({*found}))
      if (check(one.is_number_unsigned(), key, "a whole number from 1, or a list of them"))
        out.insert(one.get<uint64_t>());
  }

  bool check(bool holds, const char* key, const std::string& allowed) {
    if (!holds)
      complain(std::string{key} + " must be " + allowed);
    return holds;
  }
  void complain(const std::string& what) {
    if (error_.empty())
      error_ = where_ + ": " + what;
  }
  void finish() {
    if (!value_.is_object())
      return;
    for (auto& [key, unused] : value_.items())
      if (!known_.contains(key))
        complain("unknown key \"" + key + "\"");
  }
  std::string at(const std::string& key) const {
    return where_.empty() ? key : where_ + "." + key;
  }

private:
  const json& value_;
  std::string where_;
  std::string& error_;
  std::set<std::string> known_;
};

std::string arguments_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

std::optional<answer_block> read_block(const json& value, const std::string& where, std::string& error) {
  object_reader in{value, where, error};
  std::optional<answer_block> block;
  if (in.find("thinking")) {
    thinking_block thinking;
    in.read("thinking", thinking.text);
    in.read("signature", thinking.signature);
    block = thinking;
  } else if (in.find("redacted_thinking")) {
    redacted_block redacted;
    in.read("redacted_thinking", redacted.data);
    block = redacted;
  } else if (in.find("text")) {
    text_block text;
    in.read("text", text.text);
    block = text;
  } else if (in.find("python")) {
    std::string code;
    in.read("python", code);
    tool_block tool{"python", dump_json({{"code", code}}), {}};
    in.read("id", tool.id);
    block = tool;
  } else if (in.find("tool")) {
    tool_block tool;
    in.read("tool", tool.name);
    in.read("id", tool.id);
    auto* arguments = in.find("args");
    tool.arguments = arguments ? arguments_text(*arguments) : "{}";
    block = tool;
  } else {
    in.complain("a part needs one of thinking, redacted_thinking, text, python, tool");
    return block;
  }
  in.finish();
  return block;
}

answer_error read_error(const json& value, const std::string& where, std::string& error) {
  object_reader in{value, where, error};
  answer_error result;
  in.read("status", result.status);
  in.read("type", result.type);
  in.read("message", result.message);
  if (auto* headers = in.find("headers"); headers && in.check(headers->is_object(), "headers", "an object"))
    for (auto& [name, text] : headers->items())
      result.headers.emplace_back(name, arguments_text(text));
  if (auto* body = in.find("body"))
    result.body = arguments_text(*body);
  in.finish();
  return result;
}

answer::cut read_cut(object_reader& in, const char* key) {
  using cut = answer::cut;
  auto* found = in.find(key);
  if (!found || *found == false)
    return cut::none;
  if (*found == true || *found == "before")
    return cut::before_head;
  if (*found == "head")
    return cut::after_head;
  if (*found == "middle")
    return cut::middle;
  in.check(false, key, "true, \"before\", \"head\" or \"middle\"");
  return cut::none;
}

void read_usage(const json& value, const std::string& where, std::string& error, answer_usage& usage) {
  object_reader in{value, where, error};
  in.read("input", usage.input);
  in.read("output", usage.output);
  in.read("cache_read", usage.cache_read);
  in.read("cache_write", usage.cache_write);
  in.read("reasoning", usage.reasoning);
  in.finish();
}

void read_parts(object_reader& in, const json& value, std::string& error, answer& result) {
  // The short forms stand for one part each, in this order.
  for (auto* key : {"thinking", "text", "python"})
    if (auto* found = in.find(key))
      if (auto block = read_block({{key, *found}}, in.at(key), error))
        result.blocks.push_back(*block);
  auto* parts = in.find("parts");
  if (!parts || !in.check(parts->is_array(), "parts", "a list"))
    return;
  in.check(result.blocks.empty(), "parts", "alone, without thinking, text or python beside it");
  for (size_t i = 0; i < parts->size(); ++i)
    if (auto block = read_block(value.at("parts")[i], in.at("parts") + "[" + std::to_string(i) + "]", error))
      result.blocks.push_back(*block);
}

condition read_condition(const json& value, const std::string& where, std::string& error) {
  object_reader in{value, where, error};
  condition result;
  std::string api, pattern;
  in.read("api", api);
  static const std::map<std::string, vendor> wires{{"anthropic", vendor::anthropic},
                                                   {"openai", vendor::openai},
                                                   {"openai-responses", vendor::openai_responses},
                                                   {"google", vendor::google}};
  if (!api.empty()
      && in.check(wires.contains(api), "api", "\"anthropic\", \"openai\", \"openai-responses\" or \"google\""))
    result.api = wires.at(api);
  in.read("model", result.model);
  in.read("user_contains", result.user_contains);
  in.read("user_matches", pattern);
  if (!pattern.empty()) {
    try {
      result.user_matches.emplace(pattern);
    } catch (const std::regex_error& problem) {
      in.complain(std::string{"user_matches is not a regular expression: "} + problem.what());
    }
  }
  in.read("tool_results", result.tool_results);
  in.read("response", result.response);
  in.read("request", result.requests);
  in.read("match", result.matches);
  in.finish();
  return result;
}

bool holds(const condition& when, const request_facts& facts, uint64_t nth) {
  return (!when.api || *when.api == facts.api) && (!when.model || *when.model == facts.model)
    && (!when.user_contains || facts.user_text.find(*when.user_contains) != std::string::npos)
    && (!when.user_matches || std::regex_search(facts.user_text, *when.user_matches))
    && (!when.tool_results || *when.tool_results == facts.tool_results)
    && (!when.response || *when.response == facts.responses) && (when.requests.empty() || when.requests.contains(nth));
}

} // namespace

bool answer::calls_tools() const {
  return std::any_of(blocks.begin(), blocks.end(),
                     [](auto& block) { return std::holds_alternative<tool_block>(block); });
}

std::optional<answer> read_answer(const json& value, const std::string& where, std::string& error) {
  object_reader in{value, where, error};
  answer result;
  read_parts(in, value, error, result);
  if (auto* usage = in.find("usage"))
    read_usage(*usage, in.at("usage"), error, result.usage);
  in.read("stop", result.stop);
  in.read("refusal", result.refusal);
  if (auto* failure = in.find("error"))
    result.error = read_error(*failure, in.at("error"), error);
  if (auto* failure = in.find("stream_error"))
    result.stream_error = read_error(*failure, in.at("stream_error"), error);
  result.drop = read_cut(in, "drop");
  result.hold = read_cut(in, "hold");
  in.read("first_byte_ms", result.first_byte);
  in.read("chunk_ms", result.between_chunks);
  in.read("chunks", result.chunks);
  in.check(result.chunks >= 1 && result.chunks <= 100'000, "chunks", "from 1 to 100000");
  in.read("reasoning_field", result.reasoning_field);
  in.read("attempts", result.attempts);
  in.finish();
  if (!error.empty())
    return std::nullopt;
  return result;
}

std::optional<script> read_script(const json& value, std::string& error) {
  error.clear();
  object_reader in{value, "", error};
  script result;
  if (auto* rules = in.find("rules"); rules && in.check(rules->is_array(), "rules", "a list")) {
    for (size_t i = 0; i < rules->size(); ++i) {
      auto where = "rules[" + std::to_string(i) + "]";
      object_reader one{(*rules)[i], where, error};
      rule added;
      if (auto* when = one.find("when"))
        added.when = read_condition(*when, where + ".when", error);
      auto* then = one.find("answer");
      if (!then)
        one.complain("answer is missing");
      else if (auto read = read_answer(*then, where + ".answer", error))
        added.then = *read;
      one.finish();
      result.rules.push_back(std::move(added));
    }
  }
  in.read("context_tokens", result.context_tokens);
  if (auto* otherwise = in.find("otherwise"))
    result.otherwise = read_answer(*otherwise, "otherwise", error);
  in.finish();
  if (!error.empty())
    return std::nullopt;
  return result;
}

const answer* script_matcher::find_rule(const request_facts& facts, uint64_t nth) {
  for (size_t i = 0; i < script_.rules.size(); ++i) {
    auto& one = script_.rules[i];
    if (!holds(one.when, facts, nth))
      continue;
    auto match = ++matches_[i];
    if (one.when.matches.empty() || one.when.matches.contains(match))
      return &one.then;
  }
  return nullptr;
}

const answer* script_matcher::otherwise() const {
  return script_.otherwise ? &*script_.otherwise : nullptr;
}

bool script_matcher::fails(const answer& what, const request_facts& facts) {
  if (what.attempts == 0)
    return true;
  return ++attempts_[{facts.history_hash, facts.responses}] <= what.attempts;
}

} // namespace varro::bench
