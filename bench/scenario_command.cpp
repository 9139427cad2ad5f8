#include "bench/scenario_command.hpp"

#include "bench/capacity_search.hpp"
#include "bench/load_report.hpp"
#include "bench/scenario_run.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

namespace varro::bench {

namespace {

using accounts = std::vector<std::pair<std::string, std::string>>;

int complain(const std::string& what) {
  std::cerr << "varro-load: " << what << "\n";
  return 2;
}

std::optional<accounts> read_accounts(const std::string& path) {
  accounts all;
  std::ifstream stream{path};
  if (!stream)
    return std::nullopt;
  std::string line;
  while (std::getline(stream, line)) {
    std::istringstream words{line};
    std::string name, password;
    if (words >> name >> password)
      all.emplace_back(std::move(name), std::move(password));
  }
  if (all.empty())
    return std::nullopt;
  return all;
}

// On a terminal the line is written over the one before.
void show_progress(const std::string& line) {
  static const bool terminal = isatty(STDERR_FILENO) == 1;
  std::cerr << (terminal ? "\r\033[K" : "") << line << (terminal ? "" : "\n") << std::flush;
}

bool write_file(const std::string& path, const std::string& text) {
  if (path.empty())
    return true;
  std::ofstream out{path, std::ios::binary};
  out << text;
  return static_cast<bool>(out.flush());
}

// nullopt: nobody could be let in, which has been said.
std::optional<load_outcome> run_once(const scenario_command& command, const scenario& what, const accounts& who) {
  run_options options;
  options.server = command.server;
  options.what = what;
  options.accounts = who;
  options.hlog_file = command.hlog_file;
  if (command.progress)
    options.progress = show_progress;
  event_loop loop;
  scenario_run run{loop, std::move(options)};
  run.start();
  loop.run();
  if (command.progress && isatty(STDERR_FILENO) == 1)
    std::cerr << "\n";
  if (!run.refused().empty()) {
    complain(run.refused());
    return std::nullopt;
  }
  return run.outcome();
}

int report(const scenario_command& command, const load_outcome& outcome) {
  std::cout << "scenario     " << (outcome.what.name.empty() ? command.scenario_file : outcome.what.name) << ", seed "
            << outcome.what.seed << "\n"
            << outcome.table() << std::flush;
  if (!write_file(command.json_file, outcome.to_json().dump(2) + "\n"))
    return complain("cannot write " + command.json_file);
  if (!write_file(command.html_file, html_report(outcome)))
    return complain("cannot write " + command.html_file);
  return outcome.exit_code();
}

std::string conditions(const scenario& what) {
  std::string all;
  for (auto& each : what.thresholds) {
    if (!all.empty())
      all += ", ";
    all += each.text;
  }
  return all;
}

int find_capacity(const scenario_command& command, const scenario& what, const accounts& who) {
  if (what.thresholds.empty())
    return complain("--find-capacity needs thresholds in the scenario");
  capacity_search search;
  std::optional<load_outcome> best;
  bool generator_was_late = false;
  while (auto factor = search.next()) {
    auto outcome = run_once(command, what.scaled(*factor), who);
    if (!outcome)
      return 2;
    bool held = outcome->sustained();
    generator_was_late = generator_was_late || !outcome->valid();
    std::fprintf(stderr, "load times %.3f: %.1f turns/s, %s\n", *factor, outcome->counts["turns_per_second"],
                 held                 ? "holds"
                   : outcome->valid() ? "broken"
                                      : "the generator was late");
    search.tell(*factor, held);
    if (held && *factor == search.found())
      best = std::move(outcome);
  }
  if (!best) {
    std::cout << "capacity     none was found: the thresholds never held without failed or lost turns ("
              << conditions(what) << ")\n";
    return 1;
  }
  report(command, *best);
  std::printf("capacity     %.1f turns a second with %s\n", best->counts["turns_per_second"], conditions(what).c_str());
  if (generator_was_late)
    std::printf("             above that the generator itself was late: the server may hold more\n");
  return 0;
}

} // namespace

int run_scenario_command(const scenario_command& command) {
  auto read = load_scenario(command.scenario_file);
  if (auto* problem = std::get_if<std::string>(&read))
    return complain(*problem);
  auto& what = std::get<scenario>(read);
  if (command.seed)
    what.seed = static_cast<uint64_t>(*command.seed);
  accounts who;
  if (!command.accounts_file.empty()) {
    auto all = read_accounts(command.accounts_file);
    if (!all)
      return complain(command.accounts_file + " has no lines of a name and a password");
    who = std::move(*all);
  }
  if (command.find_capacity)
    return find_capacity(command, what, who);
  auto outcome = run_once(command, what, who);
  return outcome ? report(command, *outcome) : 2;
}

} // namespace varro::bench
