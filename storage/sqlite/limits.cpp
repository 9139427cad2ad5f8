// Limits that were set while a server runs, and the sums of days that users are held to.
#include "storage/limits.hpp"
#include "base/utf8.hpp"
#include "storage/limit_book.hpp"
#include "storage/sqlite/account_rows.hpp"
#include "storage/sqlite/account_writes.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

#include <chrono>

namespace varro {

namespace {

limit_row row_from(const statement& query) {
  return {query.text(0), query.text(1), query.text(2), query.text(3)};
}

caf::expected<std::vector<limit_row>> rows_of(statement& query) {
  std::vector<limit_row> rows;
  if (auto err = query.each_row([&] { rows.push_back(row_from(query)); }))
    return err;
  return rows;
}

// The user; nobody: the row is of somebody else.
caf::expected<audit_person> person_limited_by(connection& db, const limit_row& row) {
  if (row.subject != limit_subject::user)
    return audit_person{};
  auto query = db.use("SELECT id, name FROM users WHERE name = ?1");
  auto found = query.bind(row.who).step();
  if (!found)
    return std::move(found.error());
  if (!*found)
    return no_such_user(row.who);
  return audit_person{query.integer(0), query.text(1)};
}

std::string_view group_in(const limit_row& row) {
  return row.subject == limit_subject::group ? std::string_view{row.who} : std::string_view{};
}

// What is set; empty: nothing.
caf::expected<std::string> value_of(connection& db, const limit_row& row, int64_t user_id) {
  auto query = db.use("SELECT value FROM limits WHERE subject = ?1 AND user_id = ?2 AND group_name = ?3 AND name = ?4");
  query.bind(row.subject).bind(user_id).bind(group_in(row));
  auto found = query.bind(row.name).step();
  if (!found)
    return std::move(found.error());
  return *found ? query.text(0) : std::string{};
}

// Whom a limit concerns, and what is set of it so far.
struct found_limit {
  audit_person person;
  std::string value; // empty: nothing
};
caf::expected<found_limit> find_limit(connection& db, const limit_row& row) {
  auto person = person_limited_by(db, row);
  if (!person)
    return std::move(person.error());
  auto value = value_of(db, row, person->id);
  if (!value)
    return std::move(value.error());
  return found_limit{std::move(*person), std::move(*value)};
}

constexpr size_t told_value_bytes_max = 1u << 10; // so that a long list of models is no reason to refuse it

std::string told_value(const std::string& value) {
  std::string told{clip_utf8(value, told_value_bytes_max)};
  if (told.size() < value.size())
    told.append("…");
  return told;
}

audit_event told_of(const char* action, const limit_row& row, const audit_person& person, const std::string& value,
                    const std::string& before) {
  std::string subject;
  if (row.subject == limit_subject::group)
    subject = clip_utf8("group " + row.who, audit_subject_bytes_max); // the longest name has no room beside the word
  else if (row.subject == limit_subject::everybody)
    subject = row.subject;
  return {action, person, std::move(subject),
          audit_details({{"limit", row.name}, {"value", told_value(value)}, {"before", told_value(before)}})};
}

int64_t first_of_month(int64_t day) {
  using namespace std::chrono;
  const year_month_day date{sys_days{days{day}}};
  return sys_days{date.year() / date.month() / 1}.time_since_epoch().count();
}

} // namespace

caf::expected<std::vector<limit_row>> sqlite_database::limits_of(int64_t user_id) {
  auto query
    = impl_->db->use("SELECT subject, group_name, name, value FROM limits WHERE (subject = 'user' AND user_id = ?1)"
                     " OR (subject = 'group' AND group_name IN (SELECT name FROM user_groups WHERE user_id = ?1))"
                     " OR subject = 'everybody' ORDER BY subject, group_name, name");
  query.bind(user_id);
  return rows_of(query);
}

caf::expected<user_use> sqlite_database::use_of(int64_t user_id, unix_us now, std::string_view currency) {
  const auto day = day_of(now);
  auto query = impl_->db->use("SELECT CAST(total(requests) FILTER (WHERE day = ?2) AS INTEGER),"
                              " CAST(min(total(tokens) FILTER (WHERE day = ?2), 4e18) AS INTEGER),"
                              " CAST(min(total(processor_us) FILTER (WHERE day = ?2), 4e18) AS INTEGER),"
                              " CAST(min(total(cost_nano) FILTER (WHERE currency = ?4), 4e18) AS INTEGER),"
                              " CAST(min(total(upload_bytes) FILTER (WHERE day = ?2), 4e18) AS INTEGER)"
                              " FROM usage_days WHERE user_id = ?1 AND day >= ?3 AND day <= ?2");
  auto row = query.bind(user_id).bind(day).bind(first_of_month(day)).bind(currency).step();
  if (!row)
    return std::move(row.error());
  return user_use{query.integer(0), query.integer(1), query.integer(2), query.integer(3), query.integer(4)};
}

// One statement: of uploads at the same moment none passes the limit.
caf::error sqlite_database::count_upload(const upload_counted& upload) {
  const auto most = upload.most > 0 ? upload.most : usage_sum_max;
  const auto too_many = fail(errc::too_large, "these files are more than may be uploaded on this day");
  if (upload.bytes < 0 || upload.bytes > most)
    return too_many;
  return impl_->write([&]() -> caf::error {
    auto add = impl_->db->use("INSERT INTO usage_days(user_id, day, currency, requests, tokens, cost_nano,"
                              " processor_us, upload_bytes) VALUES (?1, ?2, '', 0, 0, 0, 0, ?3)"
                              " ON CONFLICT DO UPDATE SET upload_bytes = upload_bytes + excluded.upload_bytes"
                              " WHERE upload_bytes <= ?4 - excluded.upload_bytes");
    if (auto err = add.bind(upload.user_id).bind(day_of(upload.at)).bind(upload.bytes).bind(most).run())
      return err;
    return impl_->db->changes() == 1 ? caf::error{} : too_many;
  });
}

caf::expected<int64_t> sqlite_database::count_chats(int64_t user_id) {
  auto query = impl_->db->use("SELECT count(*) FROM chats WHERE user_id = ?1");
  auto row = query.bind(user_id).step();
  if (!row)
    return std::move(row.error());
  return query.integer(0);
}

caf::expected<user_disk> sqlite_database::disk_of(int64_t user_id, int64_t chat_id) {
  // Each sum is made of an index of its own, which holds few chats; its terms stand here as they do there.
  auto query = impl_->db->use(
    "SELECT (SELECT coalesce(sum(workspace_bytes), 0) FROM chats WHERE user_id = ?1 AND workspace_bytes > 0),"
    " kept.snapshots, kept.versions,"
    " (SELECT coalesce(sum(history_bytes), 0) FROM chats WHERE user_id = ?1 AND history_bytes > 0),"
    " (SELECT coalesce(sum(workspace_bytes), 0) FROM chats WHERE user_id = ?1 AND id = ?2)"
    " FROM (SELECT coalesce(sum(snapshot_bytes), 0) AS snapshots, coalesce(sum(versions_bytes), 0) AS versions"
    "       FROM chats WHERE user_id = ?1 AND snapshot_bytes + versions_bytes > 0) AS kept");
  auto row = query.bind(user_id).bind(chat_id).step();
  if (!row)
    return std::move(row.error());
  return user_disk{query.integer(0), query.integer(1), query.integer(2), query.integer(3), query.integer(4)};
}

caf::expected<std::vector<limit_row>> sqlite_database::all_limits() {
  auto query
    = impl_->db->use("SELECT subject, CASE subject WHEN 'user' THEN coalesce((SELECT name FROM users WHERE id ="
                     " limits.user_id), 'user ' || user_id) ELSE group_name END AS who, name, value FROM limits"
                     " ORDER BY subject, who, name");
  return rows_of(query);
}

caf::expected<audit_note> write_one(connection& db, const limit_written& write) {
  const auto& row = write.limit;
  auto before = find_limit(db, row);
  if (!before)
    return std::move(before.error());
  auto insert = db.use("INSERT INTO limits(subject, user_id, group_name, name, value)"
                       " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET value = excluded.value");
  insert.bind(row.subject).bind(before->person.id).bind(group_in(row)).bind(row.name);
  if (auto err = insert.bind(row.value).run())
    return err;
  return told_of(audit_action::limit_set, row, before->person, row.value, before->value);
}

caf::expected<audit_note> write_one(connection& db, const limit_removed& write) {
  const auto& row = write.limit;
  auto before = find_limit(db, row);
  if (!before)
    return std::move(before.error());
  auto remove = db.use("DELETE FROM limits WHERE subject = ?1 AND user_id = ?2 AND group_name = ?3 AND name = ?4");
  if (auto err = remove.bind(row.subject).bind(before->person.id).bind(group_in(row)).bind(row.name).run())
    return err;
  if (db.changes() == 0)
    return fail(errc::not_found, "this limit was not set");
  return told_of(audit_action::limit_cleared, row, before->person, "", before->value);
}

caf::error sqlite_database::set_limit(const limit_row& row, const audit_origin& by) {
  return apply(limit_written{row, by});
}

caf::error sqlite_database::clear_limit(const limit_row& row, const audit_origin& by) {
  return apply(limit_removed{row, by});
}

} // namespace varro
