#include "storage/sqlite/sqlite_database_impl.hpp"

#include <sqlite3.h>

namespace varro {

namespace {

constexpr auto local_user_name = "local";

caf::error no_such_user(std::string_view name) {
  return fail(errc::not_found, "there is no user \"" + std::string{name} + "\"");
}

// REQUIRES: id, name, password_hash, disabled, created_at from column `first` on.
user_record user_from(const statement& row, int first = 0) {
  return {row.integer(first), row.text(first + 1), row.text(first + 2), row.integer(first + 3) != 0,
          row.integer(first + 4)};
}

caf::error drop_logins_of(connection& db, std::string_view name) {
  return db.use("DELETE FROM logins WHERE user_id = (SELECT id FROM users WHERE name = ?1)").bind(name).run();
}

} // namespace

caf::expected<user_record> sqlite_database::add_user(std::string_view name, std::string_view password_hash) {
  auto& db = *impl_->db;
  if (name.empty())
    return fail(errc::invalid_input, "a user needs a name");
  auto err = impl_->write([&]() -> caf::error {
    auto insert = db.use("INSERT INTO users(name, password_hash, created_at) VALUES (?1, ?2, ?3)");
    auto failed = insert.bind(name).bind(password_hash).bind(now_us()).run();
    if (failed && insert.code() == SQLITE_CONSTRAINT_UNIQUE)
      return fail(errc::invalid_input, "the name \"" + std::string{name} + "\" is taken");
    return failed;
  });
  if (err)
    return err;
  return find_user(name);
}

caf::expected<user_record> sqlite_database::find_user(std::string_view name) {
  auto query = impl_->db->use("SELECT id, name, password_hash, disabled, created_at FROM users WHERE name = ?1");
  auto row = query.bind(name).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return no_such_user(name);
  return user_from(query);
}

caf::expected<user_record> sqlite_database::find_user(int64_t id) {
  auto query = impl_->db->use("SELECT id, name, password_hash, disabled, created_at FROM users WHERE id = ?1");
  auto row = query.bind(id).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return fail(errc::not_found, "there is no user " + std::to_string(id));
  return user_from(query);
}

caf::expected<std::vector<user_record>> sqlite_database::list_users() {
  auto query = impl_->db->use("SELECT id, name, password_hash, disabled, created_at FROM users ORDER BY name");
  std::vector<user_record> users;
  if (auto err = query.each_row([&] { users.push_back(user_from(query)); }))
    return err;
  return users;
}

caf::error sqlite_database::set_disabled(std::string_view name, bool disabled) {
  return impl_->write_all([&]() -> caf::error {
    auto update = impl_->db->use("UPDATE users SET disabled = ?2 WHERE name = ?1");
    if (auto err = update.bind(name).bind(disabled ? 1 : 0).run())
      return err;
    return impl_->db->changes() == 1 ? drop_logins_of(*impl_->db, name) : no_such_user(name);
  });
}

caf::error sqlite_database::set_password(std::string_view name, std::string_view password_hash) {
  return impl_->write_all([&]() -> caf::error {
    auto update = impl_->db->use("UPDATE users SET password_hash = ?2 WHERE name = ?1");
    if (auto err = update.bind(name).bind(password_hash).run())
      return err;
    return impl_->db->changes() == 1 ? drop_logins_of(*impl_->db, name) : no_such_user(name);
  });
}

caf::expected<user_record> sqlite_database::local_user() {
  auto user = find_user(local_user_name);
  if (user || code_of(user.error()) != errc::not_found)
    return user;
  return add_user(local_user_name, "");
}

caf::error sqlite_database::put_login(const login_record& login) {
  return impl_->write([&]() -> caf::error {
    auto expired = impl_->db->use("DELETE FROM logins WHERE expires_at <= ?1").bind(login.created_at).run();
    if (expired)
      return expired;
    auto insert = impl_->db->use("INSERT INTO logins(token_hash, user_id, csrf, created_at, expires_at)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5)");
    insert.bind(login.token_hash).bind(login.user_id).bind(login.csrf).bind(login.created_at).bind(login.expires_at);
    auto err = insert.run();
    if (err && insert.code() == SQLITE_CONSTRAINT_FOREIGNKEY)
      return fail(errc::not_found, "there is no user " + std::to_string(login.user_id));
    return err;
  });
}

caf::expected<login_found> sqlite_database::find_login(std::string_view token_hash, unix_us now) {
  auto query = impl_->db->use("SELECT token_hash, user_id, csrf, logins.created_at, expires_at, users.id, name,"
                              " password_hash, disabled, users.created_at"
                              " FROM logins JOIN users ON users.id = logins.user_id"
                              " WHERE token_hash = ?1 AND expires_at > ?2 AND disabled = 0");
  auto row = query.bind(token_hash).bind(now).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return fail(errc::not_found, "nobody is logged in with this session");
  return login_found{{query.text(0), query.integer(1), query.text(2), query.integer(3), query.integer(4)},
                     user_from(query, 5)};
}

caf::expected<std::vector<std::string>> sqlite_database::ended_logins(const std::vector<std::string>& token_hashes,
                                                                      unix_us now) {
  std::vector<std::string> ended;
  for (const auto& hash : token_hashes) {
    auto found = find_login(hash, now);
    if (found)
      continue;
    if (code_of(found.error()) != errc::not_found)
      return std::move(found.error());
    ended.push_back(hash);
  }
  return ended;
}

caf::error sqlite_database::drop_login(std::string_view token_hash) {
  return impl_->write(
    [&] { return impl_->db->use("DELETE FROM logins WHERE token_hash = ?1").bind(token_hash).run(); });
}

} // namespace varro
