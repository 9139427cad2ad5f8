#include "config/oidc_checks.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

// "localhost", 127.…, [::1], with a port or without.
bool is_on_loopback(std::string_view authority) {
  constexpr std::string_view six = "[::1]";
  const auto end = authority.starts_with(six) ? six.size() : std::min(authority.find(':'), authority.size());
  const auto host = authority.substr(0, end);
  const auto port = authority.substr(end);
  if (!port.empty() && (port.front() != ':' || port.find_first_not_of("0123456789", 1) != std::string_view::npos))
    return false;
  const bool is_four = host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == six || host == "localhost" || is_four;
}

bool is_local_host(std::string_view host) {
  return host == "::1" || is_on_loopback(host);
}

bool may_stand_in_a_url(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && c != '\\' && c != '"' && c != '<' && c != '>';
}

} // namespace

bool is_provider_url(std::string_view url) {
  if (!std::all_of(url.begin(), url.end(), may_stand_in_a_url))
    return false;
  const bool https = url.starts_with("https://");
  if (!https && !url.starts_with("http://"))
    return false;
  auto authority = url.substr(https ? 8 : 7);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (authority.empty() || authority.find('@') != std::string_view::npos)
    return false;
  return https || is_on_loopback(authority);
}

bool is_signature_algorithm(std::string_view name) {
  constexpr std::array<std::string_view, 9> known{"RS256", "RS384", "RS512", "PS256", "PS384",
                                                  "PS512", "ES256", "ES384", "ES512"};
  return std::find(known.begin(), known.end(), name) != known.end();
}

std::optional<oidc_problem> problem_of_oidc(const config& settings) {
  const auto& oidc = settings.oidc;
  if (settings.auth.mode != auth_mode::oidc)
    return std::nullopt;
  if (oidc.issuer.empty())
    return oidc_problem{"oidc.issuer", "is missing; it is the address that the provider's tokens have as \"iss\""};
  if (!is_provider_url(oidc.issuer) || oidc.issuer.find_first_of("?#") != std::string::npos)
    return oidc_problem{"oidc.issuer", "expected https:// and a host, or http:// on this machine, got " + oidc.issuer};
  if (oidc.client_id.empty())
    return oidc_problem{"oidc.client_id", "is missing; the provider gives one to each program that asks it"};
  if (std::find(oidc.scopes.begin(), oidc.scopes.end(), "openid") == oidc.scopes.end())
    return oidc_problem{"oidc.scopes", "\"openid\" has to be among them"};
  for (const auto& name : oidc.algorithms)
    if (!is_signature_algorithm(name))
      return oidc_problem{"oidc.algorithms",
                          name + " is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512"};
  if (!oidc.claims.allowed_groups.empty() && oidc.groups_claim.empty())
    return oidc_problem{"oidc.allowed_groups", "needs oidc.groups_claim: else nobody would be in any of them"};
  if (!oidc.claims.admin_values.empty() && oidc.groups_claim.empty() && oidc.role_claim.empty())
    return oidc_problem{"oidc.admin_values", "needs oidc.role_claim or oidc.groups_claim: else nobody would have any"};
  if (settings.server.public_url.empty() && !is_local_host(settings.server.host))
    return oidc_problem{"server.public_url",
                        "is missing; the provider sends browsers back to it, such as \"https://varro.example.org\""};
  return std::nullopt;
}

} // namespace varro
