// Reading and writing whole frames, with a deadline, on descriptors that do not block. Any thread, one per descriptor.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string_view>

#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

namespace varro {

using frame_deadline = std::chrono::steady_clock::time_point;
inline constexpr frame_deadline no_deadline = frame_deadline::max();

template <class Head>
std::string_view view_of(const Head& head) {
  return {reinterpret_cast<const char*>(&head), sizeof head};
}

// Waits; false when the time was over before.
inline bool wait_within(int fd, short events, frame_deadline deadline) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= deadline)
    return false;
  const auto left = std::min<frame_deadline::duration>(deadline - now, std::chrono::hours{1});
  pollfd one{fd, events, 0};
  // Rounded up: less than a millisecond is not none.
  poll(&one, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
  return true;
}

// Whether all bytes were read; not at the end of the input, after an error or the deadline.
inline bool read_within(int fd, void* to, size_t size, frame_deadline deadline) {
  auto* next = static_cast<char*>(to);
  while (size > 0) {
    auto count = read(fd, next, size);
    if (count < 0 && (errno == EAGAIN || errno == EINTR) && wait_within(fd, POLLIN, deadline))
      continue;
    if (count <= 0)
      return false;
    next += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

inline bool write_within(int fd, std::string_view bytes, frame_deadline deadline) {
  while (!bytes.empty()) {
    auto count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR) && wait_within(fd, POLLOUT, deadline))
      continue;
    if (count <= 0)
      return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

} // namespace varro
