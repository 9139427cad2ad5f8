#include "http/guard.hpp"

#include "http/form.hpp"
#include "render/chart_frame.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace varro {

namespace {

bool is_ip_literal(const std::string& host) {
  in6_addr bytes{};
  if (host.size() > 2 && host.front() == '[')
    return ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &bytes) == 1;
  return ::inet_pton(AF_INET, host.c_str(), &bytes) == 1;
}

bool is_wildcard(std::string_view host) {
  return host == "0.0.0.0" || host == "::" || host == "[::]";
}

// A file that is the same for everybody, and that a frame without an origin loads.
bool is_open_asset(std::string_view path) {
  constexpr std::string_view folder = "/assets/";
  return path.starts_with(folder) && is_chart_asset(path.substr(folder.size()));
}

// "host[:port]" without the port where it is the scheme's own.
std::string authority(std::string_view text, bool https) {
  auto name = host_name(text);
  auto colon = text.rfind(':');
  if (name.empty() || colon == std::string_view::npos || text.find(']', colon) != std::string_view::npos)
    return name;
  auto port = text.substr(colon + 1);
  return port.empty() || port == (https ? "443" : "80") ? name : name + ":" + std::string{port};
}

bool same_origin(std::string_view origin, std::string_view host_field) {
  bool https = origin.starts_with("https://");
  if (!https && !origin.starts_with("http://"))
    return false; // "null" and other schemes
  auto ours = authority(host_field, https);
  return !ours.empty() && authority(origin.substr(https ? 8 : 7), https) == ours;
}

} // namespace

std::string host_name(std::string_view host_field) {
  auto name = host_field;
  std::string_view port;
  if (name.starts_with('[')) {
    auto end = name.find(']');
    if (end == std::string_view::npos)
      return {};
    port = name.substr(end + 1);
    name = name.substr(0, end + 1);
  } else if (auto colon = name.find(':'); colon != std::string_view::npos) {
    port = name.substr(colon);
    name = name.substr(0, colon);
  }
  if (!port.empty() && (port[0] != ':' || port.find_first_not_of("0123456789", 1) != std::string_view::npos))
    return {};
  if (name.ends_with('.'))
    name.remove_suffix(1);
  std::string result;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_'
      || (name[0] == '[' && (c == ':' || c == '[' || c == ']'));
    if (!plain)
      return {};
    result += c;
  }
  return result;
}

bool is_loopback(std::string_view host) {
  std::string name{host};
  if (name.size() > 2 && name.front() == '[')
    name = name.substr(1, name.size() - 2);
  in_addr v4{};
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1)
    return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, name.c_str(), &v6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&v6);
  return host_name(name) == "localhost";
}

namespace {

// "host:port" of "https://host:port/path".
std::string_view host_of_url(std::string_view url) {
  if (auto scheme = url.find("://"); scheme != url.npos)
    url.remove_prefix(scheme + 3);
  return url.substr(0, url.find('/'));
}

} // namespace

bool host_allowed(std::string_view host_field, const server_config& settings) {
  auto name = host_name(host_field);
  if (name.empty())
    return false;
  if (name == "localhost" || name == "127.0.0.1" || name == "[::1]")
    return true;
  auto listens_on = settings.host.find(':') != std::string::npos && settings.host.front() != '[' //
    ? "[" + settings.host + "]"
    : settings.host;
  if (name == host_name(listens_on) || (is_wildcard(settings.host) && is_ip_literal(name)))
    return true;
  if (!settings.public_url.empty() && name == host_name(host_of_url(settings.public_url)))
    return true;
  return std::any_of(settings.allowed_hosts.begin(), settings.allowed_hosts.end(),
                     [&](const auto& allowed) { return host_name(allowed) == name; });
}

std::optional<guard_refusal> check_request(const received_request& request, const server_config& settings) {
  auto host = request.header("host");
  // Only HTTP/1.0 gets here without a Host, and no browser sends that.
  if (request.has_header("host") && !host_allowed(host, settings))
    return guard_refusal{421,
                         "This server does not answer to that host name. If it should, add the name to "
                         "server.allowed_hosts in the configuration."};
  constexpr auto foreign = "The request comes from another site's page. Open this server's own page and try again.";
  auto site = request.header("sec-fetch-site");
  bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && is_open_asset(request.path()))
    return std::nullopt;
  bool navigation = reads && request.header("sec-fetch-mode") == "navigate";
  if (request.has_header("sec-fetch-site") && site != "same-origin" && site != "none" && !navigation)
    return guard_refusal{403, foreign};
  // Browsers send Origin with everything that changes state, and with cross-origin reads by scripts.
  if (request.has_header("origin") && !same_origin(request.header("origin"), host))
    return guard_refusal{403, foreign};
  return std::nullopt;
}

bool over_https(const received_request& request) {
  return request.https || request.header("origin").starts_with("https://");
}

std::string cookie_field(std::string_view name, std::string_view value, std::optional<int64_t> age_s, bool secure) {
  auto result = std::string{name} + "=" + std::string{value} + "; Path=/; HttpOnly; SameSite=Lax";
  if (secure)
    result += "; Secure";
  if (age_s)
    result += "; Max-Age=" + std::to_string(*age_s);
  return result;
}

} // namespace varro
