// JSON messages with descriptors over a SOCK_SEQPACKET socket: how varro, varro-shells and the warm interpreters talk.
//
// Non-blocking: what the socket does not take at once is queued, and sent by flush() once the socket is writable. Not
// thread-safe.
#pragma once

#include "base/descriptor.hpp"
#include "base/json.hpp"

#include <deque>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include <sys/un.h>

namespace varro {

// The address of a socket file whose path may be of any length: `directory`, an open descriptor of its directory,
// stands for the path, and has to be open while the address is used.
sockaddr_un socket_address(const std::filesystem::path& socket, const descriptor& directory) noexcept;

struct channel_message {
  json value; // an object
  std::vector<descriptor> descriptors;
};

class channel {
public:
  static constexpr size_t message_bytes_max = 64u << 10;
  static constexpr size_t descriptors_max = 4;
  static constexpr size_t queue_max = 16'384; // a peer that lets more messages wait is given up

  channel() = default;
  explicit channel(descriptor socket);

  int fd() const noexcept {
    return socket_.get();
  }
  // Closed by either side, or broken: nothing is sent or received any more.
  bool is_open() const noexcept {
    return static_cast<bool>(socket_);
  }
  bool wants_write() const noexcept {
    return !queue_.empty() && !is_refused_;
  }
  void close() noexcept;

  // The descriptors are duplicated when the message has to wait. To a peer that is gone nothing is sent; what it had
  // said can still be received.
  void send(const json& message, std::initializer_list<int> descriptors = {});
  // Sends what waits: when the socket can be written to, and from time to time, since nothing tells when a kernel that
  // had no room for the descriptors of a message has it again.
  void flush();
  // The next message, or nothing when none is there. A message that is no JSON object breaks the channel.
  std::optional<channel_message> receive();

private:
  struct waiting {
    std::string text;
    std::vector<descriptor> descriptors;
  };
  void stop_sending() noexcept;
  bool transmit(const std::string& text, const int* descriptors, size_t count);

  descriptor socket_;
  bool sends_ = true;
  bool is_refused_ = false;
  std::deque<waiting> queue_;
};

} // namespace varro
