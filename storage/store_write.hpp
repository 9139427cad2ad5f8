// What can be written to the database while the server runs, as values: one of these is all or nothing, with what the
// audit tells of it. `by`: who does it, and from where.
#pragma once

#include "storage/audit.hpp"
#include "storage/identity.hpp"
#include "storage/limit_book.hpp"
#include "storage/login_way.hpp"
#include "storage/oidc_login.hpp"
#include "storage/records.hpp"
#include "storage/retention.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace varro {

// errc::not_found where the chat is not there or is another user's.
struct chat_renamed {
  int64_t user_id = 0;
  int64_t chat_id = 0;
  std::string title;
};

// With everything that belongs to the chat in the database; errc::not_found as for chat_renamed.
struct chat_deleted {
  int64_t user_id = 0;
  int64_t chat_id = 0;
  audit_origin by = {};
};

// What the chat's workspace held when it was measured last. A chat that is gone is no error.
struct workspace_measured {
  int64_t user_id = 0;
  int64_t chat_id = 0;
  int64_t bytes = 0;
};

// The same of its earlier files.
struct versions_measured {
  int64_t user_id = 0;
  int64_t chat_id = 0;
  int64_t bytes = 0;
};

// What was used without a message, or whose message others wrote. Its chat may be gone.
struct usage_noted {
  std::vector<usage_row> rows;
};

// The user uploads so many bytes: they are added to those of the day, before the files are stored. errc::too_large, and
// nothing is added, where the day would have more than `most`.
struct upload_counted {
  int64_t user_id = 0;
  unix_us at = 0;
  int64_t bytes = 0;
  int64_t most = 0; // 0: no limit
};

// Somebody logged out. A login that is gone is no error.
struct login_dropped {
  std::string token_hash;
  audit_origin by = {};
};

// A browser session is used. One with an oidc_login lasts no longer for that. One that is gone or over is no error, nor
// one whose use was written less than login_use_step before.
struct login_used {
  std::string token_hash;
  unix_us at = 0;
  unix_us expires_at = 0; // unless it is used before; never after login_record::ends_at
};

// A user ends one of their own browser sessions. One that is gone or another user's is no error, and stays.
struct login_ended {
  int64_t user_id = 0;
  std::string token_hash;
  audit_origin by = {};
};

// A user ends all of their browser sessions but this one.
struct other_logins_ended {
  int64_t user_id = 0;
  std::string kept_token_hash;
  audit_origin by = {};
};

// Who knows the present password chose another one: it ends all browser sessions but this one. errc::not_found where
// the password is not any more the one that was looked at, or the user is disabled.
struct password_changed {
  int64_t user_id = 0;
  std::string former_hash;
  std::string password_hash;
  std::string kept_token_hash;
  audit_origin by = {};
};

// Somebody makes an account and is logged in with it. errc::not_found where the link cannot be used, any more or at
// all; errc::invalid_input where the name is taken, and errc::limit_reached where there are `users_max`: the link can
// then be used again.
struct user_joined {
  std::string link_hash; // is used up by this; empty: without a link, with the role user_role::user
  std::string name;
  std::string password_hash;
  login_record login; // of the user that this makes
  int64_t users_max = 0;
  audit_origin by = {};
};

// Somebody with a link chose another password: it ends all of the user's browser sessions. errc::not_found where the
// link cannot be used.
struct password_reset {
  std::string link_hash; // is used up by this
  std::string password_hash;
  unix_us at = 0;
  audit_origin by = {};
};

// legal values of login_refused::reason
namespace refusal_reason {
inline constexpr auto wrong_password = "the password is wrong";
inline constexpr auto unknown_name
  = "nobody has this name"; // which is not told: it may be a password in the wrong field
inline constexpr auto disabled = "the user is disabled";
inline constexpr auto too_many = "too many attempts";
// At a provider of OpenID Connect. What it said goes to the log alone.
inline constexpr auto provider_refused = "the login provider let nobody in";
inline constexpr auto provider_distrusted = "the login provider refused the code, or its answer is not to be believed";
inline constexpr auto not_allowed = "the groups that may come in are others, or could not be read";
inline constexpr auto foreign_token = "a token of a user who cannot log in by auth.mode";
} // namespace refusal_reason

// Somebody could not log in. Changes nothing; for the audit.
struct login_refused {
  audit_person user; // whose name was typed; 0 and empty: nobody's
  std::string reason;
  int64_t unwritten = 0; // refused before, since the last one that was written (refusal_notes.hpp)
  audit_origin by = {};
  identity_key identity = {}; // whom an issuer vouched for, in the place of `user`; without a subject: nobody
};

// An admin disables a user, which ends their browser sessions, tokens and links, or enables them. Here and below
// errc::not_found where there is no such user, and errc::invalid_input where no enabled admin would be left who can log
// in by `way`.
struct user_state_set {
  std::string name;
  bool disabled = false;
  audit_origin by = {};
  login_way way = {};
};

struct user_role_set {
  std::string name;
  std::string role;
  audit_origin by = {};
  login_way way = {};
};

// An admin ends all browser sessions of a user.
struct user_logins_ended {
  std::string name;
  audit_origin by = {};
};

// An admin revokes all tokens of a user's programs.
struct user_tokens_revoked {
  std::string name;
  audit_origin by = {};
};

// An admin erases a user (erasures.hpp); errors are those of erasure_book::begin_erasure. One that is under way is no
// error.
struct user_erased {
  std::string name;
  unix_us at = 0;
  audit_origin by = {};
  login_way way = {}; // of those who can log in by it, the last admin stays
};

// errc::limit_reached as of chat_database::put_link.
struct link_made {
  link_record link;
  audit_origin by = {};
};

// errc::not_found where it was used, has expired or was revoked.
struct link_revoked {
  std::string token_hash;
  audit_origin by = {};
};

// A limit of a user, a group or everybody is set, or replaced. errc::not_found where there is no such user. REQUIRES:
// the value is one of this limit.
struct limit_written {
  limit_row limit;
  audit_origin by = {};
};

// errc::not_found where it was not set.
struct limit_removed {
  limit_row limit; // without its value
  audit_origin by = {};
};

// What changes nothing in the database.
struct audit_noted {
  audit_event event;
  audit_origin by = {};
};

// What is done with accounts. What the audit tells of an alternative, its write_one says (sqlite/logins.cpp,
// sqlite/account_writes.cpp): one that does not say so does not compile.
using account_write
  = std::variant<login_used, login_ended, other_logins_ended, password_changed, user_joined, password_reset,
                 login_refused, user_state_set, user_role_set, user_logins_ended, user_tokens_revoked, link_made,
                 link_revoked, audit_noted, identity_seen, identity_refused, oidc_login_begun, oidc_login_checked,
                 oidc_login_ended, foreign_logins_ended, chat_seen, chat_retired, user_erased, limit_written,
                 limit_removed>;

// A login_record is a new login; those of anybody that have expired when it was made go with it. errc::not_found where
// there is no such user.
using store_write = std::variant<write_batch, chat_renamed, chat_deleted, workspace_measured, versions_measured,
                                 usage_noted, upload_counted, login_record, login_dropped, account_write>;

} // namespace varro
