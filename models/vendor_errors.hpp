// What a vendor's error body means, in any of the shapes that vendors and proxies use.
//
// Pure functions, any thread.
#pragma once

#include "models/provider.hpp"

#include <string>
#include <string_view>

namespace varro {

inline constexpr size_t vendor_message_bytes_max = 2'000;
inline constexpr size_t error_body_bytes_max = 1u << 20; // of a body that says what went wrong

// What both readers put into `needs` goes by the vendors' words (any of them may stand behind a proxy).
//
// The body of a response whose status is not 2xx. `secret` is taken out of the message (some echo the key).
vendor_error read_error_body(int http_status, std::string_view body, std::string_view secret);

// The JSON of an error that came inside a 200 stream or body: the object with the `error` member, or the error itself.
vendor_error read_stream_error(const json& value, std::string_view secret);

// A whole body that has status 2xx and is no answer: its words, where it has some ({"detail": …}).
vendor_error read_unexpected_body(const json& body, std::string_view secret);
// The same for plain text; nothing when it is blank.
std::optional<vendor_error> read_unexpected_text(std::string_view text, std::string_view secret);

// The type of the error that follows.
inline constexpr const char* connection_lost_type = "connection_lost";
inline constexpr const char* malformed_type = "malformed_response";
// Whether the answer to a request says that the server has no such route at all, rather than no such model.
bool is_missing_route(const vendor_error& error);

// The connection broke off. Worth another attempt: nobody has seen what there was of the answer.
vendor_error connection_lost_error(bool had_content);

// The answer could not be read; `what` says why.
vendor_error malformed_error(std::string_view what);

} // namespace varro
