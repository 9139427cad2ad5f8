#include "http/work_class.hpp"

#include "http/form.hpp"
#include "http/guard.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

bool is_free(std::string_view path) {
  constexpr std::array<std::string_view, 4> paths{"/healthz", "/readyz", "/metrics", "/favicon.ico"};
  return path.starts_with("/assets/") || std::find(paths.begin(), paths.end(), path) != paths.end();
}

bool is_costly(const received_request& request) {
  auto path = request.path();
  if (path == "/chats")
    return !query_value(request, "q").value_or("").empty();
  if (!path.starts_with("/chat/"))
    return false;
  // Below a chat: /chat/42/export.md, /chat/42/files/a.csv, /chat/42/charts/m3-0
  auto rest = path.substr(6);
  auto name = rest.substr(std::min(rest.find('/'), rest.size()));
  return name.starts_with("/export.") || name.starts_with("/files") || name.starts_with("/charts/");
}

} // namespace

work_class work_class_of(const received_request& request) {
  if (is_free(request.path()))
    return {true, false, {}};
  return {false, is_costly(request), std::string{cookie(request, session_cookie)}};
}

work_shares shares_of(int workers) {
  return {std::max(1, workers * 3 / 4), std::max(1, workers / 2), std::max(1, workers / 4)};
}

} // namespace varro
