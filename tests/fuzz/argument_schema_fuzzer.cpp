// A tool's schema and a call's arguments, both a stranger's: two JSON texts with a zero byte between them.
#include "models/argument_schema.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace varro;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view both{reinterpret_cast<const char*>(data), size};
  auto middle = both.find('\0');
  if (middle == std::string_view::npos)
    return 0;
  auto schema = json::parse(both.substr(0, middle), nullptr, false);
  auto value = json::parse(both.substr(middle + 1), nullptr, false);
  if (schema.is_discarded() || value.is_discarded())
    return 0;
  auto errors = schema_errors(schema, value);
  fuzz::law(errors.is_null() || (errors.is_array() && errors.size() <= schema_errors_max), "errors are bounded");
  return 0;
}
