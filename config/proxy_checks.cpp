#include "config/proxy_checks.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace varro {

namespace {

// Letters, digits and '-'. Without '_': programs in between take X_User and X-User for one (CGI, WSGI), or drop it.
bool is_field_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::optional<key_problem> header_problem(const proxy_config& proxy) {
  std::vector<std::string> seen;
  for (auto [path, name] : {std::pair<std::string_view, const std::string&>{"proxy.user_header", proxy.user_header},
                            {"proxy.mail_header", proxy.mail_header},
                            {"proxy.groups_header", proxy.groups_header}}) {
    if (name.empty() && path != "proxy.user_header")
      continue;
    if (!is_field_name(name))
      return key_problem{path, "expected the name of a header field, of letters, digits and -, got \"" + name + "\""};
    auto lower = ascii_lower(name);
    if (std::find(seen.begin(), seen.end(), lower) != seen.end())
      return key_problem{path, name + " is the field of another setting already"};
    seen.push_back(std::move(lower));
  }
  return std::nullopt;
}

} // namespace

std::vector<address_range> ranges_of(const std::vector<std::string>& texts) {
  std::vector<address_range> ranges;
  for (const auto& text : texts)
    if (auto range = parse_range(text))
      ranges.push_back(*range);
  return ranges;
}

std::vector<address_range> trusted_ranges(const server_config& settings) {
  return ranges_of(settings.trusted_proxies);
}

std::optional<key_problem> proxy_problem(const config& settings) {
  for (const auto& text : settings.server.trusted_proxies)
    if (auto range = parse_range(text); !range)
      return key_problem{"server.trusted_proxies", text_of(range.error())};
  if (settings.auth.mode != auth_mode::proxy)
    return std::nullopt;
  const auto& proxy = settings.proxy;
  if (settings.server.trusted_proxies.empty())
    return key_problem{"server.trusted_proxies",
                       "is empty, and --auth proxy believes these addresses only; name that of the proxy"};
  if (auto problem = header_problem(proxy))
    return problem;
  for (auto [path, rule] :
       {std::pair<std::string_view, const std::vector<std::string>&>{"proxy.admin_values", proxy.claims.admin_values},
        {"proxy.allowed_groups", proxy.claims.allowed_groups}})
    if (!rule.empty() && proxy.groups_header.empty())
      return key_problem{path, "needs proxy.groups_header, which says in which field the groups are"};
  const auto& out = proxy.logout_url;
  if (!out.empty() && !out.starts_with("/") && !out.starts_with("https://") && !out.starts_with("http://"))
    return key_problem{"proxy.logout_url", "expected a path, http:// or https://, got " + out};
  return std::nullopt;
}

} // namespace varro
