// A loopback HTTP server that does exactly what a test scripts: raw bytes, cut where the test wants, dropped
// connections, silence. One thread of its own drives every connection.
//
// The script is asked once per request, on the server's thread. Every other function may be called from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace varro::test {

struct server_step {
  enum class kind { send, hold, close, reset };
  kind what = kind::send;
  std::string bytes;
};

inline server_step send_bytes(std::string bytes) {
  return {server_step::kind::send, std::move(bytes)};
}
// Waits for scripted_server::release().
inline server_step hold() {
  return {server_step::kind::hold, {}};
}
inline server_step close_connection() {
  return {server_step::kind::close, {}};
}
// Closes with RST.
inline server_step reset_connection() {
  return {server_step::kind::reset, {}};
}

// A whole response with a Content-Length. `extra_headers` are lines that end in \r\n.
std::string http_response(int status, std::string_view content_type, std::string_view body,
                          std::string_view extra_headers = "");
// A response head with chunked encoding, one chunk, and the last chunk.
std::string chunked_head(int status, std::string_view content_type);
std::string chunk(std::string_view bytes);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

class scripted_server {
public:
  // What to do with one request (head and body as they arrived). After the last step the connection stays open for the
  // next request, unless a step closed it.
  using script = std::function<std::vector<server_step>(const std::string& request)>;

  explicit scripted_server(script answer);
  ~scripted_server();
  scripted_server(const scripted_server&) = delete;
  scripted_server& operator=(const scripted_server&) = delete;

  uint16_t port() const {
    return port_;
  }
  std::string url(std::string_view path = "/") const;

  // Further connections are refused. From the script only.
  void stop_accepting();

  void release(); // every hold() step, now and later, is passed

  // Each waits until it is so, at most 20 s, and says whether it is.
  bool wait_for_requests(size_t count);
  bool wait_for_open(size_t connections);

  std::vector<std::string> requests() const;
  size_t open() const;     // connections
  size_t accepted() const; // connections since the start

private:
  struct connection {
    std::string received;
    std::vector<server_step> steps; // still to do; front is the current one
    size_t sent = 0;                // of the current step
  };

  void run();
  void accept_all();
  bool read_from(int fd, connection& c);
  bool advance(int fd, connection& c); // false: close it
  void drop(int fd);

  script answer_;
  int listener_ = -1;
  int wake_ = -1;
  uint16_t port_ = 0;
  std::map<int, connection> connections_; // server thread only
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> released_ = false;

  mutable std::mutex mutex_; // guards what follows
  std::condition_variable changed_;
  std::vector<std::string> requests_;
  size_t open_ = 0;
  size_t accepted_ = 0;

  std::thread thread_;
};

// Raises this process's limit on open files as far as it may, for tests with many connections.
void raise_file_limit();

} // namespace varro::test
