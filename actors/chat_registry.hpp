// Finds chat sessions by user and chat, starts them on demand, closes idle ones.
#pragma once

#include "actors/services.hpp"

#include <map>

namespace varro {

using session_promise = caf::typed_response_promise<chat_session_actor>;

struct registered_session {
  int64_t user_id = 0;
  chat_session_actor session;
  caf::actor_clock::time_point found_at; // the last time that somebody asked for it
};

struct chat_registry_state {
  static inline const char* name = "chat_registry";
  session_services services;
  std::map<int64_t, registered_session> sessions;                              // by chat
  std::map<std::pair<int64_t, int64_t>, std::vector<session_promise>> loading; // by user and chat
  bool stopping = false;
  std::vector<caf::typed_response_promise<done_atom>> stop_waiters;
};

chat_registry_actor::behavior_type chat_registry(chat_registry_actor::stateful_pointer<chat_registry_state> self,
                                                 session_services services);

} // namespace varro
