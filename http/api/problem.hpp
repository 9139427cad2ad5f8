// Errors of /api as problem details (RFC 9457). Pure functions, any thread.
//
//   {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is no such chat.",
//    "instance": "/api/v1/chats/7"}
//
// `type` is always "about:blank": what a program decides by is the status, and `detail` is for the person who reads it.
// `instance` is the path that was asked for; left out where that is not written as a path of a URI is.
#pragma once

#include "http/reply.hpp"

#include <string>
#include <string_view>

namespace varro {

inline constexpr std::string_view problem_type = "application/problem+json";

// Whether programs ask here: a path below /api/, however it is spelt. The page /api is for people.
bool is_api_target(std::string_view target);

// The JSON text; `target` as in received_request.
std::string problem_text(int status, std::string_view detail, std::string_view target);
reply problem_reply(const received_request& request, int status, std::string_view detail);

// "Not Found" for 404, of every status that a problem has.
std::string_view problem_title(int status);

} // namespace varro
