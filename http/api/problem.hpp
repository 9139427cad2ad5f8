// Errors of /api as problem details (RFC 9457). Pure functions, any thread.
//
//   {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is no such chat.",
//    "instance": "/api/v1/chats/7#5d0e8a3c11f2b7c4"}
//
// `type` is always "about:blank": what a program decides by is the status, and `detail` is for the person who reads it.
// `instance` names this one occurrence (section 3.1.5): the path that was asked for, left out where that is not written
// as a path of a URI is, and behind it the request's id, which stands in X-Request-Id and in the log as well. It is a
// name: there is nothing to be had at it.
#pragma once

#include "http/reply.hpp"

#include <string>
#include <string_view>

namespace varro {

inline constexpr std::string_view problem_type = "application/problem+json";

// Whether programs ask here: a path below /api/ or /v1/, however it is spelt. The page /api is for people.
bool is_api_target(std::string_view target);
// Below /v1/, where errors are those of OpenAI's SDKs.
bool is_response_target(std::string_view target);

// The JSON text; `target` and `id` as in received_request.
std::string problem_text(int status, std::string_view detail, std::string_view target, std::string_view id);
// Below /v1/ the error that is known there.
reply problem_reply(const received_request& request, int status, std::string_view detail);

// {"error": {"message", "type", "param", "code"}}, as OpenAI's SDKs read errors. Empty: null. `type` follows from the
// status.
inline constexpr std::string_view response_error_type = "application/json";
std::string response_error_text(int status, std::string_view message, std::string_view param = {},
                                std::string_view code = {});

// The text and media type of an error of a request for this target, which is for programs.
std::string error_text_for(int status, std::string_view detail, std::string_view target, std::string_view id);
std::string_view error_type_for(std::string_view target);

// "Not Found" for 404, of every status that a problem has.
std::string_view problem_title(int status);

} // namespace varro
