#include "render/assets.hpp"

namespace varro {

const asset* find_asset(std::string_view path) {
  for (const auto& entry : all_assets())
    if (entry.name == path)
      return &entry.file;
  return nullptr;
}

std::string asset_url(std::string_view name) {
  std::string url = "/assets/" + std::string(name);
  if (auto* found = find_asset(name)) {
    url += "?v=";
    url += found->etag;
  }
  return url;
}

} // namespace varro
