// Lines on stderr, "varro: warning: …". Never a key, a password, a token or a user's text. Any thread may call.
#pragma once

#include <string_view>

namespace varro {

enum class log_level { error, warning, info, debug };

// Unknown names mean info. Set once at start.
void set_log_level(std::string_view name);

void log(log_level level, std::string_view text);

} // namespace varro
