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

// The body of a response whose status is not 2xx. `secret` is taken out of the message (some echo the key).
vendor_error read_error_body(int http_status, std::string_view body, std::string_view secret);

// The JSON of an error that came inside a 200 stream or body: the object with the `error` member, or the error itself.
vendor_error read_stream_error(const json& value, std::string_view secret);

// The connection broke off. Only worth another attempt while nothing of the answer was there.
vendor_error connection_lost_error(bool had_content);

// The answer could not be read; `what` says why.
vendor_error malformed_error(std::string_view what);

} // namespace varro
