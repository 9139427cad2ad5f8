// varro-model: the scripted model server, for tests and load.
#include "bench/model_server.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <iostream>
#include <iterator>
#include <sstream>

namespace {

varro::bench::event_loop* running = nullptr;

void on_signal(int) {
  running->stop();
}

bool split_address(const std::string& text, std::string& host, uint16_t& port) {
  auto colon = text.rfind(':');
  if (colon == std::string::npos)
    return false;
  host = text.substr(0, colon);
  int value = 0;
  std::istringstream in{text.substr(colon + 1)};
  if (!(in >> value) || value < 0 || value > 65535)
    return false;
  port = static_cast<uint16_t>(value);
  return true;
}

} // namespace

int main(int argc, char** argv) {
  using namespace varro;
  bench::model_server_options options;
  std::string listen = "127.0.0.1:0", script_file;
  int64_t delay_ms = 0, chunk_ms = 0;
  bool text_only = false;
  std::vector<std::string> retires;
  CLI::App app{"A scripted model server that speaks the vendors' streaming wire formats"};
  app.add_option("--listen", listen, "HOST:PORT; port 0 picks a free one")->capture_default_str();
  app.add_option("--script", script_file, "rules as JSON; see bench/README.md");
  app.add_option("--record", options.record_file, "append every request to this file, a line of JSON each");
  app.add_option("--key", options.checks.key, "refuse requests with another key");
  app.add_flag("--strict-roles", options.checks.strict_roles, "refuse two messages of one role in a row");
  app.add_option("--models", options.models, "names in the lists of models, the newest first");
  app.add_option("--retires", retires, "NAME=YYYY-MM-DD: a model of the lists that is deprecated and ends on that day");
  app.add_option("--context-tokens", options.checks.context_tokens, "refuse longer requests; 0 refuses none")
    ->check(CLI::NonNegativeNumber);
  app.add_option("--code", options.otherwise.code, "what the built-in script runs with python")->capture_default_str();
  app.add_flag("--text-only", text_only, "the built-in script calls no tool");
  app.add_option("--delay-ms", delay_ms, "before the first byte, in the built-in script")
    ->check(CLI::NonNegativeNumber);
  app.add_option("--chunk-ms", chunk_ms, "between pieces, in the built-in script")->check(CLI::NonNegativeNumber);
  CLI11_PARSE(app, argc, argv);
  options.otherwise.first_byte = std::chrono::milliseconds{delay_ms};
  options.otherwise.between_chunks = std::chrono::milliseconds{chunk_ms};
  if (text_only)
    options.otherwise.code.clear();
  for (auto& one : retires) {
    auto equals = one.find('=');
    if (equals == std::string::npos) {
      std::cerr << "varro-model: --retires must be NAME=YYYY-MM-DD\n";
      return 2;
    }
    options.retired_on[one.substr(0, equals)] = one.substr(equals + 1);
  }
  std::string error;
  if (!split_address(listen, options.host, options.port)) {
    std::cerr << "varro-model: --listen must be HOST:PORT\n";
    return 2;
  }
  if (!script_file.empty()) {
    std::ifstream in{script_file};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    auto value = parse_json(text);
    auto rules = value ? bench::read_script(*value, error) : std::nullopt;
    if (!rules) {
      std::cerr << "varro-model: " << script_file << ": " << (value ? error : "not a file with JSON") << "\n";
      return 2;
    }
    options.rules = *rules;
  }
  bench::raise_file_limit();
  bench::event_loop loop;
  bench::model_server server{loop, options};
  if (!server.start(error)) {
    std::cerr << "varro-model: " << error << "\n";
    return 1;
  }
  running = &loop;
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  std::cout << "varro-model: listening on http://" << options.host << ":" << server.port() << std::endl;
  loop.run();
  return 0;
}
