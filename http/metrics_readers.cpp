#include "http/metrics_readers.hpp"

#include "accounts/accounts.hpp"
#include "config/metrics_checks.hpp"
#include "http/bearer.hpp"
#include "http/guard.hpp"

#include <algorithm>

namespace varro {

namespace {

// A field that a proxy adds, trusted or not.
bool was_passed_on(const received_request& request) {
  constexpr std::string_view signs[]{"forwarded",         "via",      "x-forwarded-for", "x-forwarded-host",
                                     "x-forwarded-proto", "x-real-ip"};
  return request.by_proxy
    || std::any_of(std::begin(signs), std::end(signs), [&](auto name) { return request.has_header(name); });
}

// A proxy of this machine that adds no field at all still hands on the name that its visitor asked for.
bool is_meant_for_another(const received_request& request) {
  return request.has_header("host") && is_loopback(request.peer) && !is_loopback(host_name(request.header("host")));
}

bool holds_token(const received_request& request, const std::string& token) {
  return !token.empty() && equal_in_constant_time(bearer_of(request), token);
}

} // namespace

metrics_right right_to_metrics(const received_request& request, const metrics_config& settings) {
  if (holds_token(request, settings.token))
    return metrics_right::granted;
  const auto address = parse_address(request.peer);
  const auto ranges = metrics_ranges(settings);
  const bool is_near = address && !was_passed_on(request) && !is_meant_for_another(request)
    && std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) { return range.contains(*address); });
  if (is_near)
    return metrics_right::granted;
  return has_bearer(request) ? metrics_right::wrong_token : metrics_right::refused;
}

} // namespace varro
