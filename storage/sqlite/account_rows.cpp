#include "storage/sqlite/account_rows.hpp"

#include "base/utf8.hpp"
#include "storage/limits.hpp"

#include <sqlite3.h>

namespace varro {

caf::error no_such_user(std::string_view name) {
  return fail(errc::not_found, "there is no user \"" + std::string{name} + "\"");
}

user_record user_from(const statement& row, int first) {
  return {row.integer(first),     row.text(first + 1), row.text(first + 2), row.integer(first + 3) != 0,
          row.integer(first + 4), row.text(first + 5), row.text(first + 6)};
}

caf::expected<int64_t> insert_user(connection& db, std::string_view name, std::string_view password_hash,
                                   std::string_view role, unix_us created_at) {
  if (name.empty())
    return fail(errc::invalid_input, "a user needs a name");
  auto insert = db.use("INSERT INTO users(name, password_hash, created_at, role) VALUES (?1, ?2, ?3, ?4)");
  auto failed = insert.bind(name).bind(password_hash).bind(created_at).bind(role).run();
  if (failed && insert.code() == SQLITE_CONSTRAINT_UNIQUE)
    return fail(errc::invalid_input, "the name \"" + std::string{name} + "\" is taken");
  if (failed)
    return failed;
  return sqlite3_last_insert_rowid(db.native());
}

caf::error insert_login(connection& db, const login_record& login) {
  if (auto err = drop_expired(db, login.created_at))
    return err;
  auto insert = db.use("INSERT INTO logins(token_hash, user_id, csrf, created_at, expires_at, last_used_at, ends_at,"
                       " address, agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  insert.bind(login.token_hash).bind(login.user_id).bind(login.csrf).bind(login.created_at).bind(login.expires_at);
  insert.bind(login.last_used_at == 0 ? login.created_at : login.last_used_at);
  insert.bind(login.ends_at == 0 ? login.expires_at : login.ends_at);
  insert.bind(login.address).bind(clip_utf8(login.agent, login_agent_bytes_max));
  auto err = insert.run();
  if (err && insert.code() == SQLITE_CONSTRAINT_FOREIGNKEY)
    return fail(errc::not_found, "there is no user " + std::to_string(login.user_id));
  if (err)
    return err;
  auto surplus = db.use("DELETE FROM logins WHERE user_id = ?1 AND token_hash NOT IN (SELECT token_hash FROM logins"
                        " WHERE user_id = ?1 ORDER BY token_hash = ?2 DESC, last_used_at DESC LIMIT ?3)");
  return surplus.bind(login.user_id).bind(login.token_hash).bind(int64_t{user_logins_max}).run();
}

caf::error drop_expired(connection& db, unix_us now) {
  if (auto err = db.use("DELETE FROM logins WHERE expires_at <= ?1").bind(now).run())
    return err;
  if (auto err = db.use("DELETE FROM tokens WHERE expires_at <= ?1").bind(now).run())
    return err;
  return db.use("DELETE FROM links WHERE expires_at <= ?1").bind(now).run();
}

caf::error drop_links_of(connection& db, int64_t user_id) {
  return db.use("DELETE FROM links WHERE user_id = ?1").bind(user_id).run();
}

caf::error drop_tokens_of(connection& db, int64_t user_id) {
  return db.use("DELETE FROM tokens WHERE user_id = ?1").bind(user_id).run();
}

caf::error drop_logins_of(connection& db, int64_t user_id, std::string_view kept_token_hash) {
  auto drop = db.use("DELETE FROM logins WHERE user_id = ?1 AND token_hash <> ?2");
  return drop.bind(user_id).bind(kept_token_hash).run();
}

caf::expected<link_found> usable_link(connection& db, std::string_view token_hash, unix_us now) {
  auto query = db.use("SELECT token_hash, purpose, links.role, coalesce(user_id, 0), links.created_at, expires_at,"
                      " coalesce(name, '') FROM links LEFT JOIN users ON users.id = user_id"
                      " WHERE token_hash = ?1 AND expires_at > ?2 AND coalesce(disabled, 0) = 0");
  auto row = query.bind(token_hash).bind(now).step();
  if (!row)
    return std::move(row.error());
  const auto no_link = fail(errc::not_found, "this link was used, has expired, or never was one");
  if (!*row)
    return no_link;
  link_found found{{query.text(0), query.text(1), query.text(2), query.integer(3), query.integer(4), query.integer(5)},
                   query.text(6)};
  if (found.link.purpose == link_purpose::first_admin) {
    auto admins = count_admins(db, {login_way::kind::password}); // such links are of --auth accounts
    if (!admins)
      return std::move(admins.error());
    if (*admins > 0)
      return no_link;
  }
  return found;
}

caf::expected<int64_t> count_admins(connection& db, const login_way& way) {
  auto query = db.use("SELECT id, name, password_hash, disabled, created_at, role, issuer FROM users"
                      " WHERE role = 'admin' AND disabled = 0");
  int64_t count = 0;
  if (auto err = query.each_row([&] { count += can_log_in(user_from(query), way) ? 1 : 0; }))
    return err;
  return count;
}

} // namespace varro
