// A message of the database: what can be read is written as it will be read again.
#include "models/message_json.hpp"
#include "models/tool_arguments.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace varro;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  std::ignore = read_arguments(std::string{text});
  auto read = message_from_text(text);
  if (!read)
    return 0;
  auto written = to_json_text(*read);
  auto again = message_from_text(written);
  fuzz::law(static_cast<bool>(again), "what was written can be read");
  fuzz::law(to_json_text(*again) == written, "reading what was written changes nothing");
  return 0;
}
