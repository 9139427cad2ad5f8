#include "base/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace varro {

namespace {

constexpr int v4_bits = 96; // of ::ffff:0:0/96
constexpr std::array<uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// The address with all bits behind the prefix 0.
ip_address masked(ip_address address, int prefix_bits) {
  for (int i = 0; i < 16; ++i) {
    auto kept = std::clamp(prefix_bits - 8 * i, 0, 8);
    address.bytes[static_cast<size_t>(i)] &= static_cast<uint8_t>(0xff00 >> kept);
  }
  return address;
}

std::string range_text(const ip_address& first, int prefix_bits) {
  return to_text(first) + "/" + std::to_string(first.is_v4() ? prefix_bits - v4_bits : prefix_bits);
}

} // namespace

bool ip_address::is_v4() const {
  return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes.begin());
}

std::optional<ip_address> parse_address(std::string_view text) {
  const std::string terminated{text.substr(0, INET6_ADDRSTRLEN)};
  ip_address address;
  if (text.find('\0') != text.npos)
    return std::nullopt;
  if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1)
    return address;
  std::copy(v4_prefix.begin(), v4_prefix.end(), address.bytes.begin());
  if (::inet_pton(AF_INET, terminated.c_str(), address.bytes.data() + v4_prefix.size()) == 1)
    return address;
  return std::nullopt;
}

std::string to_text(const ip_address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.is_v4())
    ::inet_ntop(AF_INET, address.bytes.data() + v4_prefix.size(), text.data(), text.size());
  else
    ::inet_ntop(AF_INET6, address.bytes.data(), text.data(), text.size());
  return text.data();
}

bool address_range::contains(const ip_address& address) const {
  return address.is_v4() == first.is_v4() && masked(address, prefix_bits) == first;
}

caf::expected<address_range> parse_range(std::string_view text) {
  auto refuse
    = [&](const std::string& why) { return fail(errc::invalid_input, "\"" + std::string{text} + "\" " + why); };
  auto slash = text.find('/');
  auto address = parse_address(text.substr(0, slash));
  if (!address)
    return refuse("is no address and no range; expected such as \"127.0.0.1\", \"10.0.0.0/8\" or \"2001:db8::/32\"");
  if (slash == text.npos)
    return address_range{*address, 128};
  auto digits = text.substr(slash + 1);
  auto bits_max = address->is_v4() ? 128 - v4_bits : 128;
  int bits = 0;
  auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (problem != std::errc{} || end != digits.data() + digits.size() || bits < 0 || bits > bits_max)
    return refuse("has no number from 1 to " + std::to_string(bits_max) + " behind the /");
  if (bits == 0)
    return refuse("would hold everybody");
  auto prefix = address->is_v4() ? bits + v4_bits : bits;
  auto first = masked(*address, prefix);
  if (first != *address)
    return refuse("is not the first address of its range; it is written " + range_text(first, prefix));
  return address_range{first, prefix};
}

} // namespace varro
