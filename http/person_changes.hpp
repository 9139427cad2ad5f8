// What admins change of people, and the links that they make, however they ask: by a page or by a program. Each is in
// the audit. Any worker.
#pragma once

#include "http/application.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

// Does what the word says: "disable", "enable", "make-admin", "make-user", "end-sessions" or "revoke-tokens". What ends
// with that (event streams, runs, shells) ends at once. Else why not: 404 for another word, 422 where no admin would be
// left who can log in, or where the login says the role.
std::optional<refused_request> change_user_as(application& app, const received_request& request, const visitor& who,
                                              const user_record& user, std::string_view word);

// Erases the user; 422 for the last admin who can log in.
std::optional<refused_request> erase_user_as(application& app, const received_request& request, const visitor& who,
                                             const user_record& user);

// A link that was made; the address is nowhere else.
struct link_address {
  std::string url;
  link_record link;
  std::chrono::hours lasts{};
};
// For another password of this user; 422 for a disabled one.
or_refused<link_address> make_reset_link(application& app, const received_request& request, const visitor& who,
                                         const user_record& user);
// For one further account with this role; 422 for a role that is none, or where nobody may join.
or_refused<link_address> make_invitation_link(application& app, const received_request& request, const visitor& who,
                                              const std::string& role);
// By the hash of its token; 404 for one that cannot be used any more.
std::optional<refused_request> revoke_link(application& app, const received_request& request, const visitor& who,
                                           const std::string& hash);

inline constexpr auto nobody_may_join
  = "Nobody may join: auth.sign_up is \"closed\" in the configuration. With \"invitation\" links work.";

} // namespace varro
