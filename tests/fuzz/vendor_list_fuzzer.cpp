// Lists of models, and the small texts that vendors send: dates, times to wait.
#include "base/day.hpp"
#include "models/listed_model.hpp"
#include "models/retry_after.hpp"
#include "models/timestamp.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <array>
#include <string>

using namespace varro;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr std::array kinds{provider_kind::anthropic, provider_kind::openai, provider_kind::openai_responses,
                             provider_kind::google};
  fuzz::fuzzed_bytes input{data, size};
  auto kind = kinds[input.choice(kinds.size())];
  auto text = input.rest();
  if (auto page = read_list(kind, text))
    for (const auto& model : page->models)
      fuzz::law(!model.name.empty(), "a model has a name");
  auto wait = parse_retry_after(text, std::chrono::system_clock::time_point{});
  fuzz::law(!wait || (wait->count() >= 0 && *wait <= retry_after_parsed_max), "a wait is bounded");
  auto wait_ms = parse_retry_after_ms(text);
  fuzz::law(!wait_ms || (wait_ms->count() >= 0 && *wait_ms <= retry_after_parsed_max), "a wait is bounded");
  if (auto time = read_timestamp(std::string{text}))
    fuzz::law(read_timestamp(*time).has_value(), "a time that was written can be read");
  fuzz::law(date_of(text).empty() || days_of(date_of(text)).has_value(), "a date is a day of the calendar");
  return 0;
}
