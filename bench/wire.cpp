#include "bench/wire.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <chrono>
#include <random>

namespace varro::bench {

namespace {

uint64_t fnv(std::string_view text, uint64_t hash) {
  for (unsigned char c : text) {
    hash ^= c;
    hash *= 1099511628211u;
  }
  return hash;
}

void append_base62(std::string& out, uint64_t value, size_t count) {
  static constexpr char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (size_t i = 0; i < count; ++i, value /= 62)
    out += digits[value % 62];
}

constexpr size_t sealed_random_chars = 100;
constexpr size_t item_tail_chars = 46;

constexpr std::string_view tool_mark = "toolu_01";

} // namespace

std::string mark_of(std::string_view text) {
  std::string mark;
  append_base62(mark, fnv(text, 0xcbf29ce484222325u), 10);
  append_base62(mark, fnv(text, 0x9e3779b97f4a7c15u), 10);
  return mark;
}

std::string new_id(std::string_view prefix, size_t length) {
  static std::mt19937_64 random{std::random_device{}()};
  std::string result{prefix};
  while (result.size() < prefix.size() + length)
    append_base62(result, random(), std::min<size_t>(10, prefix.size() + length - result.size()));
  return result;
}

std::string sealed(std::string_view prefix, std::string_view bound_to) {
  auto text = new_id(std::string{prefix} + mark_of(bound_to), sealed_random_chars);
  return text + mark_of(text);
}

bool is_sealed(std::string_view text, std::string_view prefix) {
  auto mark = mark_of({}).size();
  auto size = prefix.size() + mark + sealed_random_chars;
  return text.starts_with(prefix) && text.size() == size + mark && text.substr(size) == mark_of(text.substr(0, size));
}

bool is_bound(std::string_view text, std::string_view prefix, std::string_view to) {
  return is_sealed(text, prefix) && text.substr(prefix.size()).starts_with(mark_of(to));
}

std::string text_of(const item_id& id, std::string_view prefix) {
  return std::string{prefix} + (id.follows_reasoning ? '1' : '0') + (id.stored ? '1' : '0') + id.tail;
}

std::optional<item_id> read_item_id(std::string_view id) {
  auto at = id.find('_');
  if (at == std::string_view::npos || id.size() != at + 3 + item_tail_chars)
    return std::nullopt;
  auto follows = id[at + 1], stored = id[at + 2];
  if ((follows != '0' && follows != '1') || (stored != '0' && stored != '1'))
    return std::nullopt;
  return item_id{follows == '1', stored == '1', std::string{id.substr(at + 3)}};
}

std::string new_tool_id(bool after_thinking, bool broken_input) {
  return new_id(std::string{tool_mark} + (after_thinking ? 'T' : 'N') + (broken_input ? 'X' : 'A'), 20);
}

bool follows_thinking(std::string_view tool_id) {
  return tool_id.starts_with(tool_mark) && tool_id.substr(tool_mark.size()).starts_with('T');
}

bool has_broken_input(std::string_view tool_id) {
  return tool_id.starts_with(tool_mark) && tool_id.size() > tool_mark.size() + 1
    && tool_id[tool_mark.size() + 1] == 'X';
}

std::vector<std::string> split_text(std::string_view text, int count) {
  std::vector<std::string> pieces;
  size_t begin = 0;
  for (int left = std::max(count, 1); left > 0 && (begin < text.size() || pieces.empty()); --left) {
    auto end = left == 1
      ? text.size()
      : std::min(text.size(), begin + std::max<size_t>(1, (text.size() - begin) / static_cast<size_t>(left)));
    while (end < text.size() && is_continuation(text[end]))
      ++end;
    // A marker that begins before the cut and ends after it stays whole.
    auto from = end > now_marker.size() ? end - now_marker.size() + 1 : 0;
    if (auto marker = text.find(now_marker, from); marker != std::string_view::npos && marker < end)
      end = marker + now_marker.size();
    pieces.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

token_counts counted(const answer& what, const request_facts& facts) {
  size_t bytes = 0;
  for (auto& block : what.blocks) {
    if (auto* thinking = std::get_if<thinking_block>(&block))
      bytes += thinking->text.size();
    else if (auto* text = std::get_if<text_block>(&block))
      bytes += text->text.size();
    else if (auto* tool = std::get_if<tool_block>(&block))
      bytes += tool->name.size() + tool->arguments.size();
  }
  if (what.refusal)
    bytes += what.refusal->size();
  return {what.usage.input.value_or(static_cast<int64_t>(facts.body_bytes / 4 + 1)),
          what.usage.output.value_or(static_cast<int64_t>(bytes / 4 + 1))};
}

wire_answer answer_on_wire(const answer& what, const request_facts& facts) {
  switch (facts.api) {
  case vendor::anthropic:
    return anthropic_answer(what, facts);
  case vendor::openai_responses:
    return responses_answer(what, facts);
  case vendor::google:
    return google_answer(what, facts);
  default:
    return openai_answer(what, facts);
  }
}

std::string error_type(vendor api, int status) {
  struct row {
    int status;
    const char* anthropic;
    const char* openai;
    const char* google;
  };
  static constexpr row rows[] = {
    {400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"},
    {401, "authentication_error", "invalid_request_error", "UNAUTHENTICATED"},
    {403, "permission_error", "invalid_request_error", "PERMISSION_DENIED"},
    {404, "not_found_error", "invalid_request_error", "NOT_FOUND"},
    {408, "timeout_error", "timeout", "DEADLINE_EXCEEDED"},
    {413, "request_too_large", "invalid_request_error", "INVALID_ARGUMENT"},
    {429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"},
    {503, "api_error", "server_error", "UNAVAILABLE"},
    {504, "timeout_error", "server_error", "DEADLINE_EXCEEDED"},
    {529, "overloaded_error", "server_error", "UNAVAILABLE"},
  };
  auto pick = [&](const char* anthropic, const char* openai, const char* google) {
    return api == vendor::anthropic ? anthropic : api == vendor::google ? google : openai;
  };
  for (auto& one : rows)
    if (one.status == status)
      return pick(one.anthropic, one.openai, one.google);
  if (status >= 500)
    return pick("api_error", "server_error", "INTERNAL");
  return pick("invalid_request_error", "invalid_request_error", "FAILED_PRECONDITION");
}

wire_answer error_on_wire(vendor api, const answer_error& what) {
  request_problem problem;
  problem.status = what.status;
  problem.type = what.type.empty() ? error_type(api, what.status) : what.type;
  problem.message = what.message;
  auto result = problem_on_wire(api, problem);
  result.headers.insert(result.headers.end(), what.headers.begin(), what.headers.end());
  if (what.body)
    result.pieces = {*what.body};
  return result;
}

wire_answer problem_on_wire(vendor api, const request_problem& what) {
  wire_answer result;
  result.status = what.status;
  auto id = new_id(api == vendor::anthropic ? "req_011C" : "req_", 20);
  json body;
  bool compatible = api == vendor::openai && what.type == "INVALID_ARGUMENT"; // Google's compatible endpoint: in a list
  if (api == vendor::google || compatible) {
    body["error"] = {{"code", what.status}, {"message", what.message}, {"status", what.type}};
    if (compatible)
      body = json::array({body});
  } else if (api == vendor::anthropic) {
    body = {{"type", "error"}, {"error", {{"type", what.type}, {"message", what.message}}}, {"request_id", id}};
    result.headers.emplace_back("request-id", id);
  } else {
    json param = what.param.empty() ? json{} : json(what.param);
    json code = !what.code.empty() ? json(what.code)
      : what.status == 401         ? json("invalid_api_key")
      : what.status == 429         ? json("rate_limit_exceeded")
                                   : json{};
    body["error"] = {{"message", what.message}, {"type", what.type}, {"param", param}, {"code", code}};
    result.headers.emplace_back("x-request-id", id);
  }
  result.pieces.push_back(dump_json(body));
  return result;
}

} // namespace varro::bench
