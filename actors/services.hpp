// What a chat session reaches out to. Handles and constants only; copied into each session.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/tools.hpp"
#include "base/stop_progress.hpp"
#include "config/config.hpp"
#include "models/catalog.hpp"
#include "render/markdown_renderer.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace varro {

// Ids of chats and runs: drawn in memory, continuing where the database ends.
struct id_source {
  std::atomic<int64_t> next_chat{1};
  std::atomic<int64_t> next_run{1};
};

// Numbers for /metrics that no single actor knows.
struct gauges {
  std::atomic<int64_t> runs{0};
};

// As the log and a stop call a chat.
inline std::string chat_name(int64_t chat) {
  return "chat " + std::to_string(chat);
}

struct session_services {
  std::shared_ptr<const config> settings;
  std::shared_ptr<id_source> ids;
  std::shared_ptr<gauges> counts;
  std::shared_ptr<stop_progress> stop = std::make_shared<stop_progress>(); // what it waits for
  store_actor store;
  store_reader_actor reader;
  shell_host_actor shells;
  workspace_keeper_actor keeper;
  model_client_actor models;
  http_gateway_actor gateway;
  tool_list tools;
  std::shared_ptr<const model_catalog> catalog;
  std::shared_ptr<markdown_renderer> markdown; // null, in tests: formatted by the session, whatever that costs
};

} // namespace varro
