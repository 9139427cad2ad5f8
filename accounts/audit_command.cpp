#include "accounts/audit_command.hpp"

#include "accounts/command_parts.hpp"
#include "accounts/csv.hpp"
#include "storage/limits.hpp"

#include <array>
#include <charconv>
#include <ctime>
#include <ostream>

namespace varro {

namespace {

// The id of a name, or of "user 7", who may be erased.
caf::expected<int64_t> user_called(chat_reader& db, const std::string& typed) {
  constexpr std::string_view prefix = "user ";
  if (typed.starts_with(prefix)) {
    int64_t id = 0;
    const auto* end = typed.data() + typed.size();
    if (auto [stopped, problem] = std::from_chars(typed.data() + prefix.size(), end, id);
        problem == std::errc{} && stopped == end)
      return id;
  }
  auto user = user_named(db, typed);
  if (!user)
    return std::move(user.error());
  return user->id;
}

void print(const audit_row& row, bool csv, std::ostream& out) {
  const std::array<std::string, 9> fields{
    std::to_string(row.id), time_text(row.at), actor_of(row), row.way, row.address.text.value_or(""), row.action,
    subject_of(row),        row.details,       row.hash};
  const size_t shown = csv ? fields.size() : fields.size() - 1;
  for (size_t i = 0; i < shown; ++i)
    out << (i == 0 ? "" : csv ? "," : "\t") << (csv ? csv_field(fields[i]) : fields[i].empty() ? "-" : fields[i]);
  out << (csv ? "\r\n" : "\n");
}

} // namespace

int show_audit(const std::filesystem::path& data_dir, const audit_filter& filter, std::ostream& out,
               std::ostream& err) {
  audit_question question;
  question.action = filter.action;
  question.oldest_first = true;
  question.limit = audit_rows_max;
  auto since = since_of(filter.since);
  if (!since)
    return failed(err, since.error());
  question.since = *since;
  auto db = open_existing_reader(data_dir);
  if (!db)
    return failed(err, db.error());
  if (!filter.user.empty()) {
    auto user = user_called(**db, filter.user);
    if (!user)
      return failed(err, user.error());
    question.user = *user;
  }
  if (filter.csv)
    out << "id,time,who,way,address,action,about,details,hash\r\n";
  for (;;) {
    auto rows = (*db)->audit_rows(question);
    if (!rows)
      return failed(err, rows.error());
    for (const auto& row : *rows)
      print(row, filter.csv, out);
    if (rows->size() < static_cast<size_t>(audit_rows_max))
      return 0;
    question.after = rows->back().id;
  }
}

int show_audit_head(const std::filesystem::path& data_dir, std::ostream& out, std::ostream& err) {
  auto db = open_existing_reader(data_dir);
  if (!db)
    return failed(err, db.error());
  auto head = (*db)->newest_audit();
  if (!head)
    return failed(err, head.error());
  out << to_text(*head) << "\n";
  return 0;
}

int check_audit(const std::filesystem::path& data_dir, const std::string& known, std::ostream& out, std::ostream& err) {
  const auto head = audit_head_from(known);
  if (!known.empty() && !head)
    return failed(err, fail(errc::invalid_input, "--head is what `varro audit head` printed, not " + known));
  auto db = open_existing_reader(data_dir);
  if (!db)
    return failed(err, db.error());
  auto verdict = (*db)->verify_audit(head);
  if (!verdict)
    return failed(err, verdict.error());
  if (!verdict->fault.empty())
    return failed(err, fail(errc::storage_failed, "the audit is broken: " + verdict->fault));
  out << verdict->head.id << " rows, each as it was written";
  if (verdict->forgotten > 0)
    out << "; " << verdict->forgotten << " names and addresses of erased users are forgotten";
  out << "\nhead " << to_text(verdict->head) << "\n";
  if (!head)
    err << "varro: rows that are cut off at the end leave a whole chain: keep what `varro audit head` prints on "
           "another machine, and verify with --head\n";
  return 0;
}

} // namespace varro
