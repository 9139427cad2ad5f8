// Whether what is configured about a provider of OpenID Connect can be used. Pure functions, any thread.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace varro {

// An address that a provider may be asked at: https://, or http:// on loopback, where nobody listens in between;
// without a user, white space, control characters or a backslash.
bool is_provider_url(std::string_view url);

// The signatures that can be checked, all of them by a provider's public key: RS, PS and ES with 256, 384 or 512.
bool is_signature_algorithm(std::string_view name);

struct oidc_problem {
  std::string path; // of the key that it is about
  std::string what;
};

// What is wrong with settings.oidc, or missing besides, where the mode is oidc.
std::optional<oidc_problem> problem_of_oidc(const config& settings);

// Where the client's secret comes from (secrets.hpp).
inline constexpr std::string_view oidc_secret_variable = "VARRO_OIDC_CLIENT_SECRET";
inline constexpr std::string_view oidc_secret_file_variable = "VARRO_OIDC_CLIENT_SECRET_FILE";

} // namespace varro
