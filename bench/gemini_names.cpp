#include "bench/model_names.hpp"

namespace varro::bench {

int gemini_version(std::string_view model) {
  return version_after("gemini-", model);
}

bool gemini_wants_signatures(std::string_view model) {
  return gemini_version(model) >= 300 && model.find("image") == std::string_view::npos;
}

budget_range gemini_budgets(std::string_view model) {
  if (gemini_version(model) >= 300 || gemini_version(model) == 0)
    return {0, 32768, true}; // taken for older clients' sake
  if (model.find("-pro") != std::string_view::npos)
    return {128, 32768, false};
  if (model.find("-lite") != std::string_view::npos)
    return {512, 24576, true};
  return {0, 24576, true};
}

std::vector<std::string> gemini_levels(std::string_view model) {
  auto version = gemini_version(model);
  if (version > 0 && version < 300)
    return {};
  if (version == 300 && model.find("-pro") != std::string_view::npos)
    return {"LOW", "HIGH"};
  if (model.find("-pro") != std::string_view::npos)
    return {"LOW", "MEDIUM", "HIGH"};
  return {"MINIMAL", "LOW", "MEDIUM", "HIGH"};
}

} // namespace varro::bench
