// Where a chat's shell stands: one of five states, each with what it needs and nothing else.
//
//   none ──► starting ──► restoring ──► live ──► ending ──► none
//
// A shell of a former server is live at once. One that dies, is closed or given up leaves none; one that ends is waited
// for, because others may have its chat's files when its process is gone. Every other transition is refused by go(),
// and changes nothing. A value, without an actor; not synchronised: one owner at a time (chat_session).
#pragma once

#include "actors/interfaces.hpp"
#include "actors/steps.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace varro {

class shell_stage {
public:
  struct none {};
  // One of a former server is looked for, then a fresh one is asked for.
  struct starting {
    std::vector<recorded_cell> cells; // what a fresh one has to get back
    // For the next cell's reader: what became of the former one, and why a fresh one is of another Python than the
    // chat's.
    std::string python_note;
  };
  // A fresh one gets the namespace back.
  struct restoring {
    python_shell_actor shell;
    std::vector<recorded_cell> cells;
    std::string python_note;
    size_t run_again = 0; // of the cells, where the user asked for that
    size_t failed = 0;    // of those, which had not failed when they ran first
  };
  // Cells may have it.
  struct live {
    python_shell_actor shell;
    int64_t snapshot_base = -1; // footer of the newest snapshot that it wrote or was restored from; -1: none
    bool snapshotting = false;  // a snapshot is under way
    bool snapshot_due = false;  // and a cell has ended since it was asked for
  };
  // Its process, or that of a former server, is not gone yet.
  struct ending {
    python_shell_actor shell;       // null: one of a former server is looked for
    std::vector<continuation> then; // when it is gone
    bool wanted = false;            // and somebody waits for another one
  };

  // --- transitions; false: refused -----------------------------------------------------------------------------------

  bool start();
  // The one that starts is a fresh one, which has these cells to get back.
  bool start_fresh(std::vector<recorded_cell> cells, std::string python_note);
  bool restore(python_shell_actor shell);
  // It has its namespace again, from the snapshot with this footer (-1: from none).
  bool go_live(int64_t snapshot_base);
  // One of a former server, with its namespace.
  bool adopt(python_shell_actor shell);
  // False also where one is ending: this is called as well then.
  bool end(continuation then);
  // A shell of a former server was found, and is the one that ends.
  bool end_former(python_shell_actor shell);
  // Nothing is left of the one that was ending. Gives what was waiting for that; empty where none was.
  ending take_ended();
  // Dead, closed, given up, or detached: nobody waits for its end.
  bool forget();

  // --- what it says --------------------------------------------------------------------------------------------------

  bool is_none() const {
    return std::holds_alternative<none>(now_);
  }
  // Null in all other states.
  starting* now_starting() {
    return std::get_if<starting>(&now_);
  }
  restoring* now_restoring() {
    return std::get_if<restoring>(&now_);
  }
  live* now_live() {
    return std::get_if<live>(&now_);
  }
  ending* now_ending() {
    return std::get_if<ending>(&now_);
  }
  // That is restoring or live; null: none is.
  python_shell_actor shell() const;
  bool is_snapshotting() const;
  // Whether one that starts or is restored has cells to get back.
  bool has_cells() const;

private:
  using state = std::variant<none, starting, restoring, live, ending>;
  bool go(state next);

  state now_;
};

} // namespace varro
