#include "bench/scenario.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

namespace varro::bench {

namespace {

// Thrown and caught in this file only: what is wrong, with its line.
struct bad_scenario {
  std::string text;
};

// One table of the file, each of whose keys has to be asked for.
class table_reader {
public:
  table_reader(const toml::table& table, std::string name, const std::string& file)
    : table_(table), name_(std::move(name)), file_(file) {}

  // In their order of asking, without what is not there.
  void number(const char* key, double& into, double least, double most) {
    if (auto* node = take(key)) {
      auto value = node->value<double>();
      if (!node->is_number() || !value || !(*value >= least && *value <= most))
        fail(*node, key, "is a number from " + plain(least) + " to " + plain(most));
      into = *value;
    }
  }
  void whole(const char* key, int64_t& into, int64_t least, int64_t most) {
    if (auto* node = take(key)) {
      auto* value = node->as_integer();
      if (!value || value->get() < least || value->get() > most)
        fail(*node, key, "is a whole number from " + std::to_string(least) + " to " + std::to_string(most));
      into = value->get();
    }
  }
  void text(const char* key, std::string& into) {
    if (auto* node = take(key)) {
      auto* value = node->as_string();
      if (!value || value->get().empty())
        fail(*node, key, "is a text that is not empty");
      into = value->get();
    }
  }
  // One of `names`; its index.
  template <class Names>
  size_t word(const char* key, const Names& names, size_t otherwise) {
    std::string chosen, all;
    auto* node = table_.get(key);
    text(key, chosen);
    if (!node)
      return otherwise;
    for (size_t i = 0; i < std::size(names); ++i) {
      if (names[i] == chosen)
        return i;
      all += (i == 0 ? "" : ", ") + std::string{names[i]};
    }
    fail(*node, key, "is one of " + all);
  }
  const toml::array* list(const char* key) {
    auto* node = take(key);
    if (!node)
      return nullptr;
    if (!node->is_array())
      fail(*node, key, "is a list");
    return node->as_array();
  }
  const toml::table* part(const char* key) {
    auto* node = take(key);
    if (!node)
      return nullptr;
    if (!node->is_table())
      fail(*node, key, "is a table");
    return node->as_table();
  }
  bool has(const char* key) const {
    return table_.contains(key);
  }
  void finish() const {
    for (auto&& [key, node] : table_) {
      if (std::find(asked_.begin(), asked_.end(), key.str()) == asked_.end())
        throw bad_scenario{at(key.source()) + ": there is no key " + prefix() + std::string{key.str()}};
    }
  }
  [[noreturn]] void fail(const toml::node& node, const std::string& key, const std::string& what) const {
    throw bad_scenario{at(node.source()) + ": " + prefix() + key + " " + what};
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw bad_scenario{at(table_.source()) + ": " + what};
  }
  const std::string& file() const {
    return file_;
  }

private:
  const toml::node* take(const char* key) {
    asked_.emplace_back(key);
    return table_.get(key);
  }
  std::string prefix() const {
    return name_.empty() ? name_ : name_ + ".";
  }
  std::string at(const toml::source_region& where) const {
    return file_ + ":" + std::to_string(std::max<uint32_t>(where.begin.line, 1));
  }
  static std::string plain(double value) {
    std::ostringstream text;
    text.precision(10);
    text << value;
    return text.str();
  }

