// From what is written about providers and models to the models that a user can choose.
#pragma once

#include "config/keys.hpp"
#include "config/load.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace varro {

// What the file says.
struct model_sources {
  std::vector<provider_entry> providers;
  std::vector<model_entry> models;
  std::string default_origin; // where default_model was set, for errors
};

// Fills config.models, config.providers, config.offer_lists and config.default_model. Reads the files that api_key_file
// names.
caf::error choose_models(config& settings, const model_sources& written, const load_sources& sources);

// What a model has from its provider: wire, address and key.
void take_provider(model_config& model, const provider_config& from);

// Without trailing slashes, and for Anthropic without /v1. The error says what is wrong with the URL.
caf::expected<std::string> normalised_base_url(std::string_view url, provider_kind kind);

} // namespace varro
