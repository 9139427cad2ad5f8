#include "storage/sqlite/sqlite_database_impl.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace varro {

namespace {

// Both counters of a kind are rows of sqlite_sequence, by name. `inserted` is AUTOINCREMENT's own: the greatest id that
// was ever in the table, whoever chose it. `drawn` is a row of ours beside it, which SQLite allows and leaves alone: an
// id that was drawn and then not used is none that a chat has had. Both are on one page, which the rows of a new turn
// change anyway.
struct id_counters {
  std::string_view inserted;
  std::string_view drawn;
};

constexpr id_counters chat_counters{"chats", "chats drawn"};
constexpr id_counters run_counters{"runs", "runs drawn"};

caf::expected<int64_t> read_counter(connection& db, std::string_view name) {
  auto query = db.use("SELECT seq FROM sqlite_sequence WHERE name = ?1");
  auto row = query.bind(name).step();
  if (!row)
    return std::move(row.error());
  return *row ? query.integer(0) : 0;
}

caf::error write_counter(connection& db, std::string_view name, int64_t value) {
  {
    auto update = db.use("UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1");
    if (auto err = update.bind(name).bind(value).run())
      return err;
  }
  if (db.changes() != 0)
    return caf::none;
  auto insert = db.use("INSERT INTO sqlite_sequence(name, seq) VALUES (?1, ?2)");
  return insert.bind(name).bind(value).run();
}

// The greatest id that is nobody's to draw any more. A database of a release that drew none has only inserted ones.
caf::expected<int64_t> greatest_taken(connection& db, const id_counters& counters) {
  auto inserted = read_counter(db, counters.inserted);
  auto drawn = read_counter(db, counters.drawn);
  if (!inserted || !drawn)
    return inserted ? std::move(drawn.error()) : std::move(inserted.error());
  return std::max(*inserted, *drawn);
}

caf::error draw(connection& db, const id_counters& counters, int64_t count, id_range& out) {
  if (count == 0)
    return caf::none;
  auto taken = greatest_taken(db, counters);
  if (!taken)
    return std::move(taken.error());
  if (count < 0 || *taken > std::numeric_limits<int64_t>::max() - 1 - count)
    return fail(errc::storage_failed,
                "database " + db.file() + ": " + std::to_string(count) + " further ids of "
                  + std::string{counters.inserted} + " after " + std::to_string(*taken) + " cannot be drawn");
  out = {*taken + 1, count};
  return write_counter(db, counters.drawn, *taken + count);
}

} // namespace

caf::expected<drawn_ids> sqlite_database::draw_ids(ids_wanted wanted) {
  drawn_ids drawn;
  if (wanted.chats == 0 && wanted.runs == 0)
    return drawn;
  auto err = impl_->write_all([&]() -> caf::error {
    if (auto failed = draw(*impl_->db, chat_counters, wanted.chats, drawn.chats))
      return failed;
    return draw(*impl_->db, run_counters, wanted.runs, drawn.runs);
  });
  if (err)
    return err;
  return drawn;
}

caf::error sqlite_database::skip_chat_ids(int64_t last) {
  return impl_->write_all([&]() -> caf::error {
    auto taken = greatest_taken(*impl_->db, chat_counters);
    if (!taken)
      return std::move(taken.error());
    return last > *taken ? write_counter(*impl_->db, chat_counters.drawn, last) : caf::error{};
  });
}

caf::expected<int64_t> sqlite_database::greatest_chat_id() {
  return read_counter(*impl_->db, chat_counters.inserted);
}

} // namespace varro
