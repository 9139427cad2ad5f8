// Who somebody is, as a proxy or a provider of OpenID Connect tells it, and what is made of that. Pure functions, any
// thread.
//
// Rules (config/identity_config.hpp) are compared with groups and roles exactly as they are told. What is stored of
// groups are names of the form that users' names have; others count for the rules and are not stored, because two of
// them must never become one.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"
#include "storage/identity.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Of what is told of one person. The standard of OpenID Connect allows 255 bytes of a subject.
inline constexpr size_t identity_issuer_bytes_max = 500;
inline constexpr size_t identity_subject_bytes_max = 255;
inline constexpr size_t identity_mail_bytes_max = 320;

struct identity {
  std::string issuer;              // "proxy", or that of the provider's tokens
  std::string subject;             // never changes and is nobody else's there
  std::string name;                // for a new account: anything; it need not be unique
  std::string mail;                // empty: not told
  std::vector<std::string> groups; // as told
  std::optional<std::string> role; // user_role::…; nothing: the server's own
};

// The parts between separators without spaces around them, empty ones left out. An empty separator separates nothing.
std::vector<std::string> split_claim(std::string_view text, std::string_view separator);

// What these groups and roles make of somebody; nothing where no rule says who is an admin.
std::optional<std::string> role_by(const claim_rules& rules, const std::vector<std::string>& groups_and_roles);

bool is_let_in(const claim_rules& rules, const std::vector<std::string>& groups);

// The name that a new account gets, if it is free: other characters than those of a user's name become '-'.
// "Ada Lovelace" → "ada-lovelace"; "user" where nothing is left.
std::string account_name_for(std::string_view told);

// Those that can be stored, in order, each once, at most user_groups_max.
std::vector<std::string> stored_groups(const std::vector<std::string>& told);

// What is written when this person comes in. errc::unauthorized: the rules let them not in; errc::invalid_input: what
// is told of them is too long, no UTF-8, or has control characters.
caf::expected<identity_seen> seen_of(const identity& who, const claim_rules& rules, const auth_config& limits);

// token_hash of the login of somebody whom each request names again: another one as soon as anything is told otherwise.
std::string identity_login(const identity_seen& seen);

} // namespace varro
