// varro-load: virtual users against any Varro.
#include "bench/load.hpp"

#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>

int main(int argc, char** argv) {
  using namespace varro;
  bench::load_options options;
  std::string url = "http://127.0.0.1:8000", json_file;
  int64_t think_ms = 0, ramp_ms = 0, turn_max_s = options.turn_max.count();
  bool password_stdin = false;
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
  CLI11_PARSE(app, argc, argv);
  options.think = std::chrono::milliseconds{think_ms};
  options.ramp = std::chrono::milliseconds{ramp_ms};
  options.turn_max = std::chrono::seconds{turn_max_s};
  auto server = bench::parse_server_address(url);
  if (!server) {
    std::cerr << "varro-load: --url must be http://ADDRESS:PORT\n";
    return 2;
  }
  options.server = *server;
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
