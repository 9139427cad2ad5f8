// Outgoing HTTP: one thread drives every request (libcurl's multi interface with HTTP/2).
//
// Callbacks run on the transport's own thread and must not block. Any thread may call start() and cancel().
#pragma once

#include "models/provider.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace varro {

struct transport_limits {
  std::chrono::milliseconds connect_max{10'000};
  std::chrono::milliseconds first_byte_max{600'000};
  std::chrono::milliseconds silence_max{600'000}; // between two chunks of a stream
  std::chrono::milliseconds total_max{1'800'000};
  size_t response_bytes_max = 64u << 20;
};

struct transport_end {
  enum class reason { complete, connect_failed, dropped, timed_out, too_large, cancelled };
  reason why = reason::complete;
  int http_status = 0; // 0: no response head arrived
  std::string detail;  // libcurl's words, without URL credentials
  std::optional<std::chrono::milliseconds> retry_after;
  bool unsent = false; // there was no connection: the request has reached nobody, but for what `unanswered` counts
  // How often it was sent before on a connection that ended without a byte of an answer: libcurl sends a request again
  // by itself where it had used the connection before, since servers close those that are idle. A server that had
  // begun to work may bill it all the same.
  int unanswered = 0;
};

struct transport_callbacks {
  // The response head has arrived. Called once, before on_bytes.
  std::function<void(int http_status, std::string_view content_type)> on_head;
  std::function<void(std::string_view bytes)> on_bytes;
  // The last call of a request, exactly once, also after cancel().
  std::function<void(const transport_end& end)> on_end;
};

class http_transport {
public:
  using request_id = uint64_t; // never 0, never reused

  virtual ~http_transport() = default;
  virtual request_id start(http_request request, transport_limits limits, transport_callbacks callbacks) = 0;
  virtual void cancel(request_id id) = 0; // closes the connection or stream at once; unknown ids are ignored
};

// Starts the thread; the destructor cancels what is open and joins it.
std::unique_ptr<http_transport> make_curl_transport();

} // namespace varro
