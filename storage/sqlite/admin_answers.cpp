// What the pages of admins show of the database.
#include "storage/limit_book.hpp"
#include "storage/limits.hpp"
#include "storage/sqlite/account_rows.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

#include <algorithm>
#include <limits>

namespace varro {

namespace {

caf::expected<std::vector<link_found>> links_at(connection& db, unix_us now) {
  auto query = db.use("SELECT token_hash, purpose, links.role, coalesce(user_id, 0), links.created_at, expires_at,"
                      " coalesce(name, '') FROM links LEFT JOIN users ON users.id = user_id WHERE expires_at > ?1"
                      " ORDER BY links.created_at DESC, token_hash LIMIT ?2");
  query.bind(now).bind(int64_t{links_max});
  std::vector<link_found> links;
  auto err = query.each_row([&] {
    links.push_back(
      {{query.text(0), query.text(1), query.text(2), query.integer(3), query.integer(4), query.integer(5)},
       query.text(6)});
  });
  if (err)
    return err;
  return links;
}

constexpr int64_t nano_per_unit = 1'000'000'000;

caf::expected<spending> spent_since(connection& db, int64_t user_id, unix_us since) {
  // Costs are added up in two halves, of which neither overflows. Sums of days, however many rows the ledger has: the
  // thread that reads this reads everybody's chats.
  auto query = db.use("SELECT coalesce(sum(requests), 0), CAST(min(total(tokens), 4e18) AS INTEGER),"
                      " coalesce(sum(cost_nano / 1000000000), 0), coalesce(sum(cost_nano % 1000000000), 0),"
                      " coalesce(min(nullif(currency, '')), ''), coalesce(max(currency), '')"
                      " FROM usage_days WHERE user_id = ?1 AND day >= ?2");
  auto row = query.bind(user_id).bind(day_of(since)).step();
  if (!row)
    return std::move(row.error());
  spending spent{query.integer(0), query.integer(1), 0, query.text(4)};
  const auto units_max = std::numeric_limits<int64_t>::max() / nano_per_unit - 1'000'000;
  spent.cost_nano = std::min(query.integer(2), units_max) * nano_per_unit + query.integer(3);
  if (query.text(4) != query.text(5))
    spent.currency.assign(1, '?'); // a literal of one character makes GCC 12 see an overflow
  return spent;
}

caf::expected<people_page> people_of(connection& db, const people_question& question) {
  people_page page;
  const auto limit = std::clamp(question.limit, 1, admin_people_max);
  {
    auto query
      = db.use("SELECT id, name, CASE password_hash WHEN '' THEN '' ELSE '*' END, disabled, created_at, role, issuer,"
               " max(coalesce((SELECT max(last_used_at) FROM logins WHERE user_id = users.id), 0),"
               "     coalesce((SELECT max(at) FROM usage WHERE user_id = users.id), 0),"
               "     coalesce((SELECT at FROM audit WHERE actor_id = users.id ORDER BY audit.id DESC LIMIT 1), 0)),"
               " (SELECT count(*) FROM chats WHERE user_id = users.id)"
               " FROM users WHERE name > ?1 AND (?2 = '' OR instr(lower(name), lower(?2)) > 0)"
               " AND (?4 = 0 OR id = ?4) ORDER BY name LIMIT ?3");
    query.bind(question.after).bind(question.search).bind(int64_t{limit} + 1).bind(question.user_id);
    if (auto err
        = query.each_row([&] { page.people.push_back({user_from(query), query.integer(7), query.integer(8), {}}); }))
      return err;
  }
  page.more = page.people.size() > static_cast<size_t>(limit);
  if (page.more)
    page.people.pop_back();
  for (auto& each : page.people) {
    auto spent = spent_since(db, each.user.id, question.month_start);
    if (!spent)
      return std::move(spent.error());
    each.month = std::move(*spent);
  }
  return page;
}

caf::error add_details(sqlite_database& db, connection& rows, person& one) {
  auto query = rows.use("SELECT name, source FROM user_groups WHERE user_id = ?1 ORDER BY name, source");
  query.bind(one.user.id);
  if (auto err = query.each_row([&] { one.groups.push_back({query.text(0), one.user.name, query.text(1)}); }))
    return err;
  auto limits = db.limits_of(one.user.id);
  if (!limits)
    return std::move(limits.error());
  one.limits = std::move(*limits);
  return caf::none;
}

caf::expected<people_page> people_with_details(sqlite_database& db, connection& rows, const people_question& question) {
  auto page = people_of(rows, question);
  if (!page || !question.in_detail)
    return page;
  for (auto& each : page->people)
    if (auto err = add_details(db, rows, each))
      return err;
  return page;
}

caf::expected<std::map<int64_t, std::string>> names_of(connection& db, const std::vector<int64_t>& ids) {
  std::map<int64_t, std::string> names;
  for (const auto id : ids) {
    if (names.contains(id))
      continue;
    auto query = db.use("SELECT name FROM users WHERE id = ?1");
    auto row = query.bind(id).step();
    if (!row)
      return std::move(row.error());
    if (*row)
      names[id] = query.text(0);
  }
  return names;
}

caf::expected<std::vector<failure_count>> failures_since(connection& db, unix_us since) {
  auto query = db.use("SELECT kind, outcome, provider, model, count(*), max(at) FROM usage WHERE at >= ?1"
                      " AND ((kind = 'model' AND outcome NOT IN ('answered', 'stopped'))"
                      "  OR (kind = 'cell' AND outcome IN ('killed', 'lost')))"
                      " GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4 LIMIT ?2");
  query.bind(since).bind(int64_t{failures_max});
  std::vector<failure_count> failures;
  if (auto err = query.each_row([&] {
        failures.push_back(
          {query.text(0), query.text(1), query.text(2), query.text(3), query.integer(4), query.integer(5)});
      }))
    return err;
  return failures;
}

caf::expected<std::vector<erasure_shown>> erasures_since(connection& db, unix_us ended_since) {
  auto query = db.use("SELECT user_id, step, asked_at, ended_at, coalesce(name, '') FROM erasures"
                      " LEFT JOIN users ON users.id = user_id WHERE step <> 'done' OR ended_at >= ?1"
                      " ORDER BY asked_at, user_id LIMIT ?2");
  query.bind(ended_since).bind(int64_t{admin_people_max});
  std::vector<erasure_shown> erasures;
  if (auto err = query.each_row([&] {
        erasures.push_back({{query.integer(0), query.text(1), query.integer(2), query.integer(3)}, query.text(4)});
      }))
    return err;
  return erasures;
}

caf::expected<std::vector<int64_t>> locked_out_of(connection& db, const std::vector<int64_t>& ids) {
  std::vector<int64_t> locked_out;
  for (const auto id : ids) {
    auto query = db.use("SELECT 1 FROM users WHERE id = ?1 AND disabled = 0");
    auto row = query.bind(id).step();
    if (!row)
      return std::move(row.error());
    if (!*row)
      locked_out.push_back(id);
  }
  return locked_out;
}

caf::expected<std::optional<chat_record>> chat_of_anybody(connection& db, int64_t id) {
  auto query = db.use("SELECT user_id, title FROM chats WHERE id = ?1");
  auto row = query.bind(id).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return std::optional<chat_record>{};
  chat_record chat;
  chat.id = id;
  chat.user_id = query.integer(0);
  chat.title = query.text(1);
  return std::optional{std::move(chat)};
}

template <class Answer>
caf::expected<admin_answer> as_answer(caf::expected<Answer> answer) {
  if (!answer)
    return std::move(answer.error());
  return admin_answer{std::move(*answer)};
}

} // namespace

caf::expected<admin_answer> sqlite_database::answer(const admin_question& question) {
  if (const auto* audit = std::get_if<audit_question>(&question.what))
    return as_answer(audit_rows(*audit));
  if (const auto* people = std::get_if<people_question>(&question.what))
    return as_answer(people_with_details(*this, *impl_->db, *people));
  if (const auto* spent = std::get_if<spending_question>(&question.what))
    return as_answer(
      usage_sums(spent->by, spent->since, spent->until, std::clamp<int64_t>(spent->rows_max, 0, spending_rows_max)));
  if (const auto* names = std::get_if<names_question>(&question.what))
    return as_answer(names_of(*impl_->db, names->ids));
  if (const auto* failed = std::get_if<failures_question>(&question.what))
    return as_answer(failures_since(*impl_->db, failed->since));
  if (const auto* erasures = std::get_if<erasures_question>(&question.what))
    return as_answer(erasures_since(*impl_->db, erasures->ended_since));
  if (const auto* users = std::get_if<locked_out_question>(&question.what))
    return as_answer(locked_out_of(*impl_->db, users->ids));
  if (const auto* chat = std::get_if<chat_question>(&question.what))
    return as_answer(chat_of_anybody(*impl_->db, chat->chat_id));
  return as_answer(links_at(*impl_->db, std::get<links_question>(question.what).now));
}

} // namespace varro
