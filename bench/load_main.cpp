// varro-load: virtual users against any Varro.
#include "bench/compare_results.hpp"
#include "bench/load.hpp"
#include "bench/scenario_command.hpp"

#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  using namespace varro;
  bench::load_options options;
  std::string url = "http://127.0.0.1:8000", json_file;
  int64_t think_ms = 0, ramp_ms = 0, turn_max_s = options.turn_max.count();
  bool password_stdin = false, no_progress = false;
  int64_t seed = -1;
  bench::scenario_command command;
  std::vector<std::string> compared;
  CLI::App app{"Virtual users against a Varro: sends messages, follows the streams, checks every event"};
  app.add_option("--url", url, "where Varro listens: http://ADDRESS:PORT")->capture_default_str();
  app.add_option("--users", options.users, "virtual users, each with a chat of its own")
    ->capture_default_str()
    ->check(CLI::Range(1, 100'000));
  app.add_option("--turns", options.turns, "turns of each user")
    ->capture_default_str()
    ->check(CLI::Range(1, 1'000'000));
  app.add_option("--think-ms", think_ms, "pause between a user's turns")->check(CLI::NonNegativeNumber);
  app.add_option("--ramp-ms", ramp_ms, "time in which the users begin")->check(CLI::NonNegativeNumber);
  app.add_option("--turn-max-s", turn_max_s, "a longer turn counts as lost")
    ->capture_default_str()
    ->check(CLI::PositiveNumber);
  app.add_option("--message", options.message, "what every user sends")->capture_default_str();
  app.add_flag("--programs", options.programs, "each turn is followed by a program as well, by /api/v1");
  app.add_option("--login", options.login, "user name, for --auth accounts");
  app.add_flag("--password-stdin", password_stdin, "the password is the first line of standard input");
  app.add_option("--json", json_file, "write the numbers to this file as well");
  auto* scenario = app.add_option("--scenario", command.scenario_file, "carry this TOML file out (docs/load.md)");
  app.add_option("--seed", seed, "instead of the scenario's")->needs(scenario)->check(CLI::NonNegativeNumber);
  app.add_option("--accounts", command.accounts_file, "who logs in: lines of a name and a password")->needs(scenario);
  app.add_option("--hlog", command.hlog_file, "write the histograms of each second")->needs(scenario);
  app.add_option("--html", command.html_file, "write a report with charts")->needs(scenario);
  app.add_flag("--no-progress", no_progress, "without the line of each second")->needs(scenario);
  app.add_flag("--find-capacity", command.find_capacity, "the most load at which the thresholds hold")->needs(scenario);
  app.add_option("--compare", compared, "two JSON results, the older first: what is slower, and how sure that is")
    ->expected(2)
    ->excludes(scenario);
  CLI11_PARSE(app, argc, argv);
  if (!compared.empty())
    return bench::compare_files(compared[0], compared[1]);
  options.think = std::chrono::milliseconds{think_ms};
  options.ramp = std::chrono::milliseconds{ramp_ms};
  options.turn_max = std::chrono::seconds{turn_max_s};
  auto server = bench::parse_server_address(url);
  if (!server) {
    std::cerr << "varro-load: --url must be http://ADDRESS:PORT\n";
    return 2;
  }
  options.server = *server;
  if (!command.scenario_file.empty()) {
    bench::raise_file_limit();
    command.server = *server;
    command.json_file = json_file;
    command.progress = !no_progress;
    if (seed >= 0)
      command.seed = seed;
    return bench::run_scenario_command(command);
  }
  if (password_stdin)
    std::getline(std::cin, options.password);
  auto files = bench::raise_file_limit();
  if (files < static_cast<uint64_t>(options.users) + 50) {
    std::cerr << "varro-load: the limit on open files, " << files << ", is too low for so many users (ulimit -n)\n";
    return 2;
  }
  bench::event_loop loop;
  bench::load load{loop, options};
  load.start();
  loop.run();
  auto& result = load.result();
  std::cout << "users        " << options.users << ", turns each " << options.turns << ", think time " << think_ms
            << " ms\n"
            << result.table() << std::flush;
  if (!json_file.empty()) {
    auto report = result.to_json();
    report["users"] = options.users;
    report["turns"] = options.turns;
    report["think_ms"] = think_ms;
    std::ofstream out{json_file};
    out << report.dump(2) << "\n";
    if (!out.flush()) {
      std::cerr << "varro-load: cannot write " << json_file << "\n";
      return 2;
    }
  }
  return result.good() ? 0 : 1;
}
