// What a provider of OpenID Connect tells about itself (OpenID Connect Discovery 1.0). Pure functions, any thread.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"

#include <string>
#include <string_view>

namespace varro {

// Addresses that passed is_provider_url(); those that may be missing are empty then.
struct oidc_endpoints {
  std::string authorization;
  std::string token;
  std::string keys;
  std::string userinfo;        // may be missing
  std::string introspection;   // may be missing
  std::string end_session;     // may be missing
  bool tells_issuer = false;   // with each redirect back (RFC 9207): one without it is refused
  bool secret_in_body = false; // client_secret_post, where the provider does not take client_secret_basic
};

// Where the document of an issuer is.
std::string discovery_address(std::string_view issuer);

// Reads it. errc::model_malformed: it is none, is that of another issuer, or its provider cannot do what is needed: the
// authorization code flow, PKCE with S256, and one of the signatures that are allowed.
caf::expected<oidc_endpoints> read_discovery(std::string_view document, const oidc_config& settings);

} // namespace varro
