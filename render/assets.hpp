// The files of web/ and of the pinned npm packages, as bytes in the binary. Any thread.
#pragma once

#include "render/pages.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace varro {

struct named_asset {
  std::string_view name; // below /assets/
  asset file;
};
const std::vector<named_asset>& all_assets();

// "/assets/NAME?v=HASH": may be cached for ever. REQUIRES: the asset exists.
std::string asset_url(std::string_view name);

} // namespace varro
