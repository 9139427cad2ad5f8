#include "models/argument_schema.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace varro;

namespace {

json parsed(const char* text) {
  return json::parse(text);
}

// The errors without their inputs.
std::string told(const json& schema, const json& value) {
  auto errors = schema_errors(schema, value);
  for (auto& each : errors)
    each.erase("input");
  return errors.dump();
}

} // namespace

TEST_CASE("what a schema does not allow is told with its place, in the form that models know") {
  const auto schema = parsed(R"({"type": "object", "required": ["city"], "additionalProperties": false, "properties": {
    "city": {"type": "string", "minLength": 2}, "days": {"type": "array", "maxItems": 3,
      "items": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 1}}}},
    "unit": {"enum": ["C", "F"]}, "who": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "at": {"$ref": "#/$defs/point"}}, "$defs": {"point": {"type": "object", "required": ["x"]}}})");
  CHECK(
    schema_errors(schema, parsed(R"({"city": "Ulm", "days": [{"n": 1}], "unit": "C", "who": null, "at": {"x": 1}})"))
    == nullptr);
  CHECK(told(schema, parsed("{}")) == R"([{"type":"missing","loc":["city"],"msg":"Field required"}])");
  CHECK(told(schema, parsed(R"({"city": 5})"))
        == R"([{"type":"string_type","loc":["city"],"msg":"Input should be a valid string"}])");
  CHECK(told(schema, parsed(R"({"city": "Ulm", "town": 1})"))
        == R"([{"type":"extra_forbidden","loc":["town"],"msg":"Extra inputs are not permitted"}])");
  CHECK(told(schema, parsed(R"({"city": "Ulm", "days": [{"n": 1}, {"n": "2"}, {}]})"))
        == R"([{"type":"integer_type","loc":["days",1,"n"],"msg":"Input should be a valid integer"},)"
           R"({"type":"missing","loc":["days",2,"n"],"msg":"Field required"}])");
  CHECK(told(schema, parsed(R"({"city": "Ulm", "days": [{"n": 0}]})")).find("greater than or equal")
        != std::string::npos);
  CHECK(told(schema, parsed(R"({"city": "U"})")).find("no fewer than 2") != std::string::npos);
  CHECK(told(schema, parsed(R"({"city": "Ulm", "unit": "K"})")).find(R"("loc":["unit"])") != std::string::npos);
  CHECK(told(schema, parsed(R"({"city": "Ulm", "who": 1})")).find("anyOf") != std::string::npos);
  CHECK(told(schema, parsed(R"({"city": "Ulm", "at": {}})"))
        == R"([{"type":"missing","loc":["at","x"],"msg":"Field required"}])");
  // The input is what stands at that place.
  CHECK(schema_errors(schema, parsed(R"({"city": "Ulm", "days": [{"n": "2"}]})"))[0]["input"] == "2");
}

TEST_CASE("a recursive schema holds for values of any depth that JSON may have here") {
  const auto schema
    = parsed(R"({"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": false})");
  CHECK(schema_errors(schema, parsed(R"({"next": {"next": {"next": {}}}})")) == nullptr);
  CHECK(told(schema, parsed(R"({"next": {"next": {"last": 1}}})"))
        == R"([{"type":"extra_forbidden","loc":["next","next","last"],"msg":"Extra inputs are not permitted"}])");
}

TEST_CASE("a schema that cannot be read allows everything, and one that is false nothing") {
  for (const char* text :
       {"{\"$ref\": \"#\"}", "{\"$ref\": \"https://example.org/other.json\"}", "{\"$ref\": \"#/nowhere\"}",
        "{\"$ref\": \"#/%zz\"}", "{\"type\": 7}", "{\"required\": \"x\"}", "7", "[]", "null", "true",
        R"({"$id": "https://a/", "$ref": "https://a/#"})",
        R"({"$ref": "#/d/a", "d": {"a": {"$ref": "#/d/b"}, "b": {"$ref": "#/d/a"}}})"}) {
    CAPTURE(text);
    CHECK(schema_errors(parsed(text), parsed(R"({"a": 1})")) == nullptr);
  }
  CHECK(told(false, 1) == R"([{"type":"schema","loc":[],"msg":"No value is allowed"}])");
}

TEST_CASE("no regular expression of a stranger's schema is run") {
  const std::string long_text(1 << 20, '1');
  auto schema = parsed(R"({"type": "object", "properties": {"pattern": {"type": "string", "pattern": "^(1*)*x$"},
    "date": {"format": "date"}}, "patternProperties": {"^(1*)*x$": {"type": "integer"}}, "additionalProperties": false})");
  CHECK(schema_errors(schema, {{"pattern", long_text}, {"date", long_text}, {long_text, "any"}}) == nullptr);
  // A property that is called so is checked nevertheless.
  CHECK(told(schema, {{"pattern", 1}})
        == R"([{"type":"string_type","loc":["pattern"],"msg":"Input should be a valid string"}])");
  // Nor does a reference lead to one that stands elsewhere.
  schema = parsed(R"({"properties": {"a": {"$ref": "#/const/0"}}, "const": [{"pattern": "^(1*)*x$"}]})");
  CHECK(schema_errors(schema, {{"a", long_text}}) == nullptr);
}

TEST_CASE("errors are told up to their bound, each once") {
  auto schema = parsed(R"({"items": {"type": "integer"}})");
  auto value = json::array();
  for (size_t i = 0; i < schema_errors_max; ++i)
    value.push_back("x");
  CHECK(schema_errors(schema, value).size() == schema_errors_max);
  value.push_back("x");
  CHECK(schema_errors(schema, value).size() == schema_errors_max);
}
