// Finds the route of a request and runs it: cpp-httplib matches and writes the head, on memory instead of a socket.
//
// cpp-httplib never sees a client's header fields or body: request_parser has read them more strictly than it does, and
// its limit of 8 KiB on forms, its reading of encodings and its decoding of field values would be wrong here.
#pragma once

#include "http/reply.hpp"

#include <memory>

namespace varro {

class router {
public:
  router();
  ~router();

  // The path as in route::path. GET routes also answer HEAD. REQUIRES: before any handle().
  void add(std::string_view method, std::string_view path, route_handler handler);
  // Asked before any route; a reply ends the request there.
  void before(std::function<std::optional<reply>(const received_request&)> check);
  // Renders what the router itself refuses: 400, 404, 405, 414, 500.
  void on_error(std::function<reply(const received_request&, int status, std::string_view text)> render);

  // Any thread; never throws.
  composed_response handle(received_request&& request) const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace varro
