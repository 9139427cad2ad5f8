#include "bench/validate.hpp"

#include "bench/model_route.hpp"

#include <algorithm>
#include <cctype>

namespace varro::bench {

void refuse(std::string message, std::string param, std::string code) {
  throw request_problem{400, "invalid_request_error", std::move(message), std::move(param), std::move(code)};
}

const json* member(const json& value, const char* key) {
  if (!value.is_object())
    return nullptr;
  auto found = value.find(key);
  return found == value.end() ? nullptr : &*found;
}

std::string member_text(const json& value, const char* key) {
  auto* found = member(value, key);
  return found && found->is_string() ? found->get<std::string>() : std::string{};
}

bool is_true(const json& value, const char* key) {
  auto* found = member(value, key);
  return found && found->is_boolean() && found->get<bool>();
}

bool is_tool_name(const std::string& name, size_t length_max) {
  return !name.empty() && name.size() <= length_max
    && std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

namespace {

request_problem problem(int status, std::string type, std::string message) {
  return {status, std::move(type), std::move(message), "", ""};
}

} // namespace

std::optional<request_problem> check_headers(vendor api, const http_head& head, const validation& how) {
  std::string key{head.header("x-api-key")};
  auto authorization = head.header("authorization");
  if (key.empty() && authorization.starts_with("Bearer "))
    key = authorization.substr(7);
  if (api == vendor::google) {
    auto target = head.start_line.substr(0, head.start_line.rfind(' '));
    key = head.header("x-goog-api-key");
    if (key.empty())
      key = query_value(target, "key");
    if (key.empty())
      return problem(
        403, "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key "
        "or other form of API consumer identity to call this API.");
    if (!how.key.empty() && key != how.key)
      return problem(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.");
    return std::nullopt;
  }
  if (api == vendor::openai || api == vendor::openai_responses) {
    if (!how.key.empty() && key.empty())
      return problem(401, "invalid_request_error", "You didn't provide an API key.");
    if (!how.key.empty() && key != how.key)
      return problem(401, "invalid_request_error", "Incorrect API key provided.");
  } else {
    if (key.empty())
      return problem(401, "authentication_error", "x-api-key header is required");
    if (!how.key.empty() && key != how.key)
      return problem(401, "authentication_error", "invalid x-api-key");
    if (head.header("anthropic-version").empty())
      return problem(400, "invalid_request_error", "anthropic-version: header is required");
  }
  if (!head.header("content-type").starts_with("application/json"))
    return problem(400, "invalid_request_error", "the content type must be application/json");
  return std::nullopt;
}

} // namespace varro::bench
