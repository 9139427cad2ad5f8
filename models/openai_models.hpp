// What OpenAI's models take and hold: one table, by the names that the vendor gives them.
//
// Sources (November 2026): https://developers.openai.com/api/docs/models and the page of each model there,
// https://developers.openai.com/api/docs/guides/latest-model (efforts of GPT-6), .../guides/reasoning (efforts,
// sampling),
// .../guides/function-calling, and for tools on chat completions https://github.com/openai/openai-openapi/issues/541.
// Pure functions, any thread.
#pragma once

#include "config/config.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace varro {

// When a model answers on the Responses API only.
enum class responses_need {
  never,           // chat completions do all that Varro asks for
  reasoning_tools, // function tools together with reasoning are refused on chat completions
  always,          // there is no chat completion at all
};

struct openai_traits {
  std::string_view family;         // the beginning of the names; "" for models that are not OpenAI's
  std::string_view efforts;        // of reasoning, lowest first, "none" where it can be turned off; "": does not reason
  bool reasons_by_default = false; // reasons when no effort is named
  responses_need needs_responses = responses_need::never;
  bool phases = false;            // labels its messages `commentary` or `final_answer` and wants the labels back
  int64_t context_tokens_max = 0; // request and answer together; 0: not known
  int64_t output_tokens_max = 0;  // 0: not known

  bool reasons() const {
    return !efforts.empty();
  }
  bool knows(std::string_view effort) const;
  bool can_stop_reasoning() const {
    return knows("none");
  }
};

// Whether a model is asked at OpenAI itself or in Azure's cloud: by the name of its provider section, else by address.
bool is_openai(const model_config& model);

// By name alone; "openai/" (routers write it) and "ft:" before it are passed over. A GPT or o-model that is newer than
// the table is taken for the newest one. Names of others have an empty family.
const openai_traits& traits_of_openai_model(std::string_view name);

// By name and address: what OpenAI's own address serves under a name that is not in the table is taken for the newest.
const openai_traits& traits_of_openai_model(const model_config& model);

// The effort of `traits` that is nearest to `wanted` ("minimal" … "max", or "none"); downwards where it lies between
// two. `wanted` itself where it is no such word or the model is not OpenAI's; "" where the model does not reason.
std::string nearest_effort(const openai_traits& traits, std::string_view wanted);

// What a model's configuration says about its reasoning: an effort of the model, or "" for the vendor's default. With
// thinking "off" it is "none", or where the model cannot stop reasoning its lowest.
std::string configured_effort(const openai_traits& traits, const model_config& model);

// Whether temperature, top_p and the like are accepted beside this effort ("": none is named).
bool takes_sampling(const openai_traits& traits, std::string_view effort);

// The wire to begin with. Where OpenAI's two stand in for each other, the model decides; else it is model.kind.
provider_kind wire_of(const model_config& model);

} // namespace varro
