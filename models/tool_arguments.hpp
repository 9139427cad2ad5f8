// The name and the arguments of a tool call, as models write them.
//
// Pure functions, any thread.
#pragma once

#include "models/provider.hpp"

#include <optional>
#include <string>
#include <vector>

namespace varro {

// The JSON of a call's `args`: text is parsed with parse_vendor_json(), so that raw newlines and halves of characters
// do no harm; empty and blank text and null mean {}; a JSON string that holds JSON again, as some models write it, is
// opened. nullopt when the text is no JSON.
std::optional<json> read_arguments(const json& args);

// The tool that a model meant: "functions.python", "Python" and "python<|channel|>commentary" are `python` where there
// is such a tool. A name that means none of them is given back as it is.
std::string meant_tool_name(const std::string& called, const std::vector<tool_definition>& tools);

} // namespace varro
