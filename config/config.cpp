#include "config/config.hpp"

namespace varro {

const model_config* config::find_model(const std::string& id) const {
  for (const auto& model : models)
    if (model.id == id)
      return &model;
  return nullptr;
}

} // namespace varro
