// What a provider's claims say of a person, by the names of the configuration. Pure functions, any thread.
#pragma once

#include "accounts/identity.hpp"
#include "base/errors.hpp"
#include "base/json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace varro {

inline constexpr size_t claim_values_max = 1'000; // groups or roles of one person; more is as if they did not fit
inline constexpr size_t claim_value_bytes_max = 255;

// What stands under a name of the configuration: the member that is called exactly so ("https://example.com/roles"),
// else, split at dots, one inside the other ("realm_access.roles"). "\." is a dot that belongs to a name. Null:
// nothing.
const json* claim_at(const json& claims, std::string_view path);

struct claim_texts {
  enum class outcome {
    told,
    missing,    // nothing is there, or null
    overflowed, // there are more than fit: the claims name another place that has them (_claim_names)
    malformed,  // it is neither a list of texts, nor a text, nor an object of objects
  };
  outcome what = outcome::missing;
  std::vector<std::string> values; // only where they are told; each once
};

// A list of texts; a text, which is cut at its commas, or where it has none at white space; or an object, whose
// members' names are meant where all members are objects.
claim_texts texts_at(const json& claims, std::string_view path);

// Who somebody is, as the claims tell it.
struct claimed_identity {
  identity who;        // its name: the configured claim, else the mail, else the subject; a mail that is said to be
                       // unverified is not told
  std::string problem; // what is wrong with groups or role, in words for whoever looks after the server; or empty
};
claimed_identity identity_of(const json& claims, const oidc_config& settings);

// What is written when this person comes in, and errors, as of seen_of (identity.hpp). Where groups could not be read
// and for that somebody is not let in, the error says it.
caf::expected<identity_seen> seen_of(const claimed_identity& who, const claim_rules& rules, const auth_config& limits);

// Whether one of the claims that the configuration names is not there: the provider's userinfo may have it.
bool lacks_claims(const json& claims, const oidc_config& settings);

} // namespace varro
