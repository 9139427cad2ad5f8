// The OpenAPI 3.1 document of /api and /v1, made of the table of routes. Pure functions, any thread.
#pragma once

#include "base/json.hpp"

#include <string>
#include <string_view>

namespace varro {

// The document. Made once.
const json& openapi_document();

// The schemas of what is asked and answered (components.schemas), each with its name.
json api_schemas();

// "/api/v1/chats/{chat}" of the path of a route.
std::string openapi_path(std::string_view route_path);

} // namespace varro
