// Recorded exchanges with generateContent: what wire_replay needs to know of that wire. Part of wire_replay.
#pragma once

#include "tests/support/wire_replay.hpp"

namespace varro::test {

// The name of the model stands in the path: "/v1beta/models/NAME:generateContent".
std::string google_model_name(const std::string& path);

// See canonical_request, query_for and goes_on of wire_replay.
json canonical_google_request(json body);
model_query google_query_for(const recording& file, size_t index);
bool google_goes_on(const recording& file, size_t index);

// What both halves of these rules share.
namespace google_wire {

json in_camel_case(const json& value);         // the names of all fields, but of what is somebody else's JSON
json canonical_contents(const json& recorded); // without what says nothing
void number_made_ids(json& contents);          // ids that were made up are numbered in order
json schema_of(const json& declaration);       // the JSON Schema of a function declaration
std::string system_text(const json& body);     // of the system instruction

} // namespace google_wire

} // namespace varro::test
