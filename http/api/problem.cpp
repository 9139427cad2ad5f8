#include "http/api/problem.hpp"

#include "base/json.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

struct titled_status {
  int status = 0;
  std::string_view title;
};
// RFC 9110, section 15, and RFC 6585.
constexpr std::array<titled_status, 23> titles{{{400, "Bad Request"},
                                                {401, "Unauthorized"},
                                                {403, "Forbidden"},
                                                {404, "Not Found"},
                                                {405, "Method Not Allowed"},
                                                {406, "Not Acceptable"},
                                                {408, "Request Timeout"},
                                                {409, "Conflict"},
                                                {410, "Gone"},
                                                {411, "Length Required"},
                                                {412, "Precondition Failed"},
                                                {413, "Content Too Large"},
                                                {414, "URI Too Long"},
                                                {415, "Unsupported Media Type"},
                                                {417, "Expectation Failed"},
                                                {421, "Misdirected Request"},
                                                {422, "Unprocessable Content"},
                                                {429, "Too Many Requests"},
                                                {431, "Request Header Fields Too Large"},
                                                {500, "Internal Server Error"},
                                                {501, "Not Implemented"},
                                                {503, "Service Unavailable"},
                                                {505, "HTTP Version Not Supported"}}};

std::string_view path_of_target(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// Characters that a path of a URI may have (RFC 3986, section 3.3); a malformed escape is no matter here.
bool is_uri_path(std::string_view path) {
  static constexpr std::string_view marks = "-._~!$&'()*+,;=:@/%";
  return !path.empty() && std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
      || marks.find(c) != std::string_view::npos;
  });
}

bool is_below(std::string_view folder, std::string_view target) {
  const auto path = path_of_target(target);
  const auto decoded = percent_decode(path, false);
  return decoded ? decoded->starts_with(folder) : path.starts_with(folder);
}

std::string_view error_kind(int status) {
  return status == 401 ? "authentication_error"
    : status == 403    ? "permission_error"
    : status == 404    ? "not_found_error"
    : status == 429    ? "rate_limit_error"
    : status >= 500    ? "server_error"
                       : "invalid_request_error";
}

json text_or_null(std::string_view text) {
  return text.empty() ? json(nullptr) : json(text);
}

} // namespace

bool is_api_target(std::string_view target) {
  return is_below("/api/", target) || is_response_target(target);
}

bool is_response_target(std::string_view target) {
  return is_below("/v1/", target);
}

std::string_view problem_title(int status) {
  const auto* found
    = std::find_if(titles.begin(), titles.end(), [=](const auto& each) { return each.status == status; });
  return found == titles.end() ? std::string_view{"Error"} : found->title;
}

std::string problem_text(int status, std::string_view detail, std::string_view target, std::string_view id) {
  json problem{{"type", "about:blank"}, {"title", problem_title(status)}, {"status", status}, {"detail", detail}};
  std::string instance;
  if (const auto path = path_of_target(target); is_uri_path(path))
    instance = path;
  if (!id.empty()) { // whose characters a fragment may have (request_id.hpp)
    instance += '#';
    instance += id;
  }
  if (!instance.empty())
    problem["instance"] = instance;
  return dump_json(problem);
}

reply problem_reply(const received_request& request, int status, std::string_view detail) {
  reply result;
  result.status = status;
  result.content_type = error_type_for(request.target);
  result.body = error_text_for(status, detail, request.target, request.id);
  return result;
}

std::string response_error_text(int status, std::string_view message, std::string_view param, std::string_view code) {
  json error{
    {"message", message}, {"type", error_kind(status)}, {"param", text_or_null(param)}, {"code", text_or_null(code)}};
  json value = json::object();
  value["error"] = std::move(error);
  return dump_json(value);
}

std::string error_text_for(int status, std::string_view detail, std::string_view target, std::string_view id) {
  return is_response_target(target) ? response_error_text(status, detail) : problem_text(status, detail, target, id);
}

std::string_view error_type_for(std::string_view target) {
  return is_response_target(target) ? response_error_type : problem_type;
}

} // namespace varro
