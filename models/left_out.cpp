#include "models/left_out.hpp"

#include "models/vendor_json.hpp"

namespace varro {

namespace {

// In a long turn one result more goes with each request, which is not worth a mark each time.
bool is_news(const left_out& without, const left_out& told) {
  const auto doubled = [](int64_t now, int64_t before) { return now >= 2 * before && now > before; };
  return without.turns > told.turns || doubled(without.results, told.results)
    || doubled(without.pictures, told.pictures);
}

} // namespace

void note_left_out(const left_out& without, int64_t estimate, const left_out& told, json& metadata) {
  if (!without.any())
    return;
  if (!metadata.is_object())
    metadata = json::object();
  metadata["left_out"] = {{"results", without.results},
                          {"pictures", without.pictures},
                          {"turns", without.turns},
                          {"estimate", estimate},
                          {"more", is_news(without, told)}};
}

left_out left_out_of(const json& metadata) {
  const auto& noted = member(metadata, "left_out");
  return {integer_member(noted, "results").value_or(0), integer_member(noted, "pictures").value_or(0),
          integer_member(noted, "turns").value_or(0)};
}

bool marks_left_out(const json& metadata) {
  return member(member(metadata, "left_out"), "more") == json(true);
}

left_out told_left_out(const message_history& history) {
  for (auto it = history.rbegin(); it != history.rend(); ++it)
    if (const auto* response = it->as<model_response>()) {
      const auto without = left_out_of(response->metadata);
      if (!without.any() || marks_left_out(response->metadata))
        return without;
    }
  return {};
}

} // namespace varro
