// Who did what, as the audit is told of it. Values.
//
// A row of the audit is written in the transaction of what it tells of, and stays (audit_chain.hpp).
#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

// legal values of audit_origin::way
namespace audit_way {
inline constexpr auto browser = "browser";
inline constexpr auto command_line = "command line"; // on the machine, with access to the data directory
inline constexpr auto token = "token";               // of the API
inline constexpr auto server = "server";             // nobody asked for it at that moment
} // namespace audit_way

// By whom and from where something is done.
struct audit_origin {
  int64_t user_id = 0;   // 0: no user of this server
  std::string name = {}; // of that user, or of the machine's user whose command it was; may be empty
  std::string way = audit_way::server;
  std::string address = {}; // numeric, of the browser or program; empty where there is none
};

// audit_event::action: what was done. Names stay as they are: they are in chains of years ago.
namespace audit_action {
inline constexpr auto login = "login";
inline constexpr auto login_refused = "login.refused";
inline constexpr auto logout = "logout";
inline constexpr auto session_ended = "session.ended";
inline constexpr auto sessions_ended = "sessions.ended";
inline constexpr auto password_changed = "password.changed"; // by who knows the present one
inline constexpr auto password_reset = "password.reset";     // by a link
inline constexpr auto password_set = "password.set";         // by an admin
inline constexpr auto user_added = "user.added";
inline constexpr auto user_joined = "user.joined";
inline constexpr auto user_disabled = "user.disabled";
inline constexpr auto user_enabled = "user.enabled";
inline constexpr auto user_role = "user.role";
inline constexpr auto group_entered = "group.entered"; // by `varro group add`
inline constexpr auto group_left = "group.left";
inline constexpr auto limit_set = "limit.set"; // by `varro limit`, or an admin of the API
inline constexpr auto limit_cleared = "limit.cleared";
inline constexpr auto config_reloaded = "config.reloaded"; // which keys: never their values
inline constexpr auto link_made = "link.made";
inline constexpr auto link_revoked = "link.revoked";
inline constexpr auto token_made = "token.made";
inline constexpr auto token_revoked = "token.revoked";
inline constexpr auto tokens_revoked = "tokens.revoked"; // all of a user, by an admin
inline constexpr auto chat_deleted = "chat.deleted";
inline constexpr auto work_stopped = "work.stopped"; // a run or shell, by an admin
inline constexpr auto admin_read = "admin.read";     // an admin looked at what others do
} // namespace audit_action

// What somebody or something is called in the audit. Names of users and addresses stand beside the chain, so that they
// can be forgotten without breaking it: then `id` is what is left.
struct audit_person {
  int64_t id = 0; // of the user; 0: of none
  std::string name = {};
};

// One thing that was done.
struct audit_event {
  std::string action;
  audit_person person = {};               // the user whom it is about, if it is one
  std::string subject = {};               // else what it is about: "chat 42", "invitation 1a2b3c4d"; at most
                                          // audit_subject_bytes_max
  std::string details = "{}";             // a JSON object; at most audit_details_bytes_max; nothing secret
  std::optional<audit_person> actor = {}; // who did it, where that is found out in the transaction only
};

} // namespace varro
