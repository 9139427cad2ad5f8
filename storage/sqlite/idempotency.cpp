// Requests that are carried out once.
#include "storage/sqlite/idempotency.hpp"

#include "storage/sqlite/sqlite_database_impl.hpp"

#include <sqlite3.h>

namespace varro {

namespace {

unix_us oldest_kept(unix_us now) {
  return now - std::chrono::microseconds{idempotency_kept}.count();
}

caf::expected<int64_t> count_keys(connection& db, int64_t user_id, unix_us since) {
  auto query = db.use("SELECT count(*) FROM idempotency_keys WHERE user_id = ?1 AND at > ?2");
  auto row = query.bind(user_id).bind(since).step();
  if (!row)
    return std::move(row.error());
  return query.integer(0);
}

} // namespace

caf::error forget_idempotent(connection& db, unix_us now) {
  auto remove = db.use("DELETE FROM idempotency_keys WHERE at <= ?1");
  return remove.bind(oldest_kept(now)).run();
}

caf::error put_idempotent(connection& db, int64_t user_id, const idempotency_note& note,
                          const idempotent_outcome& outcome) {
  if (auto err = forget_idempotent(db, note.at))
    return err;
  auto count = count_keys(db, user_id, oldest_kept(note.at));
  if (!count)
    return std::move(count.error());
  if (*count >= idempotency_keys_max)
    return fail(errc::limit_reached, "Too many requests with an Idempotency-Key in one day.");
  auto insert = db.use("INSERT INTO idempotency_keys(user_id, key, fingerprint, at, chat_id, run_id, turn, seq)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  insert.bind(user_id).bind(note.key).bind(note.fingerprint).bind(note.at);
  insert.bind(outcome.chat_id).bind(outcome.run_id).bind(outcome.turn).bind(outcome.seq);
  auto err = insert.run();
  if (err && insert.code() == SQLITE_CONSTRAINT_PRIMARYKEY)
    return fail(errc::run_in_progress,
                "A request with this Idempotency-Key was carried out at this moment. Ask again.");
  return err;
}

caf::expected<idempotency_found> sqlite_database::find_idempotent(int64_t user_id, std::string_view key, unix_us now) {
  auto& db = *impl_->db;
  const auto since = oldest_kept(now);
  idempotency_found found;
  auto count = count_keys(db, user_id, since);
  if (!count)
    return std::move(count.error());
  found.keys = *count;
  auto query = db.use("SELECT fingerprint, at, chat_id, run_id, turn, seq FROM idempotency_keys"
                      " WHERE user_id = ?1 AND key = ?2 AND at > ?3");
  auto row = query.bind(user_id).bind(key).bind(since).step();
  if (!row)
    return std::move(row.error());
  if (*row)
    found.outcome = idempotent_outcome{query.text(0),    query.integer(1), query.integer(2),
                                       query.integer(3), query.integer(4), query.integer(5)};
  return found;
}

} // namespace varro
