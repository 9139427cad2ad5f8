// What a part of an answer keeps beside its content. Internal to the decoder of the Responses API.
#pragma once

#include "models/vendor_json.hpp"

namespace varro::openai_responses {

// In the fields of pydantic-ai; a stream's end has no bytes.
inline json logprobs_of(const json& logprobs, bool with_bytes) {
  const auto one = [with_bytes](const json& value) {
    return json{{"token", member(value, "token")},
                {"bytes", with_bytes ? member(value, "bytes") : json(nullptr)},
                {"logprob", member(value, "logprob")}};
  };
  auto list = json::array();
  for (const auto& entry : logprobs) {
    auto made = one(entry);
    auto& top = made["top_logprobs"] = json::array();
    if (const auto& others = member(entry, "top_logprobs"); others.is_array())
      for (const auto& other : others)
        top.push_back(one(other));
    list.push_back(std::move(made));
  }
  return list;
}

inline bool is_filled_list(const json& value) {
  return value.is_array() && !value.empty();
}

inline void set_detail(json& details, const char* key, json value) {
  if (!details.is_object())
    details = json::object();
  details[key] = std::move(value);
}

} // namespace varro::openai_responses
