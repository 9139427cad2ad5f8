// Values against a JSON Schema, by valijson (drafts 4 to 7 and what later drafts share with them).
//
// Pure functions, any thread.
#pragma once

#include "base/json.hpp"

namespace varro {

inline constexpr size_t schema_errors_max = 20; // told of one value

// What of `value` the schema does not allow, in the form of pydantic's errors ([{type, loc, msg, input}], which models
// have seen most of); null: nothing. A schema that valijson cannot read, such as one that refers to another server's,
// allows everything: its tool checks what it gets itself.
//
// `pattern`, `patternProperties` and `format` are not looked at. valijson hands them to std::regex, which needs a stack
// that grows with the text and time that may grow faster, and both the schema and the text may be a stranger's.
json schema_errors(const json& schema, const json& value);

} // namespace varro
