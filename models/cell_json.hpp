// One output as JSON: the form that a worker's frame and a tool return's metadata share.
//
// {"type":"stream","name":…,"text":…} · {"type":"value","text":…} · {"type":"image","media_type":…} ·
// {"type":"table","columns":[…],"dtypes":[…],"rows":[[…]],"rows_total":…,"columns_total":…} ·
// {"type":"rich","media_type":…,"data":…,"text":…} · {"type":"error","name":…,"message":…,"traceback":…}. An image's
// bytes are the caller's affair. Any thread may call.
#pragma once

#include "models/cell.hpp"

namespace varro {

json output_to_json(const cell_output& output);

// nullopt: an unknown type, a missing field or one of the wrong type. `data` of an image is left empty.
std::optional<cell_output> output_from_json(const json& value);

// The status with this name.
std::optional<cell_status> cell_status_from(std::string_view name) noexcept;

} // namespace varro
