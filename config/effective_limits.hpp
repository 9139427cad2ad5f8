// What a user may use, out of all that is said about it.
//
// Values and pure functions, any thread.
#pragma once

#include "config/limits_config.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// What was set while a server ran; it comes before the configuration.
struct written_limits {
  user_limits user;                          // of the one who is asked about
  std::map<std::string, user_limits> groups; // by name
  user_limits everybody;
};

// Of each limit: the user's own value; else the most generous one of their groups', each as written, else as
// configured; else everybody's, as written, else as configured. 0 and an empty list are most generous: no limit. Of
// several lists of models all are allowed.
user_limits effective_limits(const limits_config& configured, const written_limits& written,
                             const std::vector<std::string>& groups);

// How what is said to users at a limit begins: pages show it as such.
inline constexpr std::string_view limit_reached_words = "Limit reached: ";

// Whether there is a limit of this value.
template <class Number>
bool is_limited(const std::optional<Number>& limit) {
  return limit && *limit > 0;
}

// What a shell needs whatever its user may have.
inline constexpr int64_t shell_memory_min = int64_t{256} << 20;

// Memory of a user's shell on a server whose shells may have `most`.
size_t shell_memory_of(const user_limits& limits, size_t most);

// Whether the model with this id is among these: "provider:name", or "provider:*" for all of a provider. All are where
// nothing is said.
bool is_allowed_model(const user_limits& limits, std::string_view id);

} // namespace varro
