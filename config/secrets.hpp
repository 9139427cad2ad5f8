// Secrets that are not in the file, which is easily shared: each comes from an environment variable, or out of a file
// that a second one names. Pure functions but for reading that file; any thread.
#pragma once

#include "base/errors.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace varro {

struct secret_names {
  std::string_view key;           // "oidc.client_secret": what is refused in the file, and how it is shown
  std::string_view variable;      // that holds it
  std::string_view file_variable; // that names a file which holds nothing else
};

inline constexpr size_t secret_bytes_max = 2'000;

// All there are, besides the keys of providers.
std::span<const secret_names> all_secrets();

// Null where the key is no secret.
const secret_names* secret_of_key(std::string_view key);
bool is_secret_variable(std::string_view variable);

// The secret of one of these; empty: neither variable is set. errc::config_invalid: both are, or what they hold is no
// secret, which is one line of at most secret_bytes_max visible ASCII characters.
caf::expected<std::string> read_secret(const secret_names& names,
                                       const std::map<std::string, std::string>& environment);

} // namespace varro
