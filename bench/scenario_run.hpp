// Carries a scenario out against a Varro's page, from one event loop.
//
// A turn's durations begin when it was meant to begin, not when it was sent: a server that stands still is charged for
// every turn that should have begun meanwhile (Gil Tene, "How NOT to Measure Latency": coordinated omission). Under an
// open load no turn waits for another one; where no chat is free, a new one begins.
//
// Memory grows with the turns that are on at once, not with those that were. All on the loop's thread.
#pragma once

#include "bench/event_loop.hpp"
#include "bench/http_client.hpp"
#include "bench/load_result.hpp"
#include "bench/schedule.hpp"
#include "bench/turn_check.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varro::bench {

// Pages that are loaded at once when a run has ended, to see whether they have every block.
inline constexpr size_t page_checks_max = 32;

struct run_options {
  server_address server;
  scenario what;
  std::vector<std::pair<std::string, std::string>> accounts; // names and passwords; none: nobody logs in
  std::string hlog_file;                                     // empty: none is written
  std::function<void(const std::string& line)> progress;     // once a second; may be empty
};

class scenario_run {
public:
  scenario_run(event_loop& loop, run_options options);
  ~scenario_run();

  void start(); // stops the loop when all is over
  const load_outcome& outcome() const {
    return outcome_;
  }
  // Nobody could log in, or the first page did not come: nothing was measured.
  const std::string& refused() const {
    return refused_;
  }

private:
  struct virtual_user; // one chat at a time
  struct session {
    std::map<std::string, std::string> cookies;
    std::string csrf;
  };

  // --- before and after: scenario_run.cpp
  void open_session();
  void log_in(const std::string& csrf);
  void session_opened(const std::string& csrf);
  void refuse(const std::string& why);
  void begin();
  void begin_due_turns();
  void think(virtual_user& user);
  virtual_user& free_user();
  void tick_later(int64_t now);
  void tick();
  void close_interval(int64_t now);
  void user_is_free(virtual_user& user);
  void end_if_over();
  void check_next_page();
  void check_page(virtual_user& user);
  void finish();
  void problem(const std::string& what);
  std::string progress_line() const;

  // --- one turn: scenario_turn.cpp
  void begin_turn(virtual_user& user, const planned_turn& plan, int64_t intended_us);
  void follow(virtual_user& user, const std::string& path, const std::string& headers = {});
  void take_events(virtual_user& user, http_reader& reply);
  void act(virtual_user& user);
  void reload(virtual_user& user);
  void reconnect(virtual_user& user);
  void read_slowly(virtual_user& user);
  void stop_turn(virtual_user& user);
  void watch_beside(virtual_user& user, const std::string& path);
  void part_over(virtual_user& user, const std::string& error);
  void judge_turn(virtual_user& user, const std::string& error);
  void record_turn(virtual_user& user);
  void fail_turn(virtual_user& user, const std::string& what);
  void leave_turn(virtual_user& user);
  void add(metric what, int64_t microseconds);
  void count_faults(const virtual_user& user, const turn_check& check);

  event_loop& loop_;
  run_options options_;
  load_outcome outcome_;
  std::string refused_;
  std::unique_ptr<http_client> door_; // what sessions are opened with
  std::vector<session> sessions_;
  std::vector<std::unique_ptr<virtual_user>> users_;
  std::vector<virtual_user*> free_;      // with a chat that has turns left, or none
  std::vector<virtual_user*> unchecked_; // when the run is over: whose page is to be loaded
  std::optional<arrival_times> arrivals_;
  std::optional<int64_t> next_arrival_; // microseconds from the beginning
  uint64_t turns_planned_ = 0;
  int64_t begun_us_ = 0;
  int64_t last_end_us_ = 0;
  int64_t measured_completed_ = 0; // turns that began after the warm-up
  size_t turns_on_ = 0;
  size_t thinking_ = 0;
  size_t checks_on_ = 0;
  bool ending_ = false; // no further turn begins
  bool finished_ = false;
  load_interval interval_;
  histograms interval_durations_;
  std::optional<hlog_writer> hlog_;
  event_loop::timer ticking_;
};

} // namespace varro::bench
