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

// Only our own pages may frame what is served with it.
inline constexpr std::pair<std::string_view, std::string_view> framed_header{"X-Frame-Options", "SAMEORIGIN"};

// What HTML that a cell made is served with, instead of the fields above: its own scripts may run, but as a stranger to
// this origin, without cookies and without any network; pictures and sounds are those that it holds; only our pages may
// frame it.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 2> display_headers{{
  {"Content-Security-Policy",
   "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
   "media-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"},
  framed_header,
}};

// What the frame of a chart loads is served with it: for a browser the frame is of another origin.
inline constexpr std::pair<std::string_view, std::string_view> open_asset_header{"Cross-Origin-Resource-Policy",
                                                                                 "cross-origin"};

// The security_headers as lines of a response's head.
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
