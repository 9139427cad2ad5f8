// A real shell_host, without a database.
#pragma once

#include "actors/shell_host.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace varro::test {

struct host_system_config : caf::actor_system_config {
  host_system_config() {
    load<caf::io::middleman>();
    add_message_types<caf::id_block::varro_base>();
    add_message_types<caf::id_block::varro>();
  }
};

// A real shell_host; the shells run without their sandbox, so that these tests are about the census alone.
class host_world {
public:
  using limits_of = std::function<allowances_actor(caf::actor_system&)>;

  explicit host_world(std::function<void(shell_config&)> change = {}, const limits_of& allowances = {})
    : system{config_}, self{system} {
    loaded = std::make_shared<config>();
    loaded->data_dir = scratch.path();
    loaded->shell.sandbox = false;
    loaded->shell.preload.clear();
    if (change)
      change(loaded->shell);
    if (allowances)
      limits = allowances(system);
    host = spawn_shell_host(system, loaded, {}, {}, limits);
  }
  ~host_world() {
    // A shell keeps results for a minute, which no stop may wait for. (A test may have stopped it already.)
    self->request(host, std::chrono::seconds{30}, stop_atom_v)
      .receive([](done_atom) {}, [](caf::error& error) { CHECK(error != caf::sec::request_timeout); });
    self->wait_for(host);
    if (limits)
      self->send_exit(limits, caf::exit_reason::user_shutdown);
  }

  // Another host in place of this one, whose shells live on: as after a crash of the server.
  void restart() {
    loaded->keep_shells = true;
    self->request(host, std::chrono::seconds{30}, stop_atom_v)
      .receive([](done_atom) {}, [](caf::error& error) { FAIL(text_of(error)); });
    self->wait_for(host);
    loaded->keep_shells = false;
    host = spawn_shell_host(system, loaded, {}, {}, limits);
  }

  auto ask(int64_t chat, int64_t user = 0) {
    return self->request(host, std::chrono::seconds{60}, start_atom_v,
                         wanted_shell{user, chat, (scratch / "workspaces" / std::to_string(chat)).string(), {}});
  }
  caf::expected<python_shell_actor> start(int64_t chat, int64_t user = 0) {
    caf::expected<python_shell_actor> found{caf::sec::none};
    ask(chat, user)
      .receive([&](python_shell_actor& shell) { found = shell; }, [&](caf::error& error) { found = error; });
    return found;
  }
  std::string run(const python_shell_actor& shell, const std::string& code) {
    std::string text;
    self->request(shell, std::chrono::seconds{60}, execute_atom_v, code)
      .receive([&](cell_result& result) { text = cell_text(result); },
               [&](caf::error& error) { text = text_of(error); });
    return text;
  }
  int64_t count() {
    int64_t found = -1;
    self->request(host, std::chrono::seconds{60}, count_atom_v)
      .receive([&](int64_t n) { found = n; }, [](caf::error&) {});
    return found;
  }
  actor_counts stats() {
    actor_counts found;
    self->request(host, std::chrono::seconds{60}, stats_atom_v)
      .receive([&](actor_counts& counts) { found = counts; }, [](caf::error&) {});
    return found;
  }
  // Has the shell run a cell until this file is gone.
  std::string hold(const python_shell_actor& shell) {
    auto gate = (scratch / "gate").string();
    caf::anon_send(shell, execute_atom_v,
                   "import os, time\nopen('" + gate + "', 'w').close()\nwhile os.path.exists('" + gate
                     + "'): time.sleep(0.001)");
    while (!std::filesystem::exists(gate))
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    return gate;
  }
  caf::error end_of(const python_shell_actor& shell) {
    caf::error reason;
    self->monitor(shell);
    self->receive([&](caf::down_msg& down) { reason = down.reason; });
    return reason;
  }

  scratch_dir scratch;
  std::shared_ptr<config> loaded;
  host_system_config config_;
  caf::actor_system system;
  caf::scoped_actor self;
  shell_host_actor host;
  allowances_actor limits; // may be none
};

} // namespace varro::test
