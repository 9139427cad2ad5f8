// Internet addresses and ranges of them, as values. Any thread.
#pragma once

#include "base/errors.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

// IPv4 is ::ffff:a.b.c.d, so that a connection to a socket of both kinds has the same address as one to IPv4's own.
struct ip_address {
  std::array<uint8_t, 16> bytes{};

  bool is_v4() const;
  bool operator==(const ip_address&) const = default;
};

// "192.0.2.1", "2001:db8::1"; without brackets, port or zone.
std::optional<ip_address> parse_address(std::string_view text);

// In the usual short form.
std::string to_text(const ip_address& address);

struct address_range {
  ip_address first;
  int prefix_bits = 128; // of the 16 bytes

  // A range of IPv6 holds no address of IPv4, however wide it is.
  bool contains(const ip_address& address) const;
};

// "192.0.2.1", "10.0.0.0/8", "2001:db8::/32". errc::invalid_input says what is the matter: also where the address is
// not the first one of its range, and with the range that holds everybody.
caf::expected<address_range> parse_range(std::string_view text);

} // namespace varro
