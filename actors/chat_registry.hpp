// Finds chat sessions by user and chat, starts them on demand, closes idle ones.
#pragma once

#include "actors/services.hpp"

#include <chrono>
#include <map>
#include <set>

namespace varro {

// What chat_registry hears besides its interface.
using chat_registry_impl_actor = chat_registry_actor::extend<
  // Deletes the user's chat with its rows and all that it has running, whether it is in memory or not; its files are
  // the asker's. errc::run_in_progress: it is being loaded or deleted, and is to be asked for again. From eraser.
  caf::replies_to<remove_atom, int64_t /*user*/, int64_t /*chat*/>::with<done_atom>,
  // Whether nothing is on in the user's chat, so that it left the memory: then nobody finds it until ready_atom. From
  // retirer.
  caf::replies_to<passivate_atom, int64_t /*user*/, int64_t /*chat*/>::with<bool>,
  // That chat is found again, if it is there. From retirer.
  caf::reacts_to<ready_atom, int64_t /*chat*/>>;

// Who asked for a chat so lately may be about to do something with it.
inline constexpr std::chrono::seconds handed_out_recently{30};

using session_promise = caf::typed_response_promise<chat_session_actor>;

struct registered_session {
  int64_t user_id = 0;
  chat_session_actor session;
  caf::actor_clock::time_point found_at; // the last time that somebody asked for it
  std::vector<session_promise> after;    // who waits for its end
};

struct chat_registry_state {
  static inline const char* name = "chat_registry";
  session_services services;
  std::map<int64_t, registered_session> sessions;                              // by chat
  std::map<std::pair<int64_t, int64_t>, std::vector<session_promise>> loading; // by user and chat
  int64_t beginning = 0;                                                       // new chats whose ids are being drawn
  std::set<int64_t> resuming; // chats whose open runs are taken up, however full the memory is
  std::set<int64_t> removing; // chats that are deleted without a session: nobody finds them
  std::set<int64_t> held;     // chats that nobody finds, because their files or all of them are being deleted
  bool evicting = false;      // chats are being asked to leave, because memory is short
  bool stopping = false;
  std::vector<caf::typed_response_promise<done_atom>> stop_waiters;
};

using chat_registry_pointer = chat_registry_impl_actor::stateful_pointer<chat_registry_state>;

chat_registry_impl_actor::behavior_type chat_registry(chat_registry_pointer self, session_services services);

// --- a part of it (chat_removal.cpp) ---------------------------------------------------------------------------------

caf::result<done_atom> remove_chat(chat_registry_pointer self, int64_t user, int64_t chat);
caf::result<bool> hold_chat(chat_registry_pointer self, int64_t user, int64_t chat);

} // namespace varro
