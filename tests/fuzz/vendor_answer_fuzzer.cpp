// Answers of models, of every wire: as they come and cut in two the same message, and one that can be stored.
#include "models/message_json.hpp"
#include "models/provider.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <array>
#include <string>

using namespace varro;

namespace {

constexpr std::array kinds{provider_kind::anthropic, provider_kind::openai, provider_kind::openai_responses,
                           provider_kind::google};

struct answer {
  std::string text; // of the response, without what differs from one reading to the next
  bool has_error = false;
};

answer answer_of(const model_query& query, int status, const char* type, std::string_view first,
                 std::string_view second, bool is_lost) {
  auto decoder = provider_for(query.model.kind).decoder(query, status, type);
  decoder->feed(first);
  std::ignore = decoder->partial();
  decoder->feed(second);
  auto outcome = decoder->finish(is_lost);
  fuzz::law(outcome.response.has_value() != outcome.error.has_value(), "an answer or an error");
  if (!outcome.response)
    return {{}, true};
  auto value = to_json(message{*outcome.response});
  auto again = message_from_json(value);
  fuzz::law(again && to_json(*again) == value, "an answer can be stored and read back");
  value.erase("timestamp");
  return {value.dump(-1, ' ', false, json::error_handler_t::replace), false};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::fuzzed_bytes input{data, size};
  model_query query;
  query.model.kind = kinds[input.choice(kinds.size())];
  query.model.name = "scripted";
  query.model.provider = "scripted";
  query.history = std::make_shared<const message_history>();
  constexpr std::array statuses{200, 200, 400, 429};
  constexpr std::array types{"text/event-stream", "application/json", ""};
  auto status = statuses[input.choice(statuses.size())];
  const auto* type = types[input.choice(types.size())];
  auto is_lost = input.choice(2) == 1;
  auto cut = input.cut();
  auto all = input.rest();
  auto whole = answer_of(query, status, type, all, "", is_lost);
  auto parts = answer_of(query, status, type, all.substr(0, cut), all.substr(cut), is_lost);
  fuzz::law(whole.has_error == parts.has_error, "an error does not depend on how bytes come");
  fuzz::law(whole.text == parts.text, "an answer does not depend on how bytes come");
  return 0;
}