  const toml::table& table_;
  std::string name_;
  const std::string& file_;
  std::vector<std::string> asked_;
};

open_load read_open(table_reader& load) {
  static constexpr std::array<std::string_view, 2> arrivals{"poisson", "constant"};
  open_load result;
  result.how = static_cast<open_load::arrivals>(load.word("arrivals", arrivals, 0));
  if (auto* stages = load.list("stages")) {
    if (stages->empty() || stages->size() > static_cast<size_t>(stages_max))
      load.fail(*stages, "stages", "has from 1 to " + std::to_string(stages_max) + " entries");
    for (auto& each : *stages) {
      if (!each.is_table())
        load.fail(each, "stages", "is a list of tables, as {seconds = 60, rate = 10}");
      table_reader stage{*each.as_table(), "load.stages", load.file()};
      rate_stage read;
      stage.number("seconds", read.seconds, 0.001, run_seconds_max);
      if (stage.has("rate")) {
        stage.number("rate", read.from, 0, rate_max);
        read.to = read.from;
      } else {
        stage.number("from", read.from, 0, rate_max);
        stage.number("to", read.to, 0, rate_max);
      }
      if (read.seconds == 0)
        stage.fail("a stage of load.stages has no seconds");
      stage.finish();
      result.stages.push_back(read);
    }
    if (result.seconds() > run_seconds_max)
      load.fail("the stages are longer than a day");
    return result;
  }
  rate_stage only{60, 0, 0};
  load.number("seconds", only.seconds, 0.001, run_seconds_max);
  load.number("rate", only.from, 0, rate_max);
  only.to = only.from;
  if (only.from == 0)
    load.fail("an open load has a rate above 0, or stages");
  result.stages.push_back(only);
  return result;
}

closed_load read_closed(table_reader& load) {
  static constexpr std::array<std::string_view, 4> thinks{"constant", "uniform", "exponential", "lognormal"};
  closed_load result;
  load.whole("users", result.users, 1, users_max);
  load.number("seconds", result.seconds, 0.001, run_seconds_max);
  load.number("ramp_seconds", result.ramp_seconds, 0, run_seconds_max);
  result.how = static_cast<closed_load::think>(load.word("think", thinks, 2));
  load.number("think_ms", result.think_ms, 0, 3.6e6);
  load.number("think_sigma", result.think_sigma, 0, 10);
  return result;
}

void read_mix(const toml::table& table, const std::string& file, scenario& into) {
  table_reader turns{table, "turns", file};
  double sum = 0;
  for (size_t i = 0; i < turn_kind_names.size(); ++i) {
    into.weights[i] = 0;
    turns.number(turn_kind_names[i].data(), into.weights[i], 0, 1e6);
    sum += into.weights[i];
  }
  turns.finish();
  if (sum <= 0)
    turns.fail("no kind of turn has a weight above 0");
}

void read_shares(const toml::table& table, const std::string& file, scenario& into) {
  table_reader shares{table, "behaviours", file};
  double sum = 0;
  for (size_t i = 1; i < behaviour_names.size(); ++i) {
    shares.number(behaviour_names[i].data(), into.shares[i], 0, 1);
    sum += into.shares[i];
  }
  shares.finish();
  if (sum > 1 + 1e-9)
    shares.fail("the shares of behaviours add up to more than 1");
  into.shares[0] = std::max(0.0, 1 - sum);
}

void read_settings(table_reader& root, scenario& into) {
  int64_t seed = 1, long_cell_ms = into.long_cell.count(), slow_ms = into.slow_reader.count(),
          turn_max_s = into.turn_max.count();
  root.text("name", into.name);
  root.whole("seed", seed, 0, std::numeric_limits<int64_t>::max());
  root.whole("turns_per_chat", into.turns_per_chat, 1, 1'000'000);
  root.number("warm_up_seconds", into.warm_up_seconds, 0, run_seconds_max);
  root.whole("long_cell_ms", long_cell_ms, 0, 3'600'000);
  root.whole("slow_reader_ms", slow_ms, 0, 3'600'000);
  root.whole("turn_max_seconds", turn_max_s, 1, 3600);
  root.whole("upload_bytes", into.upload_bytes, 1, upload_bytes_max);
  into.seed = static_cast<uint64_t>(seed);
  into.long_cell = std::chrono::milliseconds{long_cell_ms};
  into.slow_reader = std::chrono::milliseconds{slow_ms};
  into.turn_max = std::chrono::seconds{turn_max_s};
}

scenario read_root(const toml::table& table, const std::string& file) {
  static constexpr std::array<std::string_view, 2> kinds{"open", "closed"};
  scenario result;
  table_reader root{table, "", file};
  read_settings(root, result);
  auto* load = root.part("load");
  if (!load)
    root.fail("there is no table [load]");
  table_reader reader{*load, "load", file};
  if (reader.word("kind", kinds, 0) == 0)
    result.load = read_open(reader);
  else
    result.load = read_closed(reader);
  reader.finish();
  if (auto* turns = root.part("turns"))
    read_mix(*turns, file, result);
  if (auto* shares = root.part("behaviours"))
    read_shares(*shares, file, result);
  if (auto* messages = root.part("messages")) {
    table_reader texts{*messages, "messages", file};
    for (size_t i = 0; i < turn_kind_names.size(); ++i)
      texts.text(turn_kind_names[i].data(), result.messages[i]);
    texts.finish();
  }
  if (auto* conditions = root.list("thresholds")) {
    for (auto& each : *conditions) {
      if (!each.is_string())
        root.fail(each, "thresholds", "is a list of texts, as \"added.p99 < 10ms\"");
      auto read = read_threshold(each.as_string()->get());
      if (auto* problem = std::get_if<std::string>(&read))
        root.fail(each, "thresholds", *problem);
      result.thresholds.push_back(std::get<threshold>(std::move(read)));
    }
  }
  root.finish();
  if (result.warm_up_seconds >= result.seconds())
    root.fail("warm_up_seconds leaves nothing of the run to measure");
  return result;
}

} // namespace

double open_load::seconds() const {
  double sum = 0;
  for (auto& stage : stages)
    sum += stage.seconds;
  return sum;
}

double scenario::seconds() const {
  if (auto* open = std::get_if<open_load>(&load))
    return open->seconds();
  return std::get<closed_load>(load).seconds;
}

scenario scenario::scaled(double factor) const {
  auto result = *this;
  if (auto* open = std::get_if<open_load>(&result.load)) {
    for (auto& stage : open->stages) {
      stage.from *= factor;
      stage.to *= factor;
    }
  } else {
    auto& users = std::get<closed_load>(result.load).users;
    users = std::max<int64_t>(1, std::llround(static_cast<double>(users) * factor));
  }
  return result;
}

std::string scenario::message(turn_kind kind) const {
  if (auto& own = messages[static_cast<size_t>(kind)]; !own.empty())
    return own;
  // Directives of varro-model (bench/README.md), each with the time at which its last byte leaves.
  static const std::string stamp = "# t={{now_us}}us\n";
  static const std::string end = " [[text: Here you are. t={{now_us}}us]]";
  auto cell = [&](const std::string& code) { return " [[python: " + stamp + code + "]]"; };
  switch (kind) {
  case turn_kind::text:
    return "What is new?" + end;
  case turn_kind::cell:
    return "Compute it." + cell("6 * 7") + end;
  case turn_kind::plot:
    return "Plot it." + cell("import matplotlib.pyplot as plt\nplt.plot(range(100))\nplt.show()") + end;
  case turn_kind::long_cell: {
    auto seconds = std::to_string(static_cast<double>(long_cell.count()) / 1000.0);
    return "Take your time." + cell("import time\ntime.sleep(" + seconds + ")") + end;
  }
  case turn_kind::ten_calls: {
    std::string all = "Ten steps.";
    for (int i = 0; i < 10; ++i)
      all += (i == 0 ? "" : " [[then]]") + cell("step = " + std::to_string(i));
    return all + end;
  }
  case turn_kind::upload:
    return "Look at this file." + end;
  }
  return {};
}

std::variant<scenario, std::string> read_scenario(std::string_view toml, const std::string& file_name) {
  try {
    return read_root(toml::parse(toml, file_name), file_name);
  } catch (const toml::parse_error& problem) {
    return file_name + ":" + std::to_string(problem.source().begin.line)
      + ": not valid TOML: " + std::string{problem.description()};
  } catch (const bad_scenario& problem) {
    return problem.text;
  }
}

std::variant<scenario, std::string> load_scenario(const std::string& path) {
  std::ifstream stream{path, std::ios::binary};
  std::string text(static_cast<size_t>(scenario_bytes_max) + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
  if (!stream.is_open() || stream.bad() || std::filesystem::is_directory(path))
    return path + ": cannot be read";
  if (text.size() > static_cast<size_t>(scenario_bytes_max))
    return path + ": is larger than 1 MiB";
  return read_scenario(text, path);
}

} // namespace varro::bench
