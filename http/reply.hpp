// What a route answers, and what it is given. Native values; the router turns them into bytes.
#pragma once

#include "base/errors.hpp"
#include "http/exchange.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varro {

struct reply {
  int status = 200;
  std::string body;
  std::string content_type = "text/html; charset=utf-8"; // empty for a reply without a body
  std::string cache_control = "no-store";
  std::vector<std::pair<std::string, std::string>> headers; // values without CR and LF
  std::optional<file_slice> file;                           // instead of the body
  std::function<void(int fd)> adopt;                        // see composed_response
};

inline reply empty_reply(int status) {
  reply result;
  result.status = status;
  result.content_type.clear();
  return result;
}

inline reply see_other(std::string location) {
  auto result = empty_reply(303);
  result.headers.emplace_back("Location", std::move(location));
  return result;
}

struct route_call {
  const received_request& request;
  std::vector<std::pair<std::string, std::string>> segments; // of the route's path by name, percent-decoded

  // REQUIRES: the route's path has it.
  const std::string& segment(std::string_view name) const;
};

using route_handler = std::function<reply(const route_call&)>;

} // namespace varro
