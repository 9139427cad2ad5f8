// One request as the front received it and what it sends back. Values; no sockets but the ones they own.
#pragma once

#include "base/descriptor.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro {

struct header_field {
  std::string name; // lower case
  std::string value;
};

// A complete request: syntactically sound, exactly one Host (or none in HTTP/1.0), the body decoded.
struct received_request {
  std::string method;
  std::string target; // origin form as sent: "/path?query", percent-encoded
  int version_minor = 1;
  std::vector<header_field> headers;
  std::string body;
  std::string peer; // the visitor's numeric address: the connection's, or what a trusted proxy says (forwarded.hpp)
  bool by_proxy = false; // the connection is a trusted proxy's
  bool https = false;    // which says that it speaks https with the visitor
  std::string id;        // request_id.hpp; empty before it has one
  std::string claimant;  // whom it comes from, before anybody has looked whether that is so; empty: the cookie says it
  bool keep_alive = true;
  bool expects_continue = false;
  std::chrono::steady_clock::time_point received_at = {}; // complete, before a worker took it up

  // The value of a field by its lower-case name; empty when it is absent.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const;
  std::string_view path() const;  // of the target, still percent-encoded
  std::string_view query() const; // without the '?'
};

// A piece of a regular file that follows the bytes of a response.
struct file_slice {
  descriptor file;
  uint64_t offset = 0;
  uint64_t length = 0;
};

// What a worker hands back to the poller.
struct composed_response {
  std::string bytes; // head and body as they go over the wire
  std::optional<file_slice> file;
  bool close = false; // the connection is not used again
  // The connection leaves the front: called on the poller's thread with the descriptor, which the callee now owns.
  // `bytes` are not sent then.
  std::function<void(int fd)> adopt;
};

} // namespace varro
