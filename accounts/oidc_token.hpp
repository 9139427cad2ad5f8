// What the claims of a provider's tokens have to say before they are believed, once the signature is (oidc_keys.hpp).
// Pure functions, any thread.
//
// All errors are errc::unauthorized with a reason that names no claim's value.
#pragma once

#include "base/clock.hpp"
#include "base/errors.hpp"
#include "base/json.hpp"
#include "config/config.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

inline constexpr size_t oidc_subject_bytes_max = 255;

// How old a logout token may be, with oidc.clock_skew: for so long its id is remembered.
inline constexpr std::chrono::seconds logout_token_age_max{600};

// An ID token (OpenID Connect Core, 3.1.3.7).
struct id_token_rules {
  std::string nonce;   // of the login; empty: it came with a refresh, which has none
  std::string subject; // whose it has to be; empty: anybody's
  unix_us now = 0;
};
caf::error check_id_token(const json& claims, const oidc_config& settings, const id_token_rules& rules);

// Whether `at_hash`, where the claims have one, is that of this access token. `algorithm`: of the token's signature.
caf::error check_access_token(const json& claims, std::string_view algorithm, std::string_view access_token);

// A logout token (OpenID Connect Back-Channel Logout, 2.6), but for whether its id was seen before.
struct logout_order {
  std::string id;
  std::string subject; // one of both is there
  std::string session;
  unix_us remember_until = 0; // the id
};
caf::expected<logout_order> read_logout_token(const json& claims, const oidc_config& settings, unix_us now);

// The member, where it is a text; else empty.
std::string text_of_claim(const json& claims, std::string_view name);

} // namespace varro
