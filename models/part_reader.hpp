// One part of a message from its JSON: the middle of models/message_json.hpp.
#pragma once

#include "models/json_fields.hpp"

namespace varro {

// nullopt when the reading failed.
std::optional<request_part> read_request_part(const json& value, const json_place& place, message_reading& reading);
std::optional<response_part> read_response_part(const json& value, const json_place& place, message_reading& reading);

} // namespace varro
