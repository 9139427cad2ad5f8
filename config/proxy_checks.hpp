// What the settings about proxies say, read and checked. Pure functions, any thread.
#pragma once

#include "base/address.hpp"
#include "config/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// What of these is a range.
std::vector<address_range> ranges_of(const std::vector<std::string>& texts);

// server.trusted_proxies. What is no range is left out: it was refused at the start (proxy_problem).
std::vector<address_range> trusted_ranges(const server_config& settings);

// A key, and what is the matter with its value.
struct key_problem {
  std::string_view path;
  std::string what;
};
std::optional<key_problem> proxy_problem(const config& settings);

} // namespace varro
