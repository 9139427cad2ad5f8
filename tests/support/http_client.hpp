// A raw HTTP client for tests: bytes out, bytes in, with a deadline instead of patience.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro::test {

struct http_answer {
  int status = 0; // 0: the connection ended without a response
  std::string head;
  std::string body;
  // The first value of a field, by its name in any case.
  std::string field(std::string_view name) const;
};

// A connected TCP socket on 127.0.0.1. Throws std::runtime_error when a wait takes longer than 20 s.
class raw_client {
public:
  explicit raw_client(uint16_t port);
  explicit raw_client(int connected_fd);
  raw_client(raw_client&& other) noexcept;
  ~raw_client();

  void send(std::string_view bytes);
  // Sends without failing when the server has hung up.
  void send_if_open(std::string_view bytes);
  void shut_down_sending();
  // One whole response (by Content-Length), status 0 at the end of the stream.
  http_answer read_answer(bool head_only = false);
  // Until the server closes.
  std::string read_all();
  // Until `text` has arrived; everything received since the last read.
  std::string read_until(std::string_view text);
  // The server has closed the connection (reads what is left).
  bool is_closed();
  int fd() const {
    return fd_;
  }

private:
  bool receive();
  int fd_ = -1;
  std::string buffer_;
};

// METHOD target with Host and, for a body, Content-Length. `fields` are lines without CR LF.
std::string request_text(std::string_view method, std::string_view target, const std::vector<std::string>& fields = {},
                         std::string_view body = {});

// One request on a connection of its own.
http_answer ask(uint16_t port, std::string_view method, std::string_view target,
                const std::vector<std::string>& fields = {}, std::string_view body = {});

} // namespace varro::test
