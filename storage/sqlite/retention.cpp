#include "storage/retention.hpp"

#include "storage/sqlite/account_writes.hpp"
#include "storage/sqlite/audit_rows.hpp"
#include "storage/sqlite/idempotency.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

namespace varro {

namespace {

constexpr int64_t jobs_kept = 100; // for whoever waits for one

// REQUIRES: id, begun_at, ended_at, chats, attachments, bytes.
retention_job job_from(const statement& row) {
  return {row.integer(0), row.integer(1), row.integer(2), row.integer(3), row.integer(4), row.integer(5)};
}

caf::error no_longer_unused(int64_t chat_id) {
  return fail(errc::not_found, "chat " + std::to_string(chat_id) + " is gone, or was used meanwhile");
}

// What its messages hold.
caf::expected<int64_t> unused_bytes(connection& db, const chat_retired& write) {
  auto query = db.use("SELECT history_bytes FROM chats WHERE id = ?1 AND user_id = ?2"
                      " AND max(updated_at, used_at) <= ?3"
                      " AND NOT EXISTS (SELECT 1 FROM runs WHERE chat_id = ?1 AND status = 'running')");
  auto row = query.bind(write.chat_id).bind(write.user_id).bind(write.used_until).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return no_longer_unused(write.chat_id);
  return query.integer(0);
}

caf::error drop_all(connection& db, const chat_retired& write) {
  return db.use("DELETE FROM chats WHERE id = ?1 AND user_id = ?2").bind(write.chat_id).bind(write.user_id).run();
}

// The variables' places in a file that goes.
caf::error drop_files(connection& db, const chat_retired& write) {
  auto update = db.use("UPDATE chats SET files_deleted_at = ?3, workspace_bytes = 0, snapshot_bytes = 0,"
                       " versions_bytes = 0 WHERE id = ?1 AND user_id = ?2");
  if (auto err = update.bind(write.chat_id).bind(write.user_id).bind(write.at).run())
    return err;
  return db.use("DELETE FROM snapshots WHERE chat_id = ?1").bind(write.chat_id).run();
}

caf::expected<retention_job> job_of(statement& query, int64_t id) {
  auto row = query.step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return fail(errc::not_found, "there is no job of retention " + std::to_string(id));
  return job_from(query);
}

caf::expected<retention_job> find_job(connection& db, int64_t id) {
  auto query = db.use("SELECT id, begun_at, ended_at, chats, attachments, bytes FROM retention_jobs WHERE id = ?1");
  query.bind(id);
  return job_of(query, id);
}

caf::expected<std::optional<retention_job>> newest_job(connection& db) {
  auto query
    = db.use("SELECT id, begun_at, ended_at, chats, attachments, bytes FROM retention_jobs ORDER BY id DESC LIMIT 1");
  auto row = query.step();
  if (!row)
    return std::move(row.error());
  return *row ? std::optional{job_from(query)} : std::nullopt;
}

caf::error insert_job(connection& db, const audit_origin& by, unix_us now) {
  if (auto err = db.use("INSERT INTO retention_jobs(begun_at) VALUES (?1)").bind(now).run())
    return err;
  auto old = db.use("DELETE FROM retention_jobs WHERE id <= (SELECT max(id) FROM retention_jobs) - ?1");
  if (auto err = old.bind(jobs_kept).run())
    return err;
  return by.way == audit_way::server ? caf::error{} : append_audit(db, by, {audit_action::retention_asked});
}

} // namespace

caf::expected<audit_note> write_one(connection& db, const chat_seen& write) {
  auto update = db.use("UPDATE chats SET used_at = ?3 WHERE id = ?1 AND user_id = ?2 AND used_at <= ?4");
  constexpr auto step = std::chrono::microseconds{chat_seen_step}.count();
  if (auto err = update.bind(write.chat_id).bind(write.user_id).bind(write.at).bind(write.at - step).run())
    return err;
  return audit_note::nothing("who looks at their own chat does nothing to anybody");
}

caf::expected<audit_note> write_one(connection& db, const chat_retired& write) {
  const bool whole = write.part == retired_part::all;
  auto history = unused_bytes(db, write);
  if (!history)
    return std::move(history.error());
  if (auto err = whole ? drop_all(db, write) : drop_files(db, write))
    return err;
  auto note = db.use("INSERT OR REPLACE INTO retired_chats(chat_id, user_id, at) VALUES (?1, ?2, ?3)");
  if (auto err = note.bind(write.chat_id).bind(write.user_id).bind(write.at).run())
    return err;
  auto count = db.use("UPDATE retention_jobs SET chats = chats + ?2, attachments = attachments + ?3,"
                      " bytes = bytes + ?4 WHERE id = ?1");
  count.bind(write.job_id).bind(int64_t{whole ? 1 : 0}).bind(int64_t{whole ? 0 : 1});
  if (auto err = count.bind(write.bytes + (whole ? *history : 0)).run())
    return err;
  return audit_note::nothing("the end of the job tells how many went");
}

caf::expected<retention_job> sqlite_database::begin_retention(const audit_origin& by, unix_us now) {
  auto& db = *impl_->db;
  std::optional<retention_job> job;
  auto err = impl_->write_all([&]() -> caf::error {
    auto newest = newest_job(db);
    if (newest && (!*newest || (*newest)->ended_at != 0)) {
      if (auto failed = insert_job(db, by, now))
        return failed;
      newest = newest_job(db);
    }
    if (!newest)
      return std::move(newest.error());
    job = *newest;
    return caf::none;
  });
  if (err)
    return err;
  return *job;
}

caf::expected<std::optional<retention_job>> sqlite_database::newest_retention() {
  return newest_job(*impl_->db);
}

caf::expected<retention_job> sqlite_database::find_retention(int64_t id) {
  return find_job(*impl_->db, id);
}

caf::error sqlite_database::end_retention(int64_t id, unix_us now) {
  auto& db = *impl_->db;
  return impl_->write_all([&]() -> caf::error {
    if (auto err = forget_idempotent(db, now))
      return err;
    auto end = db.use("UPDATE retention_jobs SET ended_at = ?2 WHERE id = ?1 AND ended_at = 0");
    if (auto err = end.bind(id).bind(now).run())
      return err;
    if (db.changes() == 0)
      return caf::none;
    auto job = find_job(db, id);
    if (!job)
      return std::move(job.error());
    return append_audit(
      db, {},
      {audit_action::retention_done,
       {},
       "",
       audit_details({{"chats", job->chats}, {"attachments", job->attachments}, {"bytes", job->bytes}})});
  });
}

caf::expected<std::vector<unused_chat>> sqlite_database::unused_chats(int64_t user_id, unix_us used_until,
                                                                      retired_part part, int64_t after_chat,
                                                                      int limit) {
  // updated_at stands alone as well: the index of a user's chats has it.
  auto query = impl_->db->use(
    "SELECT id, user_id, max(updated_at, used_at), history_bytes FROM chats"
    " WHERE user_id = ?1 AND updated_at <= ?2 AND used_at <= ?2 AND id > ?4"
    " AND (?3 = 0 OR files_deleted_at = 0 OR files_deleted_at <= max(updated_at, used_at))"
    " AND NOT EXISTS (SELECT 1 FROM runs WHERE chat_id = chats.id AND status = 'running') ORDER BY id LIMIT ?5");
  query.bind(user_id).bind(used_until).bind(int64_t{part == retired_part::files ? 1 : 0}).bind(after_chat);
  query.bind(int64_t{limit});
  std::vector<unused_chat> found;
  if (auto err = query.each_row(
        [&] { found.push_back({query.integer(0), query.integer(1), query.integer(2), query.integer(3)}); }))
    return err;
  return found;
}

caf::expected<std::vector<retired_chat>> sqlite_database::retired_chats() {
  auto query = impl_->db->use("SELECT chat_id, retired_chats.user_id, chats.id IS NULL,"
                              " coalesce(max(updated_at, used_at) > at, 0)"
                              " FROM retired_chats LEFT JOIN chats ON chats.id = chat_id ORDER BY chat_id");
  std::vector<retired_chat> found;
  if (auto err = query.each_row(
        [&] { found.push_back({query.integer(0), query.integer(1), query.integer(2) != 0, query.integer(3) != 0}); }))
    return err;
  return found;
}

caf::error sqlite_database::end_retired(int64_t chat_id, bool files_are_gone) {
  auto& db = *impl_->db;
  return impl_->write_all([&]() -> caf::error {
    if (auto err = db.use("DELETE FROM retired_chats WHERE chat_id = ?1").bind(chat_id).run())
      return err;
    if (files_are_gone)
      return caf::none;
    return db.use("UPDATE chats SET files_deleted_at = 0 WHERE id = ?1").bind(chat_id).run();
  });
}

} // namespace varro
