#include "accounts/usage_command.hpp"

#include "accounts/command_parts.hpp"
#include "accounts/usage_csv.hpp"

#include <algorithm>
#include <array>
#include <iomanip>
#include <limits>
#include <optional>
#include <ostream>
#include <vector>

namespace varro {

namespace {

std::optional<usage_by> by_called(std::string_view name) {
  if (name == "user")
    return usage_by::user;
  if (name == "day")
    return usage_by::day;
  return name == "model" ? std::optional{usage_by::model} : std::nullopt;
}

// Money rounded up to hundredths would lie about small sums: as it is, without a currency where there is none.
std::string cost_text(const usage_sum& sum) {
  if (sum.currency.empty())
    return sum.requests == 0 ? "-" : "unknown";
  return money_text(sum.cost_nano) + " " + sum.currency
    + (sum.unpriced > 0 ? " + " + std::to_string(sum.unpriced) + " unknown" : "");
}

constexpr size_t columns = 7;
using table_row = std::array<std::string, columns>;

void write_table(const std::vector<usage_sum>& sums, const std::string& by, std::ostream& out) {
  std::vector<table_row> rows{{by, "requests", "input", "output", "cells", "seconds", "cost"}};
  for (const auto& sum : sums) {
    const auto input = sum.tokens.input + sum.tokens.cache_read + sum.tokens.cache_write_5m + sum.tokens.cache_write_1h;
    rows.push_back(
      {sum.key.empty() ? "(no model)" : sum.key,
       std::to_string(sum.requests) + (sum.estimated > 0 ? " (" + std::to_string(sum.estimated) + " estimated)" : ""),
       std::to_string(input), std::to_string(sum.tokens.output), std::to_string(sum.cells),
       std::to_string(sum.processor_us / 1'000'000), cost_text(sum)});
  }
  std::array<size_t, columns> widths{};
  for (const auto& row : rows)
    for (size_t i = 0; i < columns; ++i)
      widths[i] = std::max(widths[i], row[i].size());
  for (const auto& row : rows) {
    for (size_t i = 0; i + 1 < columns; ++i)
      out << std::left << std::setw(static_cast<int>(widths[i]) + 2) << row[i];
    out << row.back() << "\n";
  }
}

} // namespace

int show_usage(const std::filesystem::path& data_dir, const usage_question& question, std::ostream& out,
               std::ostream& err) {
  const auto by = by_called(question.by);
  if (!by)
    return failed(err, fail(errc::invalid_input, "--by is user, day or model, not " + question.by));
  const auto since = since_of(question.since);
  if (!since)
    return failed(err, since.error());
  auto db = open_existing_reader(data_dir);
  if (!db)
    return failed(err, db.error());
  const auto sums = (*db)->usage_sums(*by, *since, std::numeric_limits<unix_us>::max());
  if (!sums)
    return failed(err, sums.error());
  if (question.csv)
    write_usage_csv(*sums, question.by, out);
  else
    write_table(*sums, question.by, out);
  return 0;
}

} // namespace varro
