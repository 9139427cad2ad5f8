// The side of chat_session that deals with its shell: start, restore, hand out, close.
//
// A shell that is not live is started when a cell first needs it, or taken over from a former server. After each cell
// the namespace is written to the chat's file of snapshots; a fresh shell gets it back from there ("Restoring
// session…"), and the next cell's reader is told what is back. The recorded cells are run again only when the user
// asked for it: what they show is dropped, what they define is back. Only chat_session's handlers call these.
#pragma once

#include "actors/chat_parts.hpp"

namespace varro {

// A cell will come: has the run's files kept and the shell started, beside each other, where that is not done yet.
void prepare_shell(chat_session_pointer self);

// Prepares the shell for those who wait for it, and hands it out once it is live and the files are kept.
void serve_waiters(chat_session_pointer self);

// The live shell and a note for the reader of the next cell, now or when it is ready.
caf::result<python_shell_actor, std::string> give_shell(chat_session_pointer self);

// The same for a cell that this shell has not begun before it ended.
caf::result<python_shell_actor, std::string> give_another_shell(chat_session_pointer self,
                                                                const python_shell_actor& ended);

// Ends the process, if there is one; who waits for it gets an error.
void close_shell(chat_session_pointer self);

// The same, and also a shell of a former server that this session has not met yet.
void discard_shell(chat_session_pointer self);

// Forgets the shell and lets it live: the next server finds it.
void let_go_of_shell(chat_session_pointer self);

// A shell of a former server is this session's: its namespace is as the history left it.
void adopt_shell(chat_session_pointer self, const python_shell_actor& shell);

// The results of the cells that this message returns are committed. False when it returns none.
bool acknowledge_cells(chat_session_pointer self, const message& content);

// A stop arrived while cells were run again: the half-restored shell is closed, the next cell starts over.
void abandon_restore(chat_session_pointer self);

// The shell's actor has ended.
void shell_is_gone(chat_session_pointer self);

// Ends the chat's shell, also one of a former server, and goes on when its process is gone. REQUIRES: no run is on.
void end_shell(chat_session_pointer self, std::function<void()> then);

// An actor has ended: whether it was such a shell's.
bool note_ended_shell(chat_session_pointer self, const caf::actor_addr& shell);

} // namespace varro
