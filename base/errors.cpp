#include "base/errors.hpp"

#include <array>
#include <utility>

namespace varro {

namespace {

constexpr std::array names{
  "none",           "not_found",         "run_in_progress", "no_run",         "invalid_input", "too_large",
  "unauthorized",   "config_invalid",    "storage_failed",  "storage_locked", "shell_lost",    "shell_unavailable",
  "model_rejected", "model_unreachable", "model_malformed", "limit_reached",  "cancelled",     "shutting_down",
};
static_assert(names.size() == static_cast<size_t>(errc::shutting_down) + 1, "an errc lacks its name");

} // namespace

const char* to_string(errc code) noexcept {
  auto index = static_cast<size_t>(code);
  return index < names.size() ? names[index] : "unknown";
}

caf::error fail(errc code, std::string message) {
  return caf::make_error(code, std::move(message));
}

errc code_of(const caf::error& error) noexcept {
  // CAF looks into an error's category without asking whether there is an error.
  if (!error || error.category() != caf::atom("varro"))
    return errc::none;
  return static_cast<errc>(error.code());
}

std::string text_of(const caf::error& error) {
  if (!error)
    return "no error";
  const auto& context = error.context();
  if (context.match_elements<std::string>())
    return context.get_as<std::string>(0);
  return "internal error: " + caf::to_string(error);
}

} // namespace varro
