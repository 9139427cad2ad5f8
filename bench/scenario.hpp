// What a load test is made of: who begins when, which turns, what users do meanwhile, and what has to hold. Read from
// TOML.
//
// docs/load.md describes each key. Values; any thread.
#pragma once

#include "bench/thresholds.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace varro::bench {

// Bounds of a scenario, each tested at its edge.
inline constexpr int64_t scenario_bytes_max = 1 << 20;
inline constexpr double run_seconds_max = 24 * 3600;
inline constexpr double rate_max = 100'000; // turns a second
inline constexpr int64_t users_max = 100'000;
inline constexpr int64_t stages_max = 1000;
inline constexpr int64_t upload_bytes_max = 64 << 20;

enum class turn_kind { text, cell, plot, long_cell, ten_calls, upload };
inline constexpr std::array<std::string_view, 6> turn_kind_names{"text",      "cell",      "plot",
                                                                 "long_cell", "ten_calls", "upload"};

// What a user does beside waiting. `plain` is what is left of the shares.
enum class behaviour { plain, reload, second_viewer, reconnect, slow_reader, stop, edit };
inline constexpr std::array<std::string_view, 7> behaviour_names{"plain",       "reload", "second_viewer", "reconnect",
                                                                 "slow_reader", "stop",   "edit"};

// The rate of arrivals goes in a straight line from `from` to `to`, in turns a second.
struct rate_stage {
  double seconds = 0;
  double from = 0;
  double to = 0;
};

// Turns begin when the clock says so, whether the server is ready or not.
struct open_load {
  enum class arrivals { poisson, constant };
  arrivals how = arrivals::poisson;
  std::vector<rate_stage> stages;

  double seconds() const;
};

// So many users, each of whom thinks, sends and waits.
struct closed_load {
  enum class think { constant, uniform, exponential, lognormal };
  int64_t users = 1;
  double seconds = 60;
  double ramp_seconds = 0; // all users have begun after it
  think how = think::exponential;
  double think_ms = 0;      // the mean
  double think_sigma = 1.0; // of a lognormal's logarithm
};

struct scenario {
  std::string name;
  uint64_t seed = 1;
  std::variant<open_load, closed_load> load;
  int64_t turns_per_chat = 1;
  double warm_up_seconds = 0; // turns that begin before it are not measured
  std::array<double, turn_kind_names.size()> weights{1};
  std::array<double, behaviour_names.size()> shares{1};     // they add up to 1
  std::array<std::string, turn_kind_names.size()> messages; // what is sent; empty: directives for varro-model
  std::chrono::milliseconds long_cell{2000};
  std::chrono::milliseconds slow_reader{2000};
  std::chrono::seconds turn_max{120}; // a turn that takes longer is lost
  int64_t upload_bytes = 64 * 1024;
  std::vector<threshold> thresholds;

  double seconds() const;
  // The same with all rates, or the number of users, times `factor`.
  scenario scaled(double factor) const;
  std::string message(turn_kind kind) const;
};

// The scenario, or in words what is wrong, with the line: "mixed.toml:7: load.rate …".
std::variant<scenario, std::string> read_scenario(std::string_view toml, const std::string& file_name);
std::variant<scenario, std::string> load_scenario(const std::string& path);

} // namespace varro::bench
