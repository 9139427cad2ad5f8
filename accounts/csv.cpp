#include "accounts/csv.hpp"

namespace varro {

namespace {

bool is_formula(std::string_view text) {
  return !text.empty() && std::string_view{"=+-@\t\r"}.find(text.front()) != std::string_view::npos;
}

} // namespace

std::string csv_field(std::string_view text) {
  const auto safe = (is_formula(text) ? "'" : "") + std::string{text};
  if (safe.find_first_of("\",\r\n") == std::string::npos)
    return safe;
  std::string quoted = "\"";
  for (const char c : safe)
    quoted += c == '"' ? std::string{"\"\""} : std::string{c};
  return quoted + "\"";
}

} // namespace varro
