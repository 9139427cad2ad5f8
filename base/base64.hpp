// base64 (RFC 4648, sections 4 and 5). Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace varro {

std::string base64_encode(std::string_view bytes);    // the standard alphabet, with padding
std::string base64url_encode(std::string_view bytes); // the URL-safe alphabet, with padding

// Either alphabet, padding optional; nullopt: it is neither.
std::optional<std::string> base64_decode(std::string_view text);

} // namespace varro
