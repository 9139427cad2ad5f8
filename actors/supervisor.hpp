// The order of the end: chats, shells, viewers, models, database.
#pragma once

#include "actors/allowances.hpp"
#include "base/stop_progress.hpp"

#include <map>
#include <memory>
#include <string>

namespace varro {

struct supervised {
  chat_registry_actor registry;
  shell_host_actor shells;
  http_gateway_actor gateway;
  model_client_actor models;
  store_actor store;
  store_reader_actor reader;
  chat_search_actor search;
  workspace_keeper_actor keeper;
  picture_scaler_actor pictures;
  allowances_actor allowances;
  store_reader_actor admin_reader; // null: there is none
};

struct supervisor_state {
  static inline const char* name = "supervisor";
  supervised actors;
  std::shared_ptr<stop_progress> progress;
  std::map<caf::actor_addr, std::string> ending; // the last ones, and what they are called
  caf::typed_response_promise<done_atom> stopped;
};

// Answers stop_atom once all of them have ended. What it waits for stands in `progress`.
supervisor_actor::behavior_type supervisor(supervisor_actor::stateful_pointer<supervisor_state> self, supervised actors,
                                           std::shared_ptr<stop_progress> progress);

} // namespace varro
