#include "shell/channel.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>

namespace varro {

channel::channel(descriptor socket) : socket_(std::move(socket)) {
  fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

void channel::close() noexcept {
  socket_.reset();
  queue_.clear();
}

void channel::stop_sending() noexcept {
  sends_ = false;
  queue_.clear();
}

// False when the socket is full, or the kernel has used up what it needs for this: both pass.
bool channel::transmit(const std::string& text, const int* descriptors, size_t count) {
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(descriptors_max * sizeof(int))] = {};
  if (count > 0) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    auto* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(rights), descriptors, count * sizeof(int));
  }
  for (;;) {
    if (sendmsg(socket_.get(), &header, MSG_NOSIGNAL) >= 0)
      return true;
    is_refused_ = errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM;
    if (errno == EAGAIN || is_refused_)
      return false;
    if (errno != EINTR) {
      sends_ = false;
      return true;
    }
  }
}

void channel::send(const json& message, std::initializer_list<int> descriptors) {
  if (!is_open() || !sends_)
    return;
  auto text = dump_json(message);
  if (text.size() > message_bytes_max || descriptors.size() > descriptors_max || queue_.size() >= queue_max) {
    stop_sending();
    shutdown(socket_.get(), SHUT_RDWR);
    return;
  }
  if (queue_.empty() && transmit(text, descriptors.begin(), descriptors.size()))
    return;
  waiting later{std::move(text), {}};
  for (int fd : descriptors)
    later.descriptors.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  queue_.push_back(std::move(later));
}

void channel::flush() {
  is_refused_ = false;
  while (is_open() && !queue_.empty()) {
    auto& first = queue_.front();
    int numbers[descriptors_max];
    for (size_t i = 0; i < first.descriptors.size(); ++i)
      numbers[i] = first.descriptors[i].get();
    if (!transmit(first.text, numbers, first.descriptors.size()))
      return;
    queue_.pop_front();
    if (!sends_)
      stop_sending();
  }
}

std::optional<channel_message> channel::receive() {
  if (!is_open())
    return std::nullopt;
  std::string text(message_bytes_max, '\0');
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(descriptors_max * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size = -1;
  do
    size = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN)
    return std::nullopt;
  channel_message message;
  for (auto* rights = size > 0 ? CMSG_FIRSTHDR(&header) : nullptr; rights; rights = CMSG_NXTHDR(&header, rights)) {
    if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)
      continue;
    for (size_t at = 0; at + sizeof(int) <= rights->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(rights) + at, sizeof fd);
      message.descriptors.emplace_back(fd);
    }
  }
  auto value = size > 0 && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0
    ? parse_json(std::string_view{text}.substr(0, static_cast<size_t>(size)))
    : std::nullopt;
  if (!value || !value->is_object()) {
    close();
    return std::nullopt;
  }
  message.value = std::move(*value);
  return message;
}

sockaddr_un socket_address(const std::filesystem::path& socket, const descriptor& directory) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory.get(),
                socket.filename().c_str());
  return address;
}

} // namespace varro
