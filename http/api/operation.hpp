// What describes one route of /api or /v1, for programs and people: the row of the table of routes has it, and the
// OpenAPI document (openapi.hpp) is made of the rows. Values that are known when it is compiled.
#pragma once

#include <array>
#include <string_view>

namespace varro {

struct api_parameter {
  enum class place { path, query, header };
  std::string_view name;
  place in = place::query;
  std::string_view schema; // JSON Schema, as JSON
  std::string_view says;
};

// What a body or answer holds: a component's name of api_schemas(), or bytes of a media type.
struct api_content {
  std::string_view schema; // empty: no component says what it holds
  std::string_view media;  // empty: nothing is there
};

struct api_answer {
  int status = 0;
  std::string_view says;
  api_content content;
};

// Of the request's body.
enum class api_body {
  none,
  json,  // an object; what may be left out says the schema
  turn,  // the same, or a form with files beside its fields
  files, // a form with files, or the bytes of one
};

struct api_operation {
  std::string_view id;               // operationId: the name of the function in a client that is made of the document
  std::string_view group;            // tag
  std::array<api_answer, 2> answers; // without errors
  api_body body = api_body::none;
  std::string_view body_schema = {};            // component
  std::array<api_parameter, 5> parameters = {}; // without those of the path, unless there is more to say of one
  std::array<int, 4> errors = {};               // beyond those that follow from the row: see openapi.cpp
  bool sends = false;                           // takes an Idempotency-Key, and tells the limits
};

} // namespace varro
