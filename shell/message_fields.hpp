// Fields of a message that may be missing or of another type.
#pragma once

#include "base/json.hpp"

#include <cstdint>
#include <string>

namespace varro {

template <class T = int64_t>
T number_in(const json& message, const char* key, T otherwise = {}) {
  auto found = message.find(key);
  return found != message.end() && found->is_number_integer() ? found->get<T>() : otherwise;
}

inline std::string text_in(const json& message, const char* key) {
  auto found = message.find(key);
  return found != message.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

} // namespace varro
