#include "storage/erasures.hpp"

#include "storage/sqlite/account_rows.hpp"
#include "storage/sqlite/account_writes.hpp"
#include "storage/sqlite/audit_rows.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

namespace varro {

namespace {

// REQUIRES: user_id, step, asked_at, ended_at.
erasure erasure_from(const statement& row) {
  return {row.integer(0), row.text(1), row.integer(2), row.integer(3)};
}

caf::expected<int64_t> number_of(connection& db, std::string_view sql, int64_t user_id) {
  auto query = db.use(sql);
  auto row = query.bind(user_id).step();
  if (!row)
    return std::move(row.error());
  return *row ? query.integer(0) : 0;
}

caf::expected<std::vector<int64_t>> numbers_of(statement& query) {
  std::vector<int64_t> found;
  if (auto err = query.each_row([&] { found.push_back(query.integer(0)); }))
    return err;
  return found;
}

caf::error go_to(connection& db, int64_t user_id, std::string_view step) {
  return db.use("UPDATE erasures SET step = ?2 WHERE user_id = ?1 AND step <> 'done'").bind(user_id).bind(step).run();
}

// In the audit, whose chain has marks of them.
caf::error forget_names(connection& db, int64_t user_id) {
  return db.use("DELETE FROM audit_texts WHERE user_id = ?1").bind(user_id).run();
}

caf::error disable(connection& db, const user_record& user, const login_way& way) {
  if (user.name == local_user_name && user.password_hash.empty())
    return fail(errc::invalid_input,
                "the user of --auth local is whoever uses this data directory: to erase that, delete the directory");
  auto before = count_admins(db, way);
  if (!before)
    return std::move(before.error());
  if (auto err = db.use("UPDATE users SET disabled = 1 WHERE id = ?1").bind(user.id).run())
    return err;
  auto after = count_admins(db, way);
  if (!after)
    return std::move(after.error());
  if (*before > 0 && *after == 0)
    return fail(errc::invalid_input,
                "\"" + user.name + "\" is the last admin who can log in; make somebody else an admin first");
  if (auto err = drop_links_of(db, user.id))
    return err;
  return drop_logins_of(db, user.id);
}

} // namespace

caf::expected<audit_note> write_one(connection& db, const user_erased& write) {
  std::optional<user_record> user;
  {
    auto query
      = db.use("SELECT id, name, password_hash, disabled, created_at, role, issuer FROM users WHERE name = ?1");
    auto row = query.bind(write.name).step();
    if (!row)
      return std::move(row.error());
    if (!*row)
      return no_such_user(write.name);
    user = user_from(query);
  }
  if (auto failed = disable(db, *user, write.way))
    return failed;
  auto note = db.use("INSERT INTO erasures(user_id, step, asked_at) VALUES (?1, 'chats', ?2)"
                     " ON CONFLICT(user_id) DO NOTHING");
  if (auto failed = note.bind(user->id).bind(write.at).run())
    return failed;
  if (db.changes() == 0)
    return audit_note::nothing("it was told when it began");
  // Of chats that went by age and whose files have yet to follow, no row tells any more but this one.
  auto left = db.use("INSERT OR IGNORE INTO erased_chats(chat_id, user_id)"
                     " SELECT chat_id, user_id FROM retired_chats WHERE user_id = ?1");
  if (auto failed = left.bind(user->id).run())
    return failed;
  return audit_event{audit_action::user_erased, {user->id, user->name}};
}

caf::expected<erasure> sqlite_database::begin_erasure(std::string_view name, const audit_origin& by, unix_us now) {
  if (auto err = apply(user_erased{std::string{name}, now, by}))
    return err;
  auto user = find_user(name);
  if (!user)
    return std::move(user.error());
  return find_erasure(user->id);
}

caf::expected<std::vector<erasure>> sqlite_database::open_erasures() {
  auto query = impl_->db->use("SELECT user_id, step, asked_at, ended_at FROM erasures WHERE step <> 'done'"
                              " ORDER BY asked_at, user_id");
  std::vector<erasure> found;
  if (auto err = query.each_row([&] { found.push_back(erasure_from(query)); }))
    return err;
  return found;
}

caf::expected<erasure> sqlite_database::find_erasure(int64_t user_id) {
  auto query = impl_->db->use("SELECT user_id, step, asked_at, ended_at FROM erasures WHERE user_id = ?1");
  auto row = query.bind(user_id).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return fail(errc::not_found, "user " + std::to_string(user_id) + " is not being erased");
  return erasure_from(query);
}

caf::expected<std::vector<int64_t>> sqlite_database::chats_of(int64_t user_id, int limit) {
  auto query = impl_->db->use("SELECT id FROM chats WHERE user_id = ?1 ORDER BY updated_at DESC, id DESC LIMIT ?2");
  query.bind(user_id).bind(int64_t{limit});
  return numbers_of(query);
}

caf::expected<std::vector<int64_t>> sqlite_database::erased_chats(int64_t user_id) {
  auto query = impl_->db->use("SELECT chat_id FROM erased_chats WHERE user_id = ?1 ORDER BY chat_id");
  query.bind(user_id);
  return numbers_of(query);
}

caf::error sqlite_database::end_chats(int64_t user_id) {
  return impl_->write([&] { return go_to(*impl_->db, user_id, erasure_step::account); });
}

caf::error sqlite_database::erase_account(int64_t user_id) {
  auto& db = *impl_->db;
  return impl_->write_all([&]() -> caf::error {
    auto chats = number_of(db, "SELECT count(*) FROM chats WHERE user_id = ?1", user_id);
    if (!chats)
      return std::move(chats.error());
    if (*chats > 0)
      return go_to(db, user_id, erasure_step::chats);
    // By these ids somebody could be found in what a vendor keeps.
    if (auto err = db.use("UPDATE usage SET vendor_id = '' WHERE user_id = ?1").bind(user_id).run())
      return err;
    if (auto err = forget_names(db, user_id))
      return err;
    if (auto err = db.use("DELETE FROM users WHERE id = ?1").bind(user_id).run())
      return err;
    return go_to(db, user_id, erasure_step::search);
  });
}

caf::error sqlite_database::end_search(int64_t user_id) {
  auto& db = *impl_->db;
  return impl_->write_all([&]() -> caf::error {
    if (auto err = forget_names(db, user_id)) // of a request that was under way when the account went
      return err;
    return go_to(db, user_id, erasure_step::vacuum);
  });
}

caf::error sqlite_database::end_erasure(int64_t user_id, unix_us now) {
  auto& db = *impl_->db;
  return impl_->write_all([&]() -> caf::error {
    if (auto err = db.use("DELETE FROM erased_chats WHERE user_id = ?1").bind(user_id).run())
      return err;
    auto end = db.use("UPDATE erasures SET step = 'done', ended_at = ?2 WHERE user_id = ?1 AND step = 'vacuum'");
    return end.bind(user_id).bind(now).run();
  });
}

caf::error sqlite_database::compact() {
  if (impl_->grouped)
    return fail(errc::storage_failed, "database " + impl_->db->file() + ": a transaction is open");
  return impl_->db->compact();
}

} // namespace varro
