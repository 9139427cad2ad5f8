// The header fields that every response of Varro carries, whoever writes it: routes, the front's refusals, streams.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace varro {

inline constexpr std::array<std::pair<std::string_view, std::string_view>, 6> security_headers{{
  {"Content-Security-Policy",
   "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
   "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"},
  {"X-Content-Type-Options", "nosniff"},
  {"Referrer-Policy", "same-origin"},
  {"X-Frame-Options", "DENY"},
  {"Cross-Origin-Opener-Policy", "same-origin"},
  {"Cross-Origin-Resource-Policy", "same-origin"},
}};

// All of them as lines of a response's head.
inline std::string security_header_lines() {
  std::string result;
  for (const auto& [name, value] : security_headers) {
    result += name;
    result += ": ";
    result += value;
    result += "\r\n";
  }
  return result;
}

} // namespace varro
