// The census of shells: has them started, a few at a time, up to a limit, and closes those that nobody uses.
//
// The processes are varro-shells' (shell/supervisor/supervisor.hpp); this actor speaks with it through a client that
// has a thread of its own, and gives each shell to a python_shell. When varro-shells is gone, all shells are; the next
// start starts another one.
#pragma once

#include "actors/fair_queue.hpp"
#include "actors/interfaces.hpp"
#include "actors/python_shell.hpp"
#include "config/config.hpp"

#include <caf/stateful_actor.hpp>

#include <map>

namespace varro {

using shell_host_internal = shell_host_actor::extend<
  // The shell of a chat has become ready. From python_shell.
  caf::reacts_to<ready_atom, int64_t /*chat*/>,
  // A cell's result needs no journal any more. From python_shell.
  caf::reacts_to<ack_atom, uint64_t /*shell*/, uint64_t /*cell*/>,
  // The shell's worker shall write a snapshot into the chat's file; answers whether the file is a new one. From
  // python_shell.
  caf::replies_to<snapshot_atom, uint64_t /*shell*/, int64_t /*chat*/, uint64_t /*id*/, int64_t /*base*/>::with<bool>,
  // It shall read one. From python_shell.
  caf::replies_to<restore_atom, uint64_t /*shell*/, int64_t /*chat*/, uint64_t /*id*/,
                  int64_t /*footer*/>::with<done_atom>,
  // News of varro-shells. From its client.
  caf::reacts_to<shell_news>,
  // Closes shells that have been idle for long.
  caf::reacts_to<tick_atom>,
  // Tells the starts that wait their places.
  caf::reacts_to<progress_atom>>;

struct shell_host_state {
  static inline const char* name = "shell_host";
  using clock = caf::actor_clock::clock_type;
  using start_promise = caf::typed_response_promise<python_shell_actor>;

  enum class stage : uint8_t { starting, live, closing };

  struct shell {
    python_shell_broker handle;    // none while varro-shells is asked for it
    int64_t user = 0;              // whose quota its files count for
    size_t files_bytes = 0;        // in its workspace, as varro-shells told last
    uint64_t number = 0;           // varro-shells' name for it
    std::vector<std::string> tags; // of a former server's cells
    stage now = stage::starting;
    bool busy = false;
    bool used = false;     // ran a cell
    bool retiring = false; // it ends by itself as soon as its cells are over
    clock::time_point last_used{};
    std::vector<start_promise> waiting; // while starting
  };

  // A start that waits for room.
  struct request {
    wanted_shell wanted;
    std::vector<start_promise> waiting;
    shell_waiter_actor waiter; // monitored; may be none
    std::string told;          // of its place
  };

  using attach_promise = caf::typed_response_promise<python_shell_actor, std::vector<std::string>>;

  // A shell of a former server that nobody has asked for yet.
  struct orphan {
    int64_t user = 0;
    uint64_t number = 0;
    std::vector<live_cell> cells;
    clock::time_point found_at{};
    std::vector<attach_promise> waiting; // once varro-shells is asked
  };

  // What varro-shells was asked for.
  struct order {
    int64_t chat = 0;
    bool attach = false;
    std::chrono::steady_clock::time_point at = {}; // when varro-shells was asked
  };

  // How many shells of a user may live, and with how much memory, as it was told last.
  struct known_limit {
    int64_t max = 0;   // 0: no limit
    size_t memory = 0; // bytes; 0: as the server has it for all
    bool is_known = false;
    bool is_asked = false;
    clock::time_point told_at{};
  };

  // The varro-shells that is at work is not what is installed, or was started with other settings.
  struct older {
    clock::time_point taken_over_at{};
    bool has_same_settings = false;
    std::optional<clock::time_point> ending_since; // it was told to end
  };

  std::shared_ptr<const config> settings;
  store_actor store;                   // where the sizes of workspaces are kept; may be none, then no user has a quota
  store_reader_actor reader;           // likewise
  allowances_actor allowances;         // may be none, then no user has a limit of their own
  std::map<int64_t, shell> shells;     // by chat: all whose processes are not gone
  std::map<int64_t, request> requests; // by chat
  fair_queue turns;                    // the same: whose is next
  std::map<int64_t, known_limit> limits; // by user; at most limits_known_users_max
  bool telling_places = false;
  std::unique_ptr<supervisor_client> client; // none when varro-shells is gone
  std::map<uint64_t, order> orders;          // by request
  std::map<int64_t, orphan> orphans;         // by chat
  uint64_t next_order = 1;
  std::optional<older> older_supervisor;
  std::map<int64_t, std::string> ended_for; // by chat, until its next shell starts: why an upgrade ended the last one
  bool census_known = false;                // varro-shells has told which shells there were
  std::vector<std::function<void()>> after_census;
  bool stopping = false;
  caf::typed_response_promise<done_atom> stopped;

  size_t count(stage which) const;
  bool has_shell_of(int64_t user) const;
  // Those whose processes are not gone, of a former server too.
  int64_t shells_of(int64_t user) const;
  // The idle shell that was used longest ago, or end().
  std::map<int64_t, shell>::iterator least_recently_used();
};

using shell_host_pointer = shell_host_internal::stateful_pointer<shell_host_state>;

shell_host_internal::behavior_type shell_host(shell_host_pointer self, std::shared_ptr<const config> settings,
                                              store_actor store, store_reader_actor reader,
                                              allowances_actor allowances);

shell_host_actor spawn_shell_host(caf::actor_system& system, std::shared_ptr<const config> settings,
                                  store_actor store = {}, store_reader_actor reader = {},
                                  allowances_actor allowances = {});

} // namespace varro
