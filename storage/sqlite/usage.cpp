#include "storage/sqlite/usage.hpp"

#include "storage/limit_book.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

#include <algorithm>
#include <limits>

namespace varro {

namespace {

constexpr int64_t nano_per_unit = 1'000'000'000;

int64_t bounded(int64_t value, int64_t most) {
  return std::clamp<int64_t>(value, 0, most);
}

std::optional<int64_t> bounded(std::optional<int64_t> value, int64_t most) {
  return value ? std::optional{bounded(*value, most)} : std::nullopt;
}

// Costs are added up in two halves, of which neither overflows. ?3 is a usage_by.
constexpr std::string_view sums_query
  = "SELECT CASE ?3 WHEN 0 THEN coalesce(users.name, CASE WHEN EXISTS (SELECT 1"
    " FROM erasures WHERE erasures.user_id = usage.user_id) THEN 'erased user ' ELSE 'user ' END || usage.user_id)"
    " WHEN 1 THEN date(at / 1000000, 'unixepoch') ELSE usage.model END,"
    " currency, sum(kind = 'model'), sum(estimated), sum(kind = 'model' AND cost_nano IS NULL),"
    " sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_write_5m_tokens),"
    " sum(cache_write_1h_tokens), coalesce(sum(cost_nano / 1000000000), 0), coalesce(sum(cost_nano % 1000000000), 0),"
    " sum(kind = 'cell'), sum(kind = 'cell' AND processor_us IS NULL), coalesce(sum(processor_us), 0), sum(wall_us)"
    " FROM usage LEFT JOIN users ON users.id = usage.user_id WHERE at >= ?1 AND at < ?2"
    " GROUP BY 1, 2 ORDER BY 1, currency = '', 2 LIMIT ?4";
static_assert(static_cast<int>(usage_by::user) == 0 && static_cast<int>(usage_by::day) == 1);

int64_t whole_cost(int64_t units, int64_t nano) {
  int64_t cost = 0;
  if (__builtin_mul_overflow(units, nano_per_unit, &cost) || __builtin_add_overflow(cost, nano, &cost))
    return std::numeric_limits<int64_t>::max();
  return cost;
}

usage_sum sum_from(const statement& row) {
  usage_sum sum;
  sum.key = row.text(0);
  sum.currency = row.text(1);
  sum.requests = row.integer(2);
  sum.estimated = row.integer(3);
  sum.unpriced = row.integer(4);
  sum.tokens = {row.integer(5), row.integer(6), row.integer(7), row.integer(8), row.integer(9)};
  sum.cost_nano = whole_cost(row.integer(10), row.integer(11));
  sum.cells = row.integer(12);
  sum.cells_unmeasured = row.integer(13);
  sum.processor_us = row.integer(14);
  sum.wall_us = row.integer(15);
  return sum;
}

// Rows without a cost come last of their key.
bool joins(const usage_sum& sum, const std::vector<usage_sum>& sums) {
  return sum.currency.empty() && !sums.empty() && sums.back().key == sum.key;
}

void add_uncosted(usage_sum& to, const usage_sum& from) {
  to.requests += from.requests;
  to.estimated += from.estimated;
  to.unpriced += from.unpriced;
  to.tokens.input += from.tokens.input;
  to.tokens.output += from.tokens.output;
  to.tokens.cache_read += from.tokens.cache_read;
  to.tokens.cache_write_5m += from.tokens.cache_write_5m;
  to.tokens.cache_write_1h += from.tokens.cache_write_1h;
  to.cells += from.cells;
  to.cells_unmeasured += from.cells_unmeasured;
  to.processor_us += from.processor_us;
  to.wall_us += from.wall_us;
}

// Nobody says what a cell has used whose process ended under it, which its own code can do: then it counts as if it had
// computed all the time, so that this is no way around a limit.
int64_t counted_processor_us(const usage_row& row) {
  const auto unmeasured = row.kind == usage_kind::cell ? row.wall_us : 0;
  return bounded(row.processor_us.value_or(unmeasured), usage_time_us_max);
}

// The sums of the row's day grow. None of them can overflow, which would refuse the commit of a message.
caf::error add_to_day(connection& db, const usage_row& row) {
  const bool is_request = row.kind == usage_kind::model;
  const bool is_sent = row.outcome != usage_outcome::refused && row.outcome != usage_outcome::unsent;
  const auto& tokens = row.tokens;
  int64_t count = 0;
  for (auto each : {tokens.input, tokens.output, tokens.cache_read, tokens.cache_write_5m, tokens.cache_write_1h})
    count += bounded(each, usage_tokens_max);
  auto add = db.use("INSERT INTO usage_days(user_id, day, currency, requests, tokens, cost_nano, processor_us)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET"
                    " requests = requests + excluded.requests,"
                    " tokens = min(tokens + excluded.tokens, 4000000000000000000),"
                    " cost_nano = min(cost_nano + excluded.cost_nano, 4000000000000000000),"
                    " processor_us = min(processor_us + excluded.processor_us, 4000000000000000000)");
  static_assert(usage_sum_max == 4'000'000'000'000'000'000);
  add.bind(row.user_id).bind(day_of(row.at)).bind(row.cost_nano ? row.currency : std::string{});
  add.bind(int64_t{is_request && is_sent}).bind(count).bind(bounded(row.cost_nano.value_or(0), usage_sum_max));
  return add.bind(counted_processor_us(row)).run();
}

} // namespace

caf::error put_usage(connection& db, const usage_row& row) {
  if (auto err = add_to_day(db, row))
    return err;
  auto insert = db.use("INSERT INTO usage(at, user_id, chat_id, run_id, seq, kind, outcome, model, provider, vendor_id,"
                       " input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,"
                       " estimated, cost_nano, currency, processor_us, wall_us) VALUES"
                       " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)");
  const auto& tokens = row.tokens;
  insert.bind(row.at).bind(row.user_id).bind(row.chat_id).bind(row.run_id).bind(row.seq);
  insert.bind(row.kind).bind(row.outcome).bind(row.model).bind(row.provider).bind(row.vendor_id);
  for (auto count : {tokens.input, tokens.output, tokens.cache_read, tokens.cache_write_5m, tokens.cache_write_1h})
    insert.bind(bounded(count, usage_tokens_max));
  insert.bind(row.estimated ? 1 : 0).bind(row.cost_nano).bind(row.cost_nano ? row.currency : std::string{});
  return insert.bind(bounded(row.processor_us, usage_time_us_max)).bind(bounded(row.wall_us, usage_time_us_max)).run();
}

caf::error sqlite_database::note_usage(const std::vector<usage_row>& rows) {
  return impl_->write_all([&]() -> caf::error {
    for (const auto& row : rows)
      if (auto err = put_usage(*impl_->db, row))
        return err;
    return caf::none;
  });
}

caf::expected<std::vector<usage_sum>> sqlite_database::usage_sums(usage_by by, unix_us since, unix_us until,
                                                                  int64_t rows_max) {
  std::vector<usage_sum> sums;
  auto query = impl_->db->use(sums_query);
  query.bind(since).bind(until).bind(static_cast<int64_t>(by)).bind(rows_max);
  auto err = query.each_row([&] {
    auto sum = sum_from(query);
    if (joins(sum, sums))
      add_uncosted(sums.back(), sum);
    else
      sums.push_back(std::move(sum));
  });
  if (err)
    return err;
  return sums;
}

} // namespace varro
