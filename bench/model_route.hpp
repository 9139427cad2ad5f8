// Which wire a path belongs to, and what it says of the request.
//
// Pure functions, any thread.
#pragma once

#include "bench/script.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace varro::bench {

struct model_route {
  vendor api = vendor::anthropic;
  std::string model;     // Google: of the path
  bool streams = false;  // Google: streamGenerateContent
  bool in_array = false; // Google: without alt=sse a stream is one JSON array
};
std::optional<model_route> route_of(std::string_view target);

bool is_model_list(std::string_view path); // of any vendor, or one model of it
bool is_google_path(std::string_view path);

// The value of a parameter behind "?", decoded; empty if it is not there.
std::string query_value(std::string_view target, std::string_view name);
std::string without_key(std::string_view target); // the value of `key` is "***"

} // namespace varro::bench
