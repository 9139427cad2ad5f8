// The listening socket of the front.
#pragma once

#include "base/descriptor.hpp"
#include "base/errors.hpp"
#include "config/config.hpp"
#include "http/exchange.hpp"

namespace varro {

struct listen_socket {
  descriptor socket; // non-blocking, close-on-exec, backlog 4096
  uint16_t port = 0;
};

// errc::config_invalid names the address and the reason.
caf::expected<listen_socket> open_listen_socket(const server_config& settings);

// "127.0.0.1" or "::1"; empty when it is not an internet address.
std::string peer_address(int fd);

} // namespace varro
