#include "bench/google_fields.hpp"

#include <cctype>

namespace varro::bench {

std::string camel_name(std::string_view name) {
  std::string result;
  bool upper = false;
  for (char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    result += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return result;
}

std::string snake_name(std::string_view name) {
  std::string result;
  for (char c : name) {
    if (std::isupper(static_cast<unsigned char>(c)))
      result += '_';
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

const json* google_field(const json& value, std::string_view name) {
  if (!value.is_object())
    return nullptr;
  auto found = value.find(std::string{name});
  if (found == value.end())
    found = value.find(snake_name(name));
  return found == value.end() ? nullptr : &*found;
}

std::string google_text(const json& value, std::string_view name) {
  auto* found = google_field(value, name);
  return found && found->is_string() ? found->get<std::string>() : std::string{};
}

} // namespace varro::bench
