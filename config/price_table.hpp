// What a model's tokens cost, and since when: the [[price]] sections of the configuration.
//
// Money is in whole numbers. A price is in micro-units of the currency for a million tokens (3.00 USD for a million is
// 3'000'000), so that one token costs whole picounits (10^-12). A cost is in nano-units (10^-9: 1 USD is 1'000'000'000)
// and is the sum of a request's picounits, rounded once, half up. Values and pure functions, any thread.
#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Tokens of one request, each in exactly one class.
struct billed_tokens {
  int64_t input = 0; // neither read from a cache nor written to one
  int64_t output = 0;
  int64_t cache_read = 0;
  int64_t cache_write_5m = 0; // written to a cache that holds them for five minutes
  int64_t cache_write_1h = 0; // for an hour

  bool operator==(const billed_tokens&) const = default;
};

// A price that can be written: 1,000,000 units for a million tokens, which is one unit a token.
inline constexpr int64_t price_micro_max = 1'000'000'000'000;

// In micro-units for a million tokens, each from 0 to price_micro_max.
struct model_price {
  std::string model; // model_config::id
  unix_us from = 0;  // 0:00 UTC of the day from which on it holds
  int64_t input = 0;
  int64_t output = 0;
  int64_t cache_read = 0;
  int64_t cache_write_5m = 0;
  int64_t cache_write_1h = 0;

  bool operator==(const model_price&) const = default;
};

struct price_table {
  std::string currency = "USD";  // ISO 4217: three capital letters
  std::vector<model_price> rows; // by model, then by day; no two of one model have the same day

  // The price of this model that held at this time; null where the table has none, which is not the same as free.
  const model_price* at(std::string_view model, unix_us time) const;
};

// In nano-units. A count below 0 is 0; a cost that an int64_t cannot hold (some 9 billion units) is its greatest value.
int64_t cost_nano(const billed_tokens& tokens, const model_price& price);

// "3", "0.075": an amount from 0 to 1,000,000 with at most six decimals, in micro-units; nothing where it is another
// text.
std::optional<int64_t> micro_units(std::string_view text);

// Nano-units as text with nine decimals at most and two at least: "0.0315", "12.00".
std::string money_text(int64_t nano);

} // namespace varro
