// What admins do with the accounts of others, and providers with those of whom they vouch for, as parts of a
// transaction: an overload for each of these alternatives of account_write. Internal to storage/sqlite/.
//
// REQUIRES for all: an open transaction, which the caller rolls back after an error. Errors are those of the write.
#pragma once

#include "storage/sqlite/audit_rows.hpp"
#include "storage/store_write.hpp"

namespace varro {

caf::expected<audit_note> write_one(connection& db, const user_state_set& write);
caf::expected<audit_note> write_one(connection& db, const user_role_set& write);
caf::expected<audit_note> set_user_password(connection& db, std::string_view name, std::string_view password_hash);
caf::expected<audit_note> write_one(connection& db, const user_logins_ended& write);
caf::expected<audit_note> write_one(connection& db, const user_tokens_revoked& write);
caf::expected<audit_note> write_one(connection& db, const link_made& write);
caf::expected<audit_note> write_one(connection& db, const link_revoked& write);
caf::expected<audit_note> write_one(connection& db, const user_erased& write); // erasures.cpp
// limits.cpp
caf::expected<audit_note> write_one(connection& db, const limit_written& write);
caf::expected<audit_note> write_one(connection& db, const limit_removed& write);

// Of users for whom somebody else vouches. id 0: nobody of these was here.
caf::expected<audit_person> person_of(connection& db, const identity_key& key);
caf::expected<audit_note> write_one(connection& db, const identity_seen& seen);
caf::expected<audit_note> write_one(connection& db, const identity_refused& refused);

// Of logins at a provider of OpenID Connect.
caf::expected<audit_note> write_one(connection& db, const oidc_login_begun& begun);
caf::expected<audit_note> write_one(connection& db, const oidc_login_checked& checked);
caf::expected<audit_note> write_one(connection& db, const oidc_login_ended& ended);
caf::expected<audit_note> write_one(connection& db, const foreign_logins_ended& ended);

// Of chats that nobody uses (retention.cpp).
caf::expected<audit_note> write_one(connection& db, const chat_seen& write);
caf::expected<audit_note> write_one(connection& db, const chat_retired& write);

// As the audit calls them: nothing that opens anything.
std::string session_name(std::string_view token_hash); // "session 1a2b3c4d"
std::string link_name(const link_record& link);        // "invitation 1a2b3c4d"

} // namespace varro
