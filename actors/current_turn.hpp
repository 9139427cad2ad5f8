// Where a chat stands with its newest turn: one of four states, each with what it needs and nothing else.
//
//   idle ──► starting ──► running ──► ending ──► idle
//
// What is starting may come to nothing, and a stop of the session halts what is running: both are idle then. A run that
// a former server left open goes from idle to running. Every other transition is refused by go(), and changes nothing.
// A value, without an actor; not synchronised: one owner at a time (chat_session).
#pragma once

#include "actors/interfaces.hpp"
#include "storage/records.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace varro {

class current_turn {
public:
  // A message may come.
  struct idle {};
  // A turn is being committed, or else something that no message may cross: another branch, a fork.
  struct starting {};
  // The run is on.
  struct running {
    run_record run;
    agent_run_actor loop;
    std::string progress = "Thinking…"; // of the page's progress line
    bool waits = false;                 // for a place among all runs: it has not begun
  };
  // The run is over; its end is being committed, or waits for what is.
  struct ending {
    run_record run; // as it is to be committed
    std::string progress;
  };

  // --- transitions; false: refused -----------------------------------------------------------------------------------

  bool start();
  // Nothing came of what was starting.
  bool abandon();
  bool run(running started);
  // The run that waits has a place. REQUIRES nothing, as below.
  bool begin(int64_t run);
  // REQUIRES nothing: the end of another run than the one that is running is refused as well.
  bool end(run_record ended);
  // Ends what is running without a word; the history has its run as open.
  bool halt();
  // The end is committed, or cannot be.
  bool close();

  // --- what it says --------------------------------------------------------------------------------------------------

  bool is_idle() const {
    return std::holds_alternative<idle>(now_);
  }
  // Null in all other states.
  const running* now_running() const {
    return std::get_if<running>(&now_);
  }
  const ending* now_ending() const {
    return std::get_if<ending>(&now_);
  }
  // The run that is running or ending; null without one.
  const run_record* run_on() const;
  bool waits() const {
    return now_running() != nullptr && now_running()->waits;
  }
  bool has_run(int64_t id) const {
    return run_on() != nullptr && run_on()->id == id;
  }
  // Empty without a run.
  std::string progress() const;
  // False without a run: nobody would see it.
  bool show_progress(std::string text);

private:
  using state = std::variant<idle, starting, running, ending>;
  bool go(state next);

  state now_;
};

} // namespace varro
