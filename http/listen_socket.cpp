#include "http/listen_socket.hpp"

#include "base/descriptor.hpp"

#include <arpa/inet.h>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace varro {

namespace {

constexpr int backlog = 4096; // a burst of connections must not wait for retransmitted SYNs

uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return 0;
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
}

} // namespace

caf::expected<listen_socket> open_listen_socket(const server_config& settings) {
  auto where = settings.host + ":" + std::to_string(settings.port);
  auto refused = [&](const std::string& why) {
    return fail(errc::config_invalid,
                "Cannot listen on " + where + ": " + why + ". Choose another address with --listen.");
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (auto rc = ::getaddrinfo(settings.host.c_str(), std::to_string(settings.port).c_str(), &hints, &found); rc != 0)
    return refused(::gai_strerror(rc));
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned{found, &::freeaddrinfo};
  std::string why = "no such address";
  for (auto* entry = found; entry != nullptr; entry = entry->ai_next) {
    descriptor fd{::socket(entry->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, entry->ai_protocol)};
    int one = 1;
    if (fd)
      ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!fd || ::bind(fd.get(), entry->ai_addr, entry->ai_addrlen) != 0 || ::listen(fd.get(), backlog) != 0) {
      why = std::strerror(errno);
      continue;
    }
    auto port = bound_port(fd.get());
    return listen_socket{std::move(fd), port};
  }
  return refused(why);
}

std::string peer_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return {};
  const void* bytes = nullptr;
  if (address.ss_family == AF_INET)
    bytes = &reinterpret_cast<sockaddr_in&>(address).sin_addr;
  else if (address.ss_family == AF_INET6)
    bytes = &reinterpret_cast<sockaddr_in6&>(address).sin6_addr;
  if (bytes == nullptr || ::inet_ntop(address.ss_family, bytes, text, sizeof text) == nullptr)
    return {};
  return text;
}

} // namespace varro
