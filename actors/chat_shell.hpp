// The side of chat_session that deals with its shell: start, restore, hand out, close.
//
// A shell that is not live is started when a cell first needs it. If the chat has recorded cells, they are run again
// first
// ("Restoring session…"): what they show is dropped, what they define is back. Only chat_session's handlers call these.
#pragma once

#include "actors/chat_session.hpp"

namespace varro {

using chat_session_pointer = chat_session_actor::stateful_pointer<chat_session_state>;

// The live shell and a note for the reader of the next cell, now or when it is ready.
caf::result<python_shell_actor, std::string> give_shell(chat_session_pointer self);

// A shell of a former server becomes this chat's. `tags` are its cells that were not acknowledged; those whose results
// are in the history are acknowledged.
void take_over_shell(chat_session_pointer self, const python_shell_actor& shell, const std::vector<std::string>& tags);

// The server goes, the shell stays.
void leave_shell(chat_session_pointer self);

// Ends the process, if there is one; who waits for it gets an error.
void close_shell(chat_session_pointer self);

// A stop arrived while cells were run again: the half-restored shell is closed, the next cell starts over.
void abandon_restore(chat_session_pointer self);

// The shell's actor has ended.
void shell_is_gone(chat_session_pointer self);

// DATA_DIR/workspaces/{chat}
std::filesystem::path workspace_of(const config& settings, int64_t chat_id);

// Takes the workspace out of the way at once and deletes it in an actor of its own.
void remove_workspace(chat_session_pointer self);

} // namespace varro
