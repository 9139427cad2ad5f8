#include "storage/sqlite/account_rows.hpp"
#include "storage/sqlite/account_writes.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

namespace varro {

caf::expected<user_record> sqlite_database::add_user(std::string_view name, std::string_view password_hash,
                                                     std::string_view role, const audit_origin& by) {
  auto& db = *impl_->db;
  auto err = impl_->write_all([&]() -> caf::error {
    auto id = insert_user(db, name, password_hash, role, now_us());
    if (!id)
      return std::move(id.error());
    return append_audit(
      db, by, {audit_action::user_added, {*id, std::string{name}}, "", audit_details({{"role", std::string{role}}})});
  });
  if (err)
    return err;
  return find_user(name);
}

caf::expected<user_record> sqlite_database::find_user(std::string_view name) {
  auto query
    = impl_->db->use("SELECT id, name, password_hash, disabled, created_at, role, issuer FROM users WHERE name = ?1");
  auto row = query.bind(name).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return no_such_user(name);
  return user_from(query);
}

caf::expected<user_record> sqlite_database::find_user(int64_t id) {
  auto query
    = impl_->db->use("SELECT id, name, password_hash, disabled, created_at, role, issuer FROM users WHERE id = ?1");
  auto row = query.bind(id).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return fail(errc::not_found, "there is no user " + std::to_string(id));
  return user_from(query);
}

caf::expected<std::vector<user_record>> sqlite_database::list_users() {
  auto query
    = impl_->db->use("SELECT id, name, password_hash, disabled, created_at, role, issuer FROM users ORDER BY name");
  std::vector<user_record> users;
  if (auto err = query.each_row([&] { users.push_back(user_from(query)); }))
    return err;
  return users;
}

caf::error sqlite_database::set_disabled(std::string_view name, bool disabled, const audit_origin& by,
                                         const login_way& way) {
  return apply(user_state_set{std::string{name}, disabled, by, way});
}

caf::error sqlite_database::set_role(std::string_view name, std::string_view role, const audit_origin& by,
                                     const login_way& way) {
  return apply(user_role_set{std::string{name}, std::string{role}, by, way});
}

caf::error sqlite_database::set_password(std::string_view name, std::string_view password_hash,
                                         const audit_origin& by) {
  auto& db = *impl_->db;
  return impl_->write_all([&] { return with_audit(db, by, set_user_password(db, name, password_hash)); });
}

caf::error sqlite_database::put_link(const link_record& link, const audit_origin& by) {
  return apply(link_made{link, by});
}

caf::expected<bool> sqlite_database::has_admin(const login_way& way) {
  auto count = count_admins(*impl_->db, way);
  if (!count)
    return std::move(count.error());
  return *count > 0;
}

caf::expected<user_record> sqlite_database::local_user() {
  auto user = find_user(local_user_name);
  if (!user && code_of(user.error()) == errc::not_found)
    user = add_user(local_user_name, "", user_role::admin);
  // Whatever somebody made of the account meanwhile: without accounts there is nobody else.
  if (user)
    user->role = user_role::admin;
  return user;
}

} // namespace varro
