// One shell: the broker of its socket, its queue of cells, the ladder of deadline, interrupt and kill.
//
// Owns the shell's descriptors. It runs on CAF's I/O thread and never blocks there: the process is nobody's child here,
// so its end is found by looking again after a while, and how it ended is told by shell_host. The actor ends only when
// everything in the sandbox is gone: with no reason after close, else with errc::shell_lost, or errc::shell_unavailable
// when the shell never became ready.
#pragma once

#include "actors/interfaces.hpp"
#include "config/config.hpp"
#include "shell/frames.hpp"
#include "shell/output_allowance.hpp"
#include "shell/supervisor_client.hpp"

#include <caf/io/all.hpp>
#include <caf/stateful_actor.hpp>

#include <deque>
#include <limits>

namespace varro {

// What python_shell tells shell_host.
using shell_census_actor = caf::typed_actor<
  caf::reacts_to<ready_atom, int64_t /*chat*/>, caf::reacts_to<busy_atom, int64_t /*chat*/, bool>,
  // A cell's result needs no journal any more.
  caf::reacts_to<ack_atom, uint64_t /*shell*/, uint64_t /*cell*/>,
  // The shell's worker shall write a snapshot; answers whether the file is a new one.
  caf::replies_to<snapshot_atom, uint64_t /*shell*/, int64_t /*chat*/, uint64_t /*id*/, int64_t /*base*/>::with<bool>,
  // It shall read one.
  caf::replies_to<restore_atom, uint64_t /*shell*/, int64_t /*chat*/, uint64_t /*id*/,
                  int64_t /*footer*/>::with<done_atom>>;

using python_shell_broker
  = python_shell_actor::extend<caf::reacts_to<caf::io::new_data_msg>, caf::reacts_to<caf::io::connection_closed_msg>,
                               // The time to start (0) or of this cell is over.
                               caf::reacts_to<deadline_atom, uint64_t>,
                               // Half of the time between the interrupt of this cell and its kill is over.
                               caf::reacts_to<interrupt_atom, uint64_t>,
                               // That time is over.
                               caf::reacts_to<kill_atom, uint64_t>,
                               // What is left for what the next cells show. From shell_host.
                               caf::reacts_to<usage_atom, quota_left>,
                               // The cell in flight has to be stopped, for this reason. From shell_host.
                               caf::reacts_to<interrupt_atom, std::string>,
                               // Ends the actor and leaves the shell to the next server. From shell_host.
                               caf::reacts_to<detach_atom>,
                               // How the shell ended, as of waitpid, and why varro-shells ended it, if it did.
                               caf::reacts_to<ended_atom, int /*status*/, std::string /*why*/>,
                               // Ends it unless it has something to do; answers whether it ends. From shell_host.
                               caf::replies_to<sleep_atom>::with<bool>,
                               // Ends it as soon as it is idle and the snapshot after its last cell is taken; cells
                               // that come then are given back. Answers whether it ends by this. From shell_host.
                               caf::replies_to<passivate_atom>::with<bool>,
                               // Looks whether it can end by that now.
                               caf::reacts_to<tick_atom>,
                               // Looks whether the process is gone.
                               caf::reacts_to<reap_atom>>;

// A cell's result is committed, and the snapshot after it begun, within this time of its end.
inline constexpr std::chrono::seconds shell_rest{2};

struct python_shell_state {
  static inline const char* name = "python_shell";

  enum class stage : uint8_t { starting, idle, running, ending };

  struct cell {
    std::string code;
    std::string tag;
    uint64_t id = 0;           // 0 until it is sent
    int64_t started_at_ms = 0; // of a former server's
    bool expected = true;      // somebody waits for the answer
    caf::typed_response_promise<cell_result> answer;
  };

  // A finished cell of a former server.
  struct finished_cell {
    uint64_t id = 0;
    cell_result result;
  };

  struct snapshot_request {
    bool anew = false;
    caf::typed_response_promise<snapshot_taken> answer;
  };

  python_shell_state() = default;
  python_shell_state(const python_shell_state&) = delete;
  ~python_shell_state(); // kills what an orderly end has not

  // Adds an output to the cell in flight, or puts it where one with the same slot stands; false when the worker sent
  // more than it may.
  bool accept(cell_output output, std::optional<uint64_t> slot = {});
  void forget_outputs();

  shell_config settings;
  shell_process process;
  int64_t chat = 0;
  shell_census_actor host; // may be none
  caf::io::connection_handle connection;
  std::optional<frame_reader> reader;
  stage now = stage::starting;
  std::deque<cell> queue;                         // the first is in flight while running
  uint64_t cell_id = 0;                           // in flight
  uint64_t cells_begun = 0;                       // the last id
  cell_result result;                             // of the cell in flight
  bool begun = false;                             // the worker says so of the cell in flight
  std::map<std::string, finished_cell> finished;  // by tag: nobody has asked for them yet
  std::map<std::string, uint64_t> unacknowledged; // by tag: answered, not yet committed
  std::map<uint64_t, size_t> slots;               // of the cell in flight: places among its outputs
  output_allowance left;                          // of the cell in flight
  quota_left left_to_show;                        // for what the next cells show
  uint64_t next_request = 1;                      // of snapshots and restores
  std::map<uint64_t, snapshot_request> snapshots; // under way
  std::map<uint64_t, caf::typed_response_promise<snapshot_restored>> restores;
  std::map<uint64_t, std::string> tags; // of the cells since the last snapshot
  bool snapshot_awaited = false;        // the last cell's result is committed, and its snapshot not yet asked for
  std::optional<caf::typed_response_promise<bool>> retiring; // who waits for its end
  caf::actor_clock::time_point retiring_since{};
  caf::actor_clock::time_point rests_since{}; // since then nothing came of a cell
  std::string interrupt_reason;               // set once the cell in flight was interrupted
  cell_status end_status = cell_status::lost;
  std::string end_reason;   // empty until somebody knows better than the exit status
  std::string end_why;      // of varro-shells; "silence": our own, until it has a better one
  bool read_to_end = false; // all that varro-shells had for us
  bool was_ready = false;
  bool closed = false; // by close, not by accident
  bool killed = false;
  bool kept = false; // left alive for the next server
  std::optional<int> exit_status;
  int looks = 0; // for the process's end
  int looks_after_end = 0;
};

using python_shell_pointer = python_shell_broker::stateful_broker_pointer<python_shell_state>;

// `cells` are those that a former server began and that are not acknowledged.
python_shell_broker::behavior_type python_shell(python_shell_pointer self, shell_config settings, shell_process process,
                                                int64_t chat, std::vector<live_cell> cells, shell_census_actor host);

// Takes over a shell, whatever comes of it.
python_shell_broker spawn_python_shell(caf::actor_system& system, const shell_config& settings, shell_process process,
                                       int64_t chat, std::vector<live_cell> cells, shell_census_actor host);

} // namespace varro
