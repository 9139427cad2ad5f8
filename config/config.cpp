#include "config/config.hpp"

namespace varro {

const model_config* config::find_model(const std::string& id) const {
  for (const auto& model : models)
    if (model.id == id)
      return &model;
  return nullptr;
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
