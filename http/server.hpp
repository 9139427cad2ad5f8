// The HTTP server: an event-driven front that receives whole requests and sends whole responses, a fixed pool of
// workers that run the routes (cpp-httplib parses and routes), and the hand-over of event streams to http_gateway.
//
// No worker is held by an idle, slow or streaming connection: connections live in one poller thread; a worker sees a
// request only when it is complete, and never writes to a socket.
#pragma once

#include "actors/allowances.hpp"
#include "actors/interfaces.hpp"
#include "config/config_in_force.hpp"
#include "models/catalog.hpp"
#include "models/transport.hpp"
#include "render/markdown_renderer.hpp"
#include "storage/chat_database.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace varro {

class live_runs;

struct http_services {
  caf::actor_system& system;
  const config& settings; // of the start: for keys that no reload changes
  chat_registry_actor registry;
  http_gateway_actor gateway;
  store_actor store;
  store_reader_actor reader;
  shell_host_actor shells;
  user_record local_user; // of --auth local
  std::shared_ptr<const model_catalog> catalog = nullptr;
  chat_search_actor search = {};
  std::shared_ptr<markdown_renderer> markdown = nullptr; // null, in tests: formatted by the worker, whatever that costs
  token_writer_actor token_writer = {};                  // without both no token works
  token_reader_actor token_reader = {};
  // For admins; null, in tests: nothing is shown of it.
  std::shared_ptr<const live_runs> live = nullptr;
  std::shared_ptr<const config_in_force> in_force = nullptr; // null: nothing is reloaded either
  allowances_actor allowances = {};                          // null, in tests: nothing is limited
  // Of --auth oidc: how the provider is asked, and a connection to the database.
  std::shared_ptr<http_transport> transport = nullptr;
  std::shared_ptr<chat_reader> oidc_reader = nullptr;
  store_reader_actor admin_reader = {}; // of what admins ask; null, in tests: `reader`
};

class http_server {
public:
  explicit http_server(http_services services);
  ~http_server();

  // Binds and listens; the port that was bound. errc::config_invalid says which address and why.
  caf::expected<uint16_t> bind();
  // Starts the poller and the workers; returns at once.
  void start();
  // Stops accepting; requests that are being answered are finished, the rest is closed. Blocks until the threads end.
  void stop();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace varro
