#include "config/price_table.hpp"
#include "tests/config/support.hpp"

#include <limits>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us second = 1'000'000;
constexpr unix_us new_year_2026 = 1'767'225'600 * second;
constexpr unix_us may_2026 = 1'777'593'600 * second;

constexpr auto both_prices = R"(
[prices]
currency = "EUR"
[[price]]
model = "anthropic:sonnet"
from = 2026-05-01
input = 2
output = 10.5
[[price]]
model = "anthropic:sonnet"
from = 2026-01-01
input = 3.00
output = 15
cache_read = 0.30
cache_write_5m = 3.75
cache_write_1h = 6.0
)";

std::string price_error(std::string_view line) {
  return error_of("[[price]]\nmodel = \"m\"\nfrom = 2026-01-01\ninput = 1\noutput = 1\n" + std::string{line} + "\n");
}

model_price priced(int64_t micro) {
  return {"m", 0, micro, micro, micro, micro, micro};
}

} // namespace

TEST_CASE("a request costs what its classes of tokens cost, in nano-units") {
  auto prices = written_config{both_prices}.load().prices;
  CHECK(prices.currency == "EUR");
  const auto* price = prices.at("anthropic:sonnet", new_year_2026);
  REQUIRE(price != nullptr);
  // 1,000 at 3.00, 200 at 15.00, 10,000 at 0.30, 400 at 3.75 and 50 at 6.00 for a million.
  CHECK(cost_nano({1'000, 200, 10'000, 400, 50}, *price) == 3'000'000 + 3'000'000 + 3'000'000 + 1'500'000 + 300'000);
  CHECK(cost_nano({}, *price) == 0);
}

TEST_CASE("the price that held at the time of the request is used") {
  auto prices = written_config{both_prices}.load().prices;
  CHECK(prices.at("anthropic:sonnet", new_year_2026 - 1) == nullptr);
  CHECK(prices.at("anthropic:sonnet", new_year_2026)->input == 3'000'000);
  CHECK(prices.at("anthropic:sonnet", may_2026 - 1)->input == 3'000'000);
  CHECK(prices.at("anthropic:sonnet", may_2026)->input == 2'000'000);
  CHECK(prices.at("anthropic:sonnet", std::numeric_limits<unix_us>::max())->output == 10'500'000);
}

TEST_CASE("a model without a price has none, and one that is free has zeros") {
  auto prices = written_config{both_prices}.load().prices;
  CHECK(prices.at("anthropic:opus", may_2026) == nullptr);
  CHECK(prices.at("", may_2026) == nullptr);
  auto free
    = written_config{"[[price]]\nmodel = \"ollama:x\"\nfrom = 2026-01-01\ninput = 0\noutput = 0.0\n"}.load().prices;
  REQUIRE(free.at("ollama:x", may_2026) != nullptr);
  CHECK(cost_nano({1'000'000, 1'000'000, 5, 5, 5}, *free.at("ollama:x", may_2026)) == 0);
}

TEST_CASE("a class of tokens whose price is left out costs as much as input") {
  auto prices = written_config{both_prices}.load().prices;
  const auto* price = prices.at("anthropic:sonnet", may_2026);
  CHECK(price->cache_read == 2'000'000);
  CHECK(price->cache_write_5m == 2'000'000);
  CHECK(price->cache_write_1h == 2'000'000);
}

TEST_CASE("a cost is rounded once, half up") {
  // A token at 0.000001 for a million is one picounit.
  CHECK(cost_nano({499, 0, 0, 0, 0}, priced(1)) == 0);
  CHECK(cost_nano({500, 0, 0, 0, 0}, priced(1)) == 1);
  CHECK(cost_nano({300, 300, 300, 300, 300}, priced(1)) == 2); // 1,500 picounits, where each class alone is none
}

TEST_CASE("no count of tokens overflows a cost") {
  constexpr auto most = std::numeric_limits<int64_t>::max();
  CHECK(cost_nano({most, most, most, most, most}, priced(price_micro_max)) == most);
  // The greatest cost that fits, and one token more.
  CHECK(cost_nano({9'223'372'036, 0, 0, 0, 0}, priced(price_micro_max)) == 9'223'372'036'000'000'000);
  CHECK(cost_nano({9'223'372'037, 0, 0, 0, 0}, priced(price_micro_max)) == most);
  CHECK(cost_nano({std::numeric_limits<int64_t>::min(), 1'000, 0, 0, 0}, priced(1)) == 1);
}

TEST_CASE("an amount is read digit by digit") {
  CHECK(micro_units("3") == 3'000'000);
  CHECK(micro_units("0.075") == 75'000);
  CHECK(micro_units("0.000001") == 1);
  CHECK(micro_units("1000000") == price_micro_max);
  for (const auto* wrong : {"", ".", ".5", "5.", "-1", "+1", "1e3", "1,5", "1.0000001", "1000000.000001", "99999999",
                            "inf", "nan", " 1", "0x1", "1.5.5"})
    CHECK_MESSAGE(!micro_units(wrong), wrong);
  // Each price with six decimals or fewer is the same however TOML holds it.
  for (int64_t micro = 1; micro < price_micro_max; micro = micro * 7 + 3) {
    auto whole = std::to_string(micro / 1'000'000), rest = std::to_string(1'000'000 + micro % 1'000'000).substr(1);
    auto text = whole + "." + rest;
    auto loaded = written_config{"[[price]]\nmodel = \"m\"\nfrom = 2026-01-01\noutput = 1\ninput = " + text + "\n"};
    CHECK(loaded.load().prices.rows.at(0).input == micro);
  }
}

TEST_CASE("money is written with the decimals that it has") {
  CHECK(money_text(0) == "0.00");
  CHECK(money_text(31'500'000) == "0.0315");
  CHECK(money_text(12'000'000'000) == "12.00");
  CHECK(money_text(1) == "0.000000001");
  CHECK(money_text(-1) == "-0.000000001");
  CHECK(money_text(std::numeric_limits<int64_t>::max()) == "9223372036.854775807");
}

TEST_CASE("a wrong price names file, line, key and what is allowed") {
  CHECK(price_error("from_day = 1")
        == "test.toml:6: price.from_day: no such key. Allowed: model, from, input, output, cache_read, cache_write_5m, "
           "cache_write_1h");
  CHECK(
    contains(price_error("cache_reed = 1"), "test.toml:6: price.cache_reed: no such key; did you mean cache_read?"));
  for (const auto* line : {"cache_read = -1", "cache_read = 0.0000001", "cache_read = 1000001", "cache_read = \"1\"",
                           "cache_read = true", "cache_read = inf", "cache_read = nan"})
    CHECK_MESSAGE(contains(price_error(line), "test.toml:6: price.cache_read: expected the price of a million tokens"),
                  line);
  CHECK(price_error("cache_read = 1000000") == "no error");
  CHECK(contains(error_of("[[price]]\nmodel = \"m\"\nfrom = \"2026-01-01\"\n"),
                 "test.toml:3: price.from: expected a day, written 2026-01-31 without quotes"));
  CHECK(contains(error_of("[[price]]\nmodel = 7\n"), "test.toml:2: price.model: expected a model's id"));
  CHECK(contains(error_of("[[price]]\nfrom = 2026-01-01\ninput = 1\noutput = 1\n"), "price: needs model"));
  CHECK(contains(error_of("[[price]]\nmodel = \"m\"\ninput = 1\noutput = 1\n"), "price: needs from"));
  CHECK(contains(error_of("[[price]]\nmodel = \"m\"\nfrom = 2026-01-01\ninput = 1\n"), "price: needs output"));
  CHECK(contains(error_of("[price]\nmodel = \"m\"\n"), "price: expected sections, each written [[price]]"));
  CHECK(contains(error_of("[prices]\ncurrency = \"usd\"\n"),
                 "test.toml:2: prices.currency: expected three capital letters"));
}

TEST_CASE("two prices of one model from one day are refused with both places") {
  std::string row = "[[price]]\nmodel = \"m\"\nfrom = 2026-01-01\ninput = 1\noutput = 1\n";
  CHECK(error_of(row + row) == "test.toml:6: price.from: m has another price from the same day, at test.toml:1");
  CHECK(error_of(row) == "no error");
}
