// Answers that stand in the prompt itself, and those that are built in.
#include "base/text.hpp"
#include "bench/script.hpp"

#include <algorithm>
#include <charconv>

namespace varro::bench {

namespace {

struct directive {
  std::string name;
  std::string value;
};

// The end of the directive whose inside begins at `at`: its "]]" outside of brackets of its own (x[y[0]]).
size_t inside_end(std::string_view text, size_t at) {
  int depth = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '[')
      ++depth;
    else if (text[at] == ']' && depth > 0)
      --depth;
    else if (text[at] == ']' && text.substr(at).starts_with("]]"))
      return at;
  }
  return std::string_view::npos;
}

std::vector<directive> directives_of(std::string_view text) {
  std::vector<directive> found;
  for (size_t at = text.find("[["); at != std::string_view::npos; at = text.find("[[", at)) {
    at += 2;
    auto end = inside_end(text, at);
    if (end == std::string_view::npos)
      break;
    auto inside = text.substr(at, end - at);
    auto colon = inside.find(':');
    auto value = colon == std::string_view::npos ? std::string_view{} : inside.substr(colon + 1);
    // One leading blank belongs to the form; code keeps its other blanks.
    if (value.starts_with(' '))
      value.remove_prefix(1);
    found.push_back({std::string{trim(inside.substr(0, colon))}, std::string{value}});
    at = end + 2;
  }
  return found;
}

int64_t number_in(std::string_view text, int64_t otherwise) {
  text = trim(text);
  int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "529 x2": a number, and how many attempts meet it.
void read_attempts(std::string_view text, answer& into) {
  if (auto x = text.rfind('x'); x != std::string_view::npos)
    into.attempts = static_cast<int>(number_in(text.substr(x + 1), 0));
}

bool settings_directive(const directive& one, answer& into) {
  using cut = answer::cut;
  if (one.name == "delay")
    into.first_byte = milliseconds{number_in(one.value, 0)};
  else if (one.name == "chunk-delay")
    into.between_chunks = milliseconds{number_in(one.value, 0)};
  else if (one.name == "chunks")
    into.chunks = static_cast<int>(std::clamp<int64_t>(number_in(one.value, 1), 1, 100'000));
  else if (one.name == "stop")
    into.stop = trim(one.value);
  else if (one.name == "refusal")
    into.refusal = one.value;
  else if (one.name == "drop")
    into.drop = cut::before_head;
  else if (one.name == "drop-middle")
    into.drop = cut::middle;
  else if (one.name == "hold")
    into.hold = cut::before_head;
  else if (one.name == "hold-middle")
    into.hold = cut::middle;
  else if (one.name == "error" || one.name == "stream-error") {
    answer_error failure;
    failure.status = static_cast<int>(number_in(one.value, 500));
    (one.name == "error" ? into.error : into.stream_error) = failure;
  } else if (one.name == "retry-after") {
    if (into.error)
      into.error->headers.emplace_back("retry-after", std::string{trim(one.value)});
  } else {
    return false;
  }
  if (one.name == "error" || one.name == "stream-error" || one.name.starts_with("drop") || one.name.starts_with("hold"))
    read_attempts(one.value, into);
  return true;
}

std::optional<answer_block> block_directive(const directive& one) {
  if (one.name == "thinking")
    return thinking_block{one.value, std::nullopt};
  if (one.name == "text")
    return text_block{one.value};
  if (one.name == "python")
    return tool_block{"python", dump_json({{"code", one.value}}), {}};
  if (one.name == "python-args") // the arguments as they are, valid or not
    return tool_block{"python", one.value, {}};
  if (one.name == "tool") {
    auto text = trim(one.value);
    auto space = text.find(' ');
    auto arguments = space == std::string_view::npos ? std::string_view{"{}"} : trim(text.substr(space));
    return tool_block{std::string{text.substr(0, space)}, std::string{arguments}, {}};
  }
  return std::nullopt;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

} // namespace

std::vector<answer> answers_in(const std::string& prompt) {
  std::vector<answer> answers;
  bool open = false; // whether the last answer may still take parts
  for (auto& one : directives_of(prompt)) {
    if (one.name == "then") {
      open = false;
      continue;
    }
    answer probe;
    auto block = block_directive(one);
    if (!block && !settings_directive(one, probe))
      continue;
    bool is_tool = block && std::holds_alternative<tool_block>(*block);
    if (!open || (block && !is_tool && answers.back().calls_tools()))
      answers.emplace_back();
    open = true;
    if (block)
      answers.back().blocks.push_back(*block);
    else
      settings_directive(one, answers.back());
  }
  for (auto& one : answers)
    if (one.blocks.empty() && !one.refusal)
      one.blocks.push_back(text_block{"Done."});
  if (!answers.empty() && answers.back().calls_tools()) {
    answers.emplace_back();
    answers.back().blocks.push_back(text_block{"Done: {{result}}"});
  }
  return answers;
}

answer default_answer(const request_facts& facts, const default_script& how) {
  answer result;
  result.first_byte = how.first_byte;
  result.between_chunks = how.between_chunks;
  std::string stamp = "t=" + std::string{now_marker} + "us";
  bool call = facts.responses == 0 && !how.code.empty() && facts.tools.contains("python");
  if (call) {
    result.blocks.push_back(thinking_block{"One cell answers this.", std::nullopt});
    result.blocks.push_back(tool_block{"python", dump_json({{"code", "# " + stamp + "\n" + how.code}}), {}});
  } else {
    result.blocks.push_back(text_block{"The answer is ready. " + stamp});
  }
  return result;
}

void fill_in(answer& what, const request_facts& facts, uint64_t nth) {
  auto fill = [&](std::string& text, bool quoted) {
    auto inside = [&](const std::string& value) {
      if (!quoted)
        return value;
      auto dumped = dump_json(value); // inside of a JSON string
      return dumped.substr(1, dumped.size() - 2);
    };
    if (text.find("{{") == std::string::npos)
      return;
    replace_all(text, "{{model}}", inside(facts.model));
    replace_all(text, "{{request}}", std::to_string(nth));
    replace_all(text, "{{result}}", inside(facts.last_result));
    replace_all(text, "{{user}}", inside(facts.user_text));
  };
  if (what.refusal)
    fill(*what.refusal, false);
  for (auto& block : what.blocks) {
    if (auto* thinking = std::get_if<thinking_block>(&block))
      fill(thinking->text, false);
    else if (auto* text = std::get_if<text_block>(&block))
      fill(text->text, false);
    else if (auto* tool = std::get_if<tool_block>(&block))
      fill(tool->arguments, true);
  }
}

void stamp(std::string& bytes, int64_t now_us) {
  if (bytes.find(now_marker) != std::string::npos)
    replace_all(bytes, now_marker, std::to_string(now_us));
}

} // namespace varro::bench
