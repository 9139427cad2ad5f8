// One request of the transport on its way through libcurl: its options, limits and callbacks.
//
// Lives on the transport's thread. libcurl holds its address: it is neither copied nor moved.
#pragma once

#include "models/transport.hpp"

#include <curl/curl.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace varro {

struct curl_transfer {
  using clock = std::chrono::steady_clock;

  curl_transfer() = default;
  curl_transfer(const curl_transfer&) = delete;
  curl_transfer& operator=(const curl_transfer&) = delete;
  ~curl_transfer();

  // Sets up the easy handle. The words for why libcurl cannot be asked, or nothing.
  std::optional<std::string> prepare();

  // When the limits end it, as far as can be known now: the next byte moves it away.
  clock::time_point deadline() const;
  std::string timeout_detail(clock::time_point now) const;

  // The end of what libcurl has finished with `code`, or of what we ended ourselves. Calls on_end; call once.
  void end_with(CURLcode code);
  void end(transport_end::reason why, std::string detail, bool unsent = false);

  http_transport::request_id id = 0;
  http_request request;
  transport_limits limits;
  transport_callbacks callbacks;

  CURL* easy = nullptr;
  std::string tls_origin;                     // "https://host:port"; empty for http
  bool added = false;                         // to the multi handle
  bool connected = false;                     // it has a connection, new or used, and begins to send
  bool opened = false;                        // the connection was a new one
  bool* progressed = nullptr;                 // set when one of a TLS origin has connected; the transport's
  clock::time_point* next_deadline = nullptr; // moved nearer by the first byte; the transport's
  clock::time_point started;

private:
  static size_t on_header_line(char* data, size_t size, size_t count, void* user);
  static size_t on_body_bytes(char* data, size_t size, size_t count, void* user);
  static int on_connected(void* user, char* peer, char* local, int peer_port, int local_port);
  std::optional<std::string> add_headers();
  void set_options(bool loopback);
  void touched();
  bool take_header(std::string_view line);
  void take_head_end();
  bool take_body(std::string_view bytes);

  curl_slist* headers_ = nullptr;
  std::vector<std::string> secrets_; // masked in whatever libcurl says
  char error_text_[CURL_ERROR_SIZE] = {};
  clock::time_point last_byte_; // of head or body
  bool any_byte_ = false;
  bool head_told_ = false;
  bool too_large_ = false;
  int http_status_ = 0;
  size_t head_bytes_ = 0;
  size_t body_bytes_ = 0;
  int sends_ = 0; // how often it has begun to send
  std::string content_type_;
  std::optional<std::chrono::milliseconds> retry_after_;
  std::optional<std::chrono::milliseconds> retry_after_exact_; // retry-after-ms wins over retry-after
};

} // namespace varro
