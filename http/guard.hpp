// Who may speak to this server: Host, Origin and Sec-Fetch-Site, CSRF tokens, cookies. Pure functions, any thread.
//
// A local Varro has no password, so what protects it from pages of other sites is here: a name that is not ours in Host
// (DNS rebinding) is refused, and so is every request that a browser marks as coming from another origin.
#pragma once

#include "config/config.hpp"
#include "http/exchange.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace varro {

// "Example.com.:8000" → "example.com"; brackets stay: "[::1]:80" → "[::1]". Empty when it is not a host.
std::string host_name(std::string_view host_field);

// 127.0.0.1, [::1], localhost, the listen address, allowed_hosts; every IP literal when listening on a wildcard address
// (a rebound name is never a literal). The port is not looked at.
bool host_allowed(std::string_view host_field, const server_config& settings);

// True for 127.0.0.0/8, ::1 and "localhost".
bool is_loopback(std::string_view host);

struct guard_refusal {
  int status = 0;
  std::string text;
};

// What stands against this request, before any route sees it:
//   421 the Host is not ours;
//   403 another origin sends it: Sec-Fetch-Site or Origin say so. A link or a typed address (a navigation by GET) from
//       anywhere is allowed, and so are the scripts of charts, whose frames have no origin; everything else from
//       elsewhere is not. Clients that are no browsers send neither field.
std::optional<guard_refusal> check_request(const received_request& request, const server_config& settings);

// True when the browser spoke https with whatever stands in front: its Origin says so, or a trusted proxy. Cookies are
// then Secure.
bool over_https(const received_request& request);

// "name=value; Path=/; HttpOnly; SameSite=Lax[; Secure][; Max-Age=N]"; an empty value with age 0 deletes.
std::string cookie_field(std::string_view name, std::string_view value, std::optional<int64_t> age_s, bool secure);

inline constexpr std::string_view session_cookie = "varro_session";
inline constexpr std::string_view login_csrf_cookie = "varro_login";
inline constexpr std::string_view oidc_flow_cookie = "varro_oidc";

} // namespace varro
