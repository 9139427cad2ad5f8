#include "storage/sqlite/audit_rows.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "storage/limits.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <limits>

namespace varro {

namespace {

constexpr size_t salt_bytes = 16;

std::string new_salt() {
  std::array<char, salt_bytes> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return to_hex({bytes.data(), bytes.size()});
}

// The mark of a text of this user (0: of nobody), which is stored if it is a new one, unless the user's account is
// erased: what was under way then comes later than what forgets.
caf::expected<std::string> mark_of(connection& db, int64_t user_id, const std::string& whole) {
  const auto text = clip_utf8(whole, audit_text_bytes_max);
  if (text.empty())
    return std::string{};
  {
    auto query = db.use("SELECT mark FROM audit_texts WHERE user_id = ?1 AND text = ?2");
    auto known = query.bind(user_id).bind(text).step();
    if (!known)
      return std::move(known.error());
    if (*known)
      return query.text(0);
  }
  const auto salt = new_salt();
  auto mark = audit_mark(salt, text);
  auto insert = db.use("INSERT INTO audit_texts(mark, user_id, salt, text) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS"
                       " (SELECT 1 FROM erasures WHERE user_id = ?2 AND step IN ('search', 'vacuum', 'done'))");
  if (auto err = insert.bind(mark).bind(user_id).bind(salt).bind(text).run())
    return err;
  return mark;
}

caf::expected<audit_head> newest_row(connection& db) {
  auto query = db.use("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1");
  auto row = query.step();
  if (!row)
    return std::move(row.error());
  return *row ? audit_head{query.integer(0), query.text(1)} : audit_head{};
}

caf::error insert_row(connection& db, const audit_row& row) {
  auto insert = db.use("INSERT INTO audit(id, at, actor_id, actor_mark, way, address_mark, action, subject_id,"
                       " subject_mark, subject, details, previous, hash)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
  insert.bind(row.id).bind(row.at).bind(row.actor_id).bind(row.actor.mark).bind(row.way).bind(row.address.mark);
  insert.bind(row.action).bind(row.subject_id).bind(row.subject_name.mark).bind(row.subject).bind(row.details);
  return insert.bind(row.previous).bind(row.hash).run();
}

const std::string& columns() {
  static const std::string text
    = "SELECT audit.id, at, actor_id, actor_mark, a.salt, a.text, way, address_mark, b.salt, b.text, action,"
      " subject_id, subject_mark, c.salt, c.text, subject, details, previous, hash FROM audit"
      " LEFT JOIN audit_texts AS a ON a.mark = actor_mark LEFT JOIN audit_texts AS b ON b.mark = address_mark"
      " LEFT JOIN audit_texts AS c ON c.mark = subject_mark ";
  return text;
}

// REQUIRES: mark, salt and text from this column on; the latter two are null where the text is forgotten.
audit_text text_from(const statement& row, int first) {
  audit_text text{row.text(first), row.text(first + 1), std::nullopt};
  if (!text.salt.empty())
    text.text = row.text(first + 2);
  return text;
}

// REQUIRES: columns().
audit_row row_from(const statement& row) {
  return {row.integer(0),    row.integer(1), row.integer(2),  text_from(row, 3),  row.text(6),
          text_from(row, 7), row.text(10),   row.integer(11), text_from(row, 12), row.text(15),
          row.text(16),      row.text(17),   row.text(18)};
}

// One statement for each form of the question, so that each uses its index.
const std::string& query_for(bool of_user, bool oldest_first) {
  static const std::string within = "audit.id > ?1 AND audit.id < ?2 AND at >= ?3"
                                    " AND (?4 = '' OR action = ?4 OR substr(action, 1, length(?4) + 1) = ?4 || '.')";
  static const std::string whose = " AND (actor_id = ?6 OR subject_id = ?6)";
  static const std::array<std::string, 4> queries{
    columns() + "WHERE " + within + " ORDER BY audit.id DESC LIMIT ?5",
    columns() + "WHERE " + within + " ORDER BY audit.id LIMIT ?5",
    columns() + "WHERE " + within + whose + " ORDER BY audit.id DESC LIMIT ?5",
    columns() + "WHERE " + within + whose + " ORDER BY audit.id LIMIT ?5"};
  return queries[(of_user ? 2 : 0) + (oldest_first ? 1 : 0)];
}

constexpr int64_t no_id = std::numeric_limits<int64_t>::max();

// A name that is gone while its user is there was taken away, not forgotten. The row, or 0.
caf::expected<int64_t> row_without_its_text(connection& db) {
  return db.number("SELECT coalesce(min(audit.id), 0) FROM audit WHERE"
                   " (actor_mark <> '' AND NOT EXISTS (SELECT 1 FROM audit_texts WHERE mark = actor_mark)"
                   "  AND (actor_id = 0 OR EXISTS (SELECT 1 FROM users WHERE users.id = actor_id)))"
                   " OR (address_mark <> '' AND NOT EXISTS (SELECT 1 FROM audit_texts WHERE mark = address_mark)"
                   "  AND ((actor_id = 0 AND subject_id = 0) OR EXISTS (SELECT 1 FROM users"
                   "   WHERE users.id = iif(actor_id <> 0, actor_id, subject_id))))"
                   " OR (subject_mark <> '' AND NOT EXISTS (SELECT 1 FROM audit_texts WHERE mark = subject_mark)"
                   "  AND (subject_id = 0 OR EXISTS (SELECT 1 FROM users WHERE users.id = subject_id)))");
}

std::string fault_of_known(const audit_head& known, bool found, const audit_head& end) {
  if (found)
    return {};
  if (known.id > end.id)
    return "the end is cut off: row " + std::to_string(known.id) + ", which was there, is missing; the last one is row "
      + std::to_string(end.id);
  return "row " + std::to_string(known.id) + " is another one than it was: the chain was written anew";
}

} // namespace

caf::expected<audit_person> audit_person_of(connection& db, int64_t user_id) {
  auto query = db.use("SELECT name FROM users WHERE id = ?1");
  auto row = query.bind(user_id).step();
  if (!row)
    return std::move(row.error());
  return audit_person{user_id, *row ? query.text(0) : std::string{}};
}

std::string audit_details(json fields) {
  json kept = json::object();
  for (auto& [name, value] : fields.items())
    if (!value.is_null() && !(value.is_string() && value.get_ref<const std::string&>().empty()))
      kept[name] = std::move(value);
  return dump_json(kept);
}

caf::error append_audit(connection& db, const audit_origin& by, const audit_event& event) {
  if (event.details.size() > audit_details_bytes_max || event.subject.size() > audit_subject_bytes_max)
    return fail(errc::too_large, "what the audit is to tell of " + event.action + " is too long");
  const auto actor = event.actor.value_or(audit_person{by.user_id, by.name});
  auto end = newest_row(db);
  auto actor_mark = mark_of(db, actor.id, actor.name);
  // Where nobody was let in, the address is that of whose name was given, and is forgotten with that.
  auto address_mark = mark_of(db, actor.id != 0 ? actor.id : event.person.id, by.address);
  auto subject_mark = mark_of(db, event.person.id, event.person.name);
  for (const auto* failed : {&actor_mark, &address_mark, &subject_mark})
    if (!*failed)
      return failed->error();
  if (!end)
    return std::move(end.error());
  audit_row row;
  row.id = end->id + 1;
  row.at = now_us();
  row.actor_id = actor.id;
  row.actor.mark = *actor_mark;
  row.way = by.way;
  row.address.mark = *address_mark;
  row.action = event.action;
  row.subject_id = event.person.id;
  row.subject_name.mark = *subject_mark;
  row.subject = event.subject;
  row.details = event.details;
  row.previous = end->hash;
  row.hash = audit_hash(row);
  return insert_row(db, row);
}

caf::error with_audit(connection& db, const audit_origin& by, caf::expected<audit_note> changed) {
  if (!changed) {
    if (changed.error())
      return std::move(changed.error());
    return fail(errc::storage_failed, "a change did not say what the audit tells of it, and was not made");
  }
  return changed->told() ? append_audit(db, by, *changed->told()) : caf::error{};
}

caf::expected<std::vector<audit_row>> sqlite_database::audit_rows(const audit_question& question) {
  auto query = impl_->db->use(query_for(question.user.has_value(), question.oldest_first));
  query.bind(question.after).bind(question.before > 0 ? question.before : no_id).bind(question.since);
  query.bind(question.action).bind(int64_t{std::clamp(question.limit, 0, audit_rows_max)});
  if (question.user)
    query.bind(*question.user);
  std::vector<audit_row> rows;
  if (auto err = query.each_row([&] { rows.push_back(row_from(query)); }))
    return err;
  return rows;
}

caf::expected<audit_head> sqlite_database::newest_audit() {
  return newest_row(*impl_->db);
}

caf::expected<audit_verdict> sqlite_database::verify_audit(const std::optional<audit_head>& known) {
  static const std::string all = columns() + "ORDER BY audit.id";
  audit_walk walk;
  audit_verdict verdict;
  bool found = !known || (known->id == 0 && known->hash == audit_beginning);
  {
    auto query = impl_->db->use(all);
    for (;;) {
      auto stands = query.step();
      if (!stands)
        return std::move(stands.error());
      if (!*stands)
        break;
      const auto row = row_from(query);
      verdict.fault = walk.fault_of(row);
      if (!verdict.fault.empty())
        break;
      found = found || (known->id == row.id && known->hash == row.hash);
    }
  }
  verdict.head = walk.head();
  verdict.forgotten = walk.forgotten();
  if (!verdict.fault.empty())
    return verdict;
  auto nameless = row_without_its_text(*impl_->db);
  if (!nameless)
    return std::move(nameless.error());
  if (*nameless > 0)
    verdict.fault = "a name or address of row " + std::to_string(*nameless) + " is missing, though nobody was erased";
  else if (known)
    verdict.fault = fault_of_known(*known, found, verdict.head);
  return verdict;
}

} // namespace varro
