#include "bench/wire.hpp"

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

constexpr std::string_view thinking_mark = "toolu_01T";
constexpr std::string_view plain_mark = "toolu_01N";

} // namespace

std::string signature_of(std::string_view thinking) {
  std::string result = "Eq";
  for (uint64_t seed : {0xcbf29ce484222325u, 0x9e3779b97f4a7c15u, 0xc2b2ae3d27d4eb4fu, 0x165667b19e3779f9u})
    append_base62(result, fnv(thinking, seed), 10);
  return result + "==";
}

std::string new_id(std::string_view prefix, size_t length) {
  static std::mt19937_64 random{std::random_device{}()};
  std::string result{prefix};
  while (result.size() < prefix.size() + length)
    append_base62(result, random(), std::min<size_t>(10, prefix.size() + length - result.size()));
  return result;
}

std::string new_tool_id(bool after_thinking) {
  return new_id(after_thinking ? thinking_mark : plain_mark, 21);
}

bool follows_thinking(std::string_view tool_id) {
  return tool_id.starts_with(thinking_mark);
}

std::vector<std::string> split_text(std::string_view text, int count) {
  std::vector<std::string> pieces;
  size_t begin = 0;
  for (int left = std::max(count, 1); left > 0 && (begin < text.size() || pieces.empty()); --left) {
    auto end = left == 1
      ? text.size()
      : std::min(text.size(), begin + std::max<size_t>(1, (text.size() - begin) / static_cast<size_t>(left)));
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
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
  return {what.usage.input.value_or(static_cast<int64_t>(facts.body_bytes / 4 + 1)),
          what.usage.output.value_or(static_cast<int64_t>(bytes / 4 + 1))};
}

wire_answer answer_on_wire(const answer& what, const request_facts& facts) {
  return facts.api == vendor::anthropic ? anthropic_answer(what, facts) : openai_answer(what, facts);
}

std::string error_type(vendor api, int status) {
  struct row {
    int status;
    const char* anthropic;
    const char* openai;
  };
  static constexpr row rows[] = {
    {400, "invalid_request_error", "invalid_request_error"},
    {401, "authentication_error", "invalid_request_error"},
    {403, "permission_error", "invalid_request_error"},
    {404, "not_found_error", "invalid_request_error"},
    {408, "timeout_error", "timeout"},
    {413, "request_too_large", "invalid_request_error"},
    {429, "rate_limit_error", "rate_limit_error"},
    {504, "timeout_error", "server_error"},
    {529, "overloaded_error", "server_error"},
  };
  for (auto& one : rows)
    if (one.status == status)
      return api == vendor::anthropic ? one.anthropic : one.openai;
  if (status >= 500)
    return api == vendor::anthropic ? "api_error" : "server_error";
  return "invalid_request_error";
}

wire_answer error_on_wire(vendor api, const answer_error& what) {
  request_problem problem{what.status, what.type.empty() ? error_type(api, what.status) : what.type, what.message, ""};
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
  if (api == vendor::anthropic) {
    body = {{"type", "error"}, {"error", {{"type", what.type}, {"message", what.message}}}, {"request_id", id}};
    result.headers.emplace_back("request-id", id);
  } else {
    json param = what.param.empty() ? json{} : json(what.param);
    json code = what.status == 401 ? json("invalid_api_key")
      : what.status == 429         ? json("rate_limit_exceeded")
                                   : json{};
    body["error"] = {{"message", what.message}, {"type", what.type}, {"param", param}, {"code", code}};
    result.headers.emplace_back("x-request-id", id);
  }
  result.pieces.push_back(dump_json(body));
  return result;
}

} // namespace varro::bench
