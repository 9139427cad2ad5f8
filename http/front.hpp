// The event-driven front: one poller thread owns every client connection, a fixed pool of workers answers requests.
//
// A connection is idle, receiving, being answered, sending or lingering; only "being answered" occupies a worker. The
// next request of a connection is looked at when the former's response has been sent. Limits are those of
// server_config: what passes one is answered 408, 413, 431 or 503 and the connection is closed. Knows nothing of routes
// and actors.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"
#include "http/exchange.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace varro {

// A small page for a request that never reaches a route, or problem details for one below /api/; closes the connection.
composed_response refusal(int status, std::string_view text, std::string_view target = {});
// "Not Found" for 404.
std::string_view reason_phrase(int status);

class http_front {
public:
  // Runs on a worker's thread; must not throw. The response is sent as it is.
  using handler = std::function<composed_response(received_request&&)>;

  // Runs on the poller's thread, before the request waits for a worker; must not throw, wait or compute much.
  using preparation = std::function<void(received_request&)>;

  http_front(const server_config& limits, handler answer, preparation prepare = {});
  ~http_front(); // stops

  // Binds and listens; the port. errc::config_invalid says which address and why.
  caf::expected<uint16_t> bind();
  // Starts the poller and the workers. REQUIRES: bind() succeeded.
  void start();
  // Stops accepting, finishes what is being answered or sent (for at most `drain_max`), closes the rest, joins the
  // threads.
  void stop();

  // Open connections, without those that were handed over. Any thread.
  size_t connections() const;
  size_t buffered_bytes() const;

  static constexpr std::chrono::milliseconds drain_max{3'000};

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace varro
