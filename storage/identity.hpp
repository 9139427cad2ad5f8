// Users for whom somebody else vouches (a proxy, a provider of OpenID Connect), and groups, as values.
//
// A name of a group has the form of a user's (normalised_user_name, accounts/accounts.hpp). A membership comes from
// `varro group`, or from the last login; one does not touch the other.
#pragma once

#include "storage/audit.hpp"
#include "storage/records.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace varro {

// Who vouches for a user, and the user's name there that never changes. Together they are one user here.
struct identity_key {
  std::string issuer;
  std::string subject; // not empty
};

// Somebody whom an issuer vouches for is here. The first time this makes an account. errc::unauthorized: the account is
// disabled; errc::limit_reached: there are `users_max`; errc::invalid_input: no subject.
struct identity_seen {
  identity_key key;
  std::string name; // that a new account gets, normalised; where it is taken, one like it: nobody takes over an account
                    // by what they are called elsewhere
  std::string mail;
  std::vector<std::string> groups; // normalised, each once; replace those of the login before
  std::optional<std::string> role; // nothing: stays as it is, user_role::user for a new account
  unix_us at = 0;
  int64_t users_max = 0;
  // A login of this user, whose user_id this fills in. One whose token_hash begins with identity_login_prefix replaces
  // the others of this kind, and goes on with their csrf.
  std::optional<login_record> login;
  audit_origin by = {};
};

// Somebody whom an issuer vouches for may not enter any more: their logins end. That there is no such user is no error.
struct identity_refused {
  identity_key key;
  audit_origin by = {};
};

// Logins that no cookie stands for, since each request says again who sends it: their token_hash is this and a digest
// of what was said. It is no digest of any token.
inline constexpr auto identity_login_prefix = "identity:";

// legal values of group_membership::source
namespace group_source {
inline constexpr auto local = "local"; // `varro group add`
inline constexpr auto login = "login"; // the issuer said so
} // namespace group_source

struct group_membership {
  std::string group;
  std::string user;
  std::string source;
};

} // namespace varro
