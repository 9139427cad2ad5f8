// The parts of python_shell (python_shell.hpp): cells, frames, snapshots and the end. For the shell's actor only.
#pragma once

#include "actors/python_shell.hpp"

namespace varro {

// --- the actor (python_shell.cpp) ------------------------------------------------------------------------------------

// Whether the shell has something to do, for the census.
void tell_busy(python_shell_pointer self);

// Ends as soon as nothing of its cells is on its way: their results are committed, and the snapshot after them is
// taken. Nobody waits longer for those than shell_rest. Until then a cell begins only if one of the same answer
// went before it, and for settings.cell_max at most.
caf::result<bool> retire(python_shell_pointer self);
// Does that, if it is asked for and can be done now.
void retire_if_settled(python_shell_pointer self);
// The same, after something came of a cell.
void note_rest(python_shell_pointer self);
// Whether no further cell begins here.
bool is_leaving(python_shell_pointer self);

// --- cells (python_shell_cells.cpp) ----------------------------------------------------------------------------------

caf::typed_response_promise<cell_result> execute(python_shell_pointer self, std::string code, std::string tag);
// The result of a cell that a former server began, as soon as it is there; errc::not_found when there is no such cell.
caf::typed_response_promise<cell_result> result_of(python_shell_pointer self, const std::string& tag);
// The result of the cell with this tag is committed.
void acknowledge_tag(python_shell_pointer self, const std::string& tag);

// Sends the first cell of the queue, or goes on with one that a former server sent; nothing when the shell is not idle.
void start_next_cell(python_shell_pointer self);
// The worker is done with the cell in flight.
void finish_cell(python_shell_pointer self, const worker_done& done);
// Takes the first cell out of the queue, with the state's result for its answer.
void answer_first_cell(python_shell_pointer self);

// The error of a cell that another shell may run.
caf::error cell_not_begun();
// Answers the cells of the queue from this place on, the last one first.
void drop_waiting_cells(python_shell_pointer self, size_t from, cell_status status, const std::string& reason);
// Another shell may run what was never sent; what a former server sent is lost.
void give_back_waiting_cells(python_shell_pointer self, size_t from);

// --- frames (python_shell_frames.cpp) --------------------------------------------------------------------------------

void receive(python_shell_pointer self, const caf::io::new_data_msg& data);

// --- snapshots (python_shell_snapshots.cpp) --------------------------------------------------------------------------

caf::result<snapshot_taken> take_snapshot(python_shell_pointer self, int64_t base);
caf::result<snapshot_restored> restore(python_shell_pointer self, int64_t footer);
// The worker's answers to them.
void finish_snapshot(python_shell_pointer self, const worker_snapshot& frame);
void finish_restore(python_shell_pointer self, const worker_restored& frame);
// Those under way get no answer of the worker any more.
void end_snapshots(python_shell_pointer self);

// --- the end (python_shell_end.cpp) ----------------------------------------------------------------------------------

// From here on nothing is read or executed; the answers follow when the process is gone and its status is known.
void begin_end(python_shell_pointer self, bool kill);
// Begins the end with a kill, for a reason that is known.
void lose(python_shell_pointer self, cell_status status, std::string reason);
// Looks whether the process is gone. REQUIRES: the shell is ending.
void look_for_end(python_shell_pointer self);
void look_for_end_later(python_shell_pointer self);
// How the shell ended, as shell_host tells.
void note_exit(python_shell_pointer self, int status, std::string why);

} // namespace varro
