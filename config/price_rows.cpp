#include "config/price_rows.hpp"

#include "config/keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <sstream>
#include <tuple>
#include <utility>

namespace varro {

namespace {

using place_of = std::function<std::string(const toml::source_region&)>;

constexpr size_t model_id_bytes_max = 300;

// A price where none is written is that of ordinary input: a class of tokens is never free by silence.
struct price_key {
  const char* name;
  int64_t model_price::* member;
  bool required;
};
constexpr std::array<price_key, 5> price_keys = {{
  {"input", &model_price::input, true},
  {"output", &model_price::output, true},
  {"cache_read", &model_price::cache_read, false},
  {"cache_write_5m", &model_price::cache_write_5m, false},
  {"cache_write_1h", &model_price::cache_write_1h, false},
}};

caf::error refuse(const std::string& where, const std::string& what) {
  return fail(errc::config_invalid, where + ": " + what);
}

std::string as_written(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return text.str();
}

// TOML's decimals are binary fractions: the shortest decimal that names this one is what was written, as long as it has
// no more than 15 digits, and a price has 13.
std::string decimal_text(double value) {
  std::array<char, 512> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return end.ec == std::errc{} ? std::string{text.data(), end.ptr} : std::string{};
}

std::optional<int64_t> amount(const toml::node& node) {
  if (const auto* whole = node.as_integer())
    return micro_units(std::to_string(whole->get()));
  if (const auto* decimal = node.as_floating_point())
    return micro_units(decimal_text(decimal->get()));
  return std::nullopt;
}

caf::error read_model(const toml::node& node, const std::string& where, model_price& row) {
  const auto* text = node.as_string();
  if (!text || text->get().empty() || text->get().size() > model_id_bytes_max)
    return refuse(where, "expected a model's id, such as \"anthropic:claude-sonnet-4-5\", got " + as_written(node));
  row.model = text->get();
  return caf::none;
}

caf::error read_from(const toml::node& node, const std::string& where, model_price& row) {
  const auto* date = node.as_date();
  if (!date)
    return refuse(where, "expected a day, written 2026-01-31 without quotes, got " + as_written(node));
  using namespace std::chrono;
  const auto& day = date->get();
  row.from
    = microseconds{sys_days{year{day.year} / month{day.month} / std::chrono::day{day.day}}.time_since_epoch()}.count();
  return caf::none;
}

caf::error read_amount(const price_key& key, const toml::node& node, const std::string& where, model_price& row) {
  const auto micro = amount(node);
  if (!micro)
    return refuse(where,
                  "expected the price of a million tokens, a number from 0 to 1000000 with at most six decimals such "
                  "as 0.30, got "
                    + as_written(node));
  row.*key.member = *micro;
  return caf::none;
}

caf::error read_key(std::string_view name, const toml::node& node, const std::string& where, model_price& row) {
  if (name == "model")
    return read_model(node, where, row);
  if (name == "from")
    return read_from(node, where, row);
  for (const auto& key : price_keys)
    if (key.name == name)
      return read_amount(key, node, where, row);
  const std::vector<std::string> known{"model",      "from",           "input",         "output",
                                       "cache_read", "cache_write_5m", "cache_write_1h"};
  const auto nearest = nearest_name(name, known);
  return refuse(where,
                "no such key" + (nearest.empty() ? ". " : "; did you mean " + nearest + "? ")
                  + "Allowed: model, from, input, output, cache_read, cache_write_5m, cache_write_1h");
}

caf::error read_row(const toml::table& table, const place_of& at, model_price& row) {
  const auto here = at(table.source()) + ": price";
  for (const auto& [key, node] : table)
    if (auto problem = read_key(key.str(), node, at(key.source()) + ": price." + std::string{key.str()}, row))
      return problem;
  for (const auto* name : {"model", "from"})
    if (!table.contains(name))
      return refuse(here, std::string{"needs "} + name);
  for (const auto& key : price_keys) {
    if (table.contains(key.name))
      continue;
    if (key.required)
      return refuse(here, std::string{"needs "} + key.name);
    row.*key.member = row.input;
  }
  return caf::none;
}

} // namespace

caf::error read_price_rows(const toml::node& node, const place_of& at, price_table& table) {
  const auto* list = node.as_array();
  std::vector<std::pair<model_price, std::string>> read; // with their places
  for (size_t i = 0; list && i < list->size(); ++i) {
    const auto* section = list->get(i)->as_table();
    if (!section)
      return refuse(at(node.source()) + ": price", "expected sections, each written [[price]]");
    if (read.size() == price_rows_max)
      return refuse(at(section->source()) + ": price", "more than " + std::to_string(price_rows_max) + " prices");
    model_price row;
    if (auto problem = read_row(*section, at, row))
      return problem;
    read.emplace_back(std::move(row), at(section->source()));
  }
  if (!list)
    return refuse(at(node.source()) + ": price", "expected sections, each written [[price]]");
  const auto key = [](const auto& each) { return std::tie(each.first.model, each.first.from); };
  std::stable_sort(read.begin(), read.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  for (size_t i = 1; i < read.size(); ++i)
    if (key(read[i - 1]) == key(read[i]))
      return refuse(read[i].second + ": price.from",
                    read[i].first.model + " has another price from the same day, at " + read[i - 1].second);
  for (auto& each : read)
    table.rows.push_back(std::move(each.first));
  return caf::none;
}

} // namespace varro
