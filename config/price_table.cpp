#include "config/price_table.hpp"

#include <algorithm>
#include <limits>

namespace varro {

namespace {

// 2^63 tokens of five classes at the greatest price are 2^106 picounits.
__extension__ typedef __int128 wide;

constexpr int64_t nano_per_unit = 1'000'000'000;
constexpr wide pico_per_nano = 1'000;
constexpr size_t decimals_of_micro = 6;
constexpr size_t decimals_of_nano = 9;
constexpr size_t decimals_shown_min = 2;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

} // namespace

const model_price* price_table::at(std::string_view model, unix_us time) const {
  const model_price* newest = nullptr;
  for (const auto& row : rows)
    if (row.model == model && row.from <= time)
      newest = &row;
  return newest;
}

int64_t cost_nano(const billed_tokens& tokens, const model_price& price) {
  const auto part = [](int64_t count, int64_t micro) { return wide{std::max<int64_t>(count, 0)} * micro; };
  const wide pico = part(tokens.input, price.input) + part(tokens.output, price.output)
    + part(tokens.cache_read, price.cache_read) + part(tokens.cache_write_5m, price.cache_write_5m)
    + part(tokens.cache_write_1h, price.cache_write_1h);
  const wide nano = (pico + pico_per_nano / 2) / pico_per_nano;
  return static_cast<int64_t>(std::min<wide>(nano, std::numeric_limits<int64_t>::max()));
}

std::optional<int64_t> micro_units(std::string_view text) {
  const auto point = std::min(text.find('.'), text.size());
  const auto whole = text.substr(0, point);
  const auto decimals = point < text.size() ? text.substr(point + 1) : std::string_view{};
  // Seven digits at most: a sum of them stays small.
  if (whole.empty() || whole.size() > 7 || decimals.size() > decimals_of_micro
      || (decimals.empty() && point < text.size()) || !std::all_of(whole.begin(), whole.end(), is_digit)
      || !std::all_of(decimals.begin(), decimals.end(), is_digit))
    return std::nullopt;
  int64_t micro = 0;
  for (const char c : whole)
    micro = micro * 10 + (c - '0');
  for (size_t i = 0; i < decimals_of_micro; ++i)
    micro = micro * 10 + (i < decimals.size() ? decimals[i] - '0' : 0);
  return micro <= price_micro_max ? std::optional{micro} : std::nullopt;
}

std::string money_text(int64_t nano) {
  const auto whole = nano / nano_per_unit;
  auto rest = std::to_string(std::abs(nano % nano_per_unit));
  rest.insert(0, decimals_of_nano - rest.size(), '0');
  while (rest.size() > decimals_shown_min && rest.back() == '0')
    rest.pop_back();
  return (nano < 0 && whole == 0 ? "-" : "") + std::to_string(whole) + "." + rest;
}

} // namespace varro
