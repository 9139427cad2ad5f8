// The parts of chat_shell (chat_shell.hpp): the shell itself, its snapshots, the keeping of files. For its actor only.
#pragma once

#include "actors/chat_shell.hpp"

namespace varro {

using chat_shell_pointer = chat_shell_actor::stateful_pointer<chat_shell_state>;

// Prepares the shell for those who wait for it, and hands it out once it is live and the files are kept.
void serve_waiters(chat_shell_pointer self);

void fail_waiters(chat_shell_pointer self, const caf::error& error);

// A shell of a former server is the chat's: its namespace is as the history left it.
void adopt_shell(chat_shell_pointer self, const python_shell_actor& shell);
// Nobody waits for these results: what they returned is committed, or was told to be lost.
void acknowledge_all(chat_shell_pointer self, const python_shell_actor& shell, const std::vector<std::string>& tags);
// The shell has ended, and nobody asked for that.
void lose_shell(chat_shell_pointer self);

// --- start and restore (chat_shell_start.cpp) ------------------------------------------------------------------------

// REQUIRES: there is no shell.
void start_shell(chat_shell_pointer self);
// Who waits for a shell with cells to get back is told of it.
void tell_restoring(chat_shell_pointer self);
// Who waits for a shell that waits for room is told its place. The words are shell_host's; empty: it waits no longer.
void tell_place(chat_shell_pointer self);
void take_place(chat_shell_pointer self, std::string words);
// The run is stopped: a start that waits for room is taken back.
void give_up_start(chat_shell_pointer self);

// --- snapshots (chat_shell_snapshots.cpp) ----------------------------------------------------------------------------

// Has the namespace written to the chat's file of snapshots, beside the cells, and remembers where.
void take_snapshot(chat_shell_pointer self);

// Answers once no snapshot is under way, or when the deadline has come.
caf::result<done_atom> drain_snapshots(chat_shell_pointer self);
// The deadline has come: whoever waits is answered.
void give_up_snapshots(chat_shell_pointer self);

// --- files (chat_shell_files.cpp) ------------------------------------------------------------------------------------

// Before the first cell of a run, its chat's files are kept: who comes back to before this turn finds them. Whoever
// waits for the shell is served afterwards. REQUIRES: a run is on.
void keep_files(chat_shell_pointer self);

} // namespace varro
