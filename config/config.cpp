#include "config/config.hpp"

#include <algorithm>

namespace varro {

const model_config* config::find_model(const std::string& id) const {
  for (const auto& model : models)
    if (model.id == id)
      return &model;
  return nullptr;
}

bool shell_config::has_interpreter(const std::string& name) const {
  auto all = all_interpreters();
  return std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
}

std::vector<interpreter_config> shell_config::all_interpreters() const {
  std::vector<interpreter_config> all{{"default", python, preload}};
  for (const auto& each : interpreters) {
    if (each.name == "default")
      all.front() = each;
    else
      all.push_back(each);
  }
  return all;
}

} // namespace varro
