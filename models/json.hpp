// The one JSON type. Ordered, because messages are written with their fields in pydantic-ai's order.
#pragma once

#include <nlohmann/json.hpp>

namespace varro {

using json = nlohmann::ordered_json;

} // namespace varro
