// An actor system whose clock and scheduler the test steps, with twins of everything around a chat session.
#pragma once

#include "actors/chat_registry.hpp"
#include "actors/chat_session.hpp"
#include "render/presenter.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <tuple>

namespace varro::test {

// A promise is kept by its actor's thread only: the extra messages are how a test makes a twin keep one.
using fake_store_actor = store_actor::extend<caf::reacts_to<flush_atom>, caf::reacts_to<flush_atom, int64_t>>;
using fake_model_actor = model_client_actor::extend<caf::reacts_to<flush_atom, model_response>>;
using fake_host_actor = shell_host_actor::extend<caf::reacts_to<flush_atom>>;
using fake_shell_actor = python_shell_actor::extend<caf::reacts_to<flush_atom, cell_result>>;

// What the twins saw and how they shall answer. Shared with the twins; the test reads it between steps.
struct world_log {
  std::vector<write_batch> batches; // committed, in order
  std::vector<usage_row> usage;     // noted without a batch
  done_atom note(const std::vector<usage_row>& rows) {
    usage.insert(usage.end(), rows.begin(), rows.end());
    return done_atom_v;
  }
  bool stays_full = false;   // every commit from that one on fails
  int fail_commit = -1;      // the n-th commit from now on (0: the next) fails; -1: none
  bool hold_commits = false; // commits wait for release_commits()
  std::deque<caf::typed_response_promise<done_atom>> held;
  std::vector<std::pair<int64_t, int64_t>> removed; // user, chat
  int64_t next_chat = 1;                            // what the next draw answers
  int64_t next_run = 1;
  int fail_draw = -1;      // as fail_commit
  bool hold_draws = false; // draws wait for release_draw()
  struct held_draw {
    caf::typed_response_promise<int64_t> promise;
    int64_t first;
  };
  std::deque<held_draw> held_draws;
  // What a viewer of the page gets of what the session tells: as the presenter of http/ makes it, but also while nobody
  // looks.
  std::unique_ptr<presenter> live = html_presenters()(42, {});
  std::vector<stream_event> published;
  struct replay {
    uint64_t viewer;
    std::vector<stream_event> events;
    bool follow;
  };
  std::vector<replay> replays;
  std::vector<model_query> queries;
  std::deque<std::function<caf::expected<model_response>(const model_query&)>> answers; // empty: the request stays open
  std::map<int64_t, caf::typed_response_promise<model_response>> open_queries;          // by run
  std::vector<int64_t> cancelled_queries;
  std::optional<model_response> received_before_cancel;
  std::vector<std::string> cells;                                         // executed, in order
  std::function<std::optional<cell_result>(const std::string&)> run_cell; // nullopt: stays in flight
  std::deque<caf::typed_response_promise<cell_result>> open_cells;
  fake_shell_actor shell;    // the newest one
  bool former_shell = false; // a shell of a former server is there, with these cells by tag; nullopt: still running
  std::map<std::string, std::optional<cell_result>> begun_cells;
  std::vector<std::string> acknowledged;
  std::vector<int64_t> snapshot_bases;
  std::function<snapshot_taken()> take_snapshot; // none: it fails
  std::vector<int64_t> restored;                 // footers
  bool damaged_snapshots = false;
  std::set<std::string> versions;                                                // of files, kept
  std::vector<std::tuple<int64_t, int64_t, int64_t>> workspaces, versions_sizes; // user, chat, bytes: of the store
  std::vector<std::tuple<int64_t, int64_t, bool>> measured; // user, chat, and whether its workspace, too
  std::vector<std::string> file_steps; // "keep before-1", "leave 1", "restore before-1", "fork before-2"
  workspace_change change;             // what a restored version answers, `found` aside
  bool disk_full = false;              // no version can be kept
  bool keeper_is_slow = false;         // and does not answer
  int interrupts = 0;
  std::vector<wanted_shell> wanted;
  int shells_that_vanish = 0; // so many cells find a shell that ends and answers nothing, as CAF's brokers do
  std::vector<caf::typed_response_promise<cell_result>> unanswered;
  int shells_that_end = 0; // so many cells find a shell that ends before it begins them
  int shells_started = 0;
  int shells_closed = 0;
  bool no_shells = false;
  bool no_room = false; // starts wait
  std::deque<caf::typed_response_promise<python_shell_actor>> waiting_starts;
  shell_waiter_actor shell_waiter;                                    // of the newest start
  std::map<std::pair<int64_t, int64_t>, chat_contents> stored;        // what the reader finds
  std::function<admin_answer_ptr(const admin_question&)> on_question; // what it answers to admins; none: it fails
  live_shells living;                                                 // what the host tells of
  std::vector<int64_t> closed;                                        // chats whose shells it was told to end
};

class actor_world {
public:
  actor_world();
  ~actor_world();

  world_log& log() {
    return *log_;
  }

  // Delivers every message until all actors are idle.
  void run();
  // The oldest held commit, or draw, succeeds; the open request is answered; the cell in flight ends.
  void release_commit();
  void release_draw();
  void answer_query(model_response response);
  // Starts of shells that wait are served.
  void make_room();
  void finish_cell(cell_result result);

  // Moves the clock, delivering what becomes due.
  void advance(std::chrono::milliseconds span);

  chat_session_actor session(chat_contents contents = fresh_chat(), bool stored = false);
  chat_registry_actor registry();
  session_services& services() {
    return services_;
  }

  static chat_contents fresh_chat();

  // Sends a request and delivers messages until it is answered or all are idle; the error of an unanswered one is
  // errc::none with the text "no answer".
  template <class Result, class Handle, class... Args>
  caf::expected<Result> ask(const Handle& to, Args&&... args) {
    std::optional<caf::expected<Result>> answer;
    caf::scoped_actor self{system_, true};
    auto request = self->request(to, caf::infinite, std::forward<Args>(args)...);
    run();
    if (self->mailbox().empty())
      return caf::make_error(caf::sec::request_timeout, std::string{"no answer"});
    request.receive([&](Result& value) { answer = std::move(value); }, [&](caf::error& error) { answer = error; });
    return std::move(*answer);
  }

  template <class Handle, class... Args>
  void tell(const Handle& to, Args&&... args) {
    caf::anon_send(to, std::forward<Args>(args)...);
    run();
  }

  caf::actor_system& system() {
    return system_;
  }

  // The history as the database would return it.
  message_history committed_messages() const;

private:
  struct configuration;
  std::unique_ptr<configuration> configuration_;
  caf::actor_system system_;
  std::shared_ptr<world_log> log_ = std::make_shared<world_log>();
  session_services services_;
  fake_store_actor store_;
  fake_model_actor models_;
  fake_host_actor shells_;
  std::vector<caf::actor> spawned_;
};

// Responses for scripts.
model_response text_answer(std::string text);
model_response call_answer(std::vector<std::pair<std::string, json>> calls); // tool name, args; ids call-1, call-2…
cell_result printed(std::string text);

} // namespace varro::test
