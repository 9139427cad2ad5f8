// What a chat session reaches out to. Handles and constants only; copied into each session.
#pragma once

#include "actors/allowances.hpp"
#include "actors/id_supply.hpp"
#include "actors/interfaces.hpp"
#include "actors/live_runs.hpp"
#include "actors/resident_histories.hpp"
#include "actors/tools.hpp"
#include "base/stop_progress.hpp"
#include "config/config_in_force.hpp"
#include "models/catalog.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace varro {

// Numbers for /metrics that no single actor knows.
struct gauges {
  std::atomic<int64_t> runs{0};
  std::atomic<int64_t> waiting_runs{0}; // of these
};

// How many runs of a user may be on at once; 0: no limit. Called by run_queue's actor; it waits for nothing.
using run_limit_of_user = std::function<int64_t(int64_t user)>;

// As the log and a stop call a chat.
inline std::string chat_name(int64_t chat) {
  return "chat " + std::to_string(chat);
}

struct session_services {
  std::shared_ptr<const config> settings;                    // of the start: for keys that no reload changes
  std::shared_ptr<const config_in_force> in_force = nullptr; // null: nothing is reloaded, as in tests
  std::shared_ptr<gauges> counts;
  std::shared_ptr<stop_progress> stop = std::make_shared<stop_progress>(); // what it waits for
  std::shared_ptr<id_supplies> ids = std::make_shared<id_supplies>();      // which the store fills
  std::shared_ptr<resident_histories> resident = std::make_shared<resident_histories>();
  std::shared_ptr<live_runs> live = std::make_shared<live_runs>(); // for admins
  store_actor store;
  store_reader_actor reader;
  shell_host_actor shells;
  workspace_keeper_actor keeper;
  model_client_actor models;
  allowances_actor allowances; // null: nothing is limited, as in tests
  http_gateway_actor gateway;
  run_limit_of_user runs_at_once; // none: as the configuration says for everybody
  run_queue_actor queue;          // which chat_registry starts; none: runs begin at once
  tool_source tools;
  std::shared_ptr<const model_catalog> catalog;

  // For keys that a reload changes. Hold it for as long as a reference into it is used.
  std::shared_ptr<const config> settings_now() const {
    return in_force ? in_force->now() : settings;
  }
};

} // namespace varro
