// Statements about users, their logins and links, of which storage/sqlite/ makes transactions. Internal to it.
//
// REQUIRES for all that change something: an open transaction, which the caller rolls back after an error.
#pragma once

#include "storage/identity.hpp"
#include "storage/login_way.hpp"
#include "storage/records.hpp"
#include "storage/sqlite/connection.hpp"

namespace varro {

// The name of the local user, who has no password unless somebody gave them one.
inline constexpr auto local_user_name = "local";

caf::error no_such_user(std::string_view name);

// REQUIRES: id, name, password_hash, disabled, created_at, role, issuer from column `first` on.
user_record user_from(const statement& row, int first = 0);

// Taken: errc::invalid_input. The id.
caf::expected<int64_t> insert_user(connection& db, std::string_view name, std::string_view password_hash,
                                   std::string_view role, unix_us created_at);

// Somebody whom an issuer vouches for; errors are those of identity_seen.

// Drops what has expired by its making, and what is beyond user_logins_max. errc::not_found: no such user.
caf::error insert_login(connection& db, const login_record& login);

caf::error drop_expired(connection& db, unix_us now); // logins, tokens and links of anybody
caf::error drop_links_of(connection& db, int64_t user_id);
caf::error drop_tokens_of(connection& db, int64_t user_id);
caf::error drop_logins_of(connection& db, int64_t user_id, std::string_view kept_token_hash = {});

// The link, if it can be used at `now`; errc::not_found.
caf::expected<link_found> usable_link(connection& db, std::string_view token_hash, unix_us now);

// Enabled admins who can log in by this way, so not the local user.
caf::expected<int64_t> count_admins(connection& db, const login_way& way = {});

} // namespace varro
