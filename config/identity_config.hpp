// Who visitors are where somebody else asks them: a proxy in front of the server, or a provider of OpenID Connect.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace varro {

// What is made of groups and roles that others tell.
struct claim_rules {
  std::vector<std::string> admin_values;   // groups or roles that make an admin; nobody becomes one by login when empty
  std::vector<std::string> allowed_groups; // who is in none of these is refused; empty: everybody is let in
};

// --auth proxy: header fields, believed from server.trusted_proxies alone.
struct proxy_config {
  std::string user_header = "X-Forwarded-User";
  std::string mail_header;   // empty: none is read
  std::string groups_header; // empty: groups are the server's own
  std::string groups_separator = ",";
  std::string logout_url; // where "Log out" leads; empty: there is no such button
  claim_rules claims;
};

// --auth oidc.
struct oidc_config {
  std::string issuer; // exactly as in its tokens; its /.well-known/openid-configuration is read
  std::string client_id;
  std::string client_secret;    // secret
  std::string label = "Log in"; // of the button
  std::vector<std::string> scopes{"openid", "profile", "email"};
  // Where in the claims: names, or paths such as "realm_access.roles".
  std::string name_claim = "preferred_username";
  std::string mail_claim = "email";
  std::string groups_claim; // empty: groups are the server's own
  std::string role_claim;   // empty: roles are the server's own
  claim_rules claims;
  std::vector<std::string> algorithms{"RS256", "PS256", "ES256"}; // of signatures
  std::chrono::seconds clock_skew{60};
  std::chrono::seconds recheck{60};              // so soon somebody who lost access at the provider is out
  std::chrono::milliseconds request_max{10'000}; // of one request to the provider
};

} // namespace varro
