// The page /api: what programs may ask for, for people who write them. Pure functions, any thread.
#pragma once

#include "base/json.hpp"
#include "render/markup.hpp"

namespace varro {

// Of an OpenAPI 3.1 document of ours, whose responses and schemas are referred to by name. Nothing is loaded for it but
// this server's own assets.
html::markup api_page(const json& document);

} // namespace varro
