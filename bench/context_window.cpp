#include "bench/context_window.hpp"

#include <set>

namespace varro::bench {

namespace {

constexpr int64_t picture_tokens = 1500;
constexpr int64_t characters_per_token = 4;

struct counter {
  int64_t characters = 0;
  int64_t pictures = 0;

  void count(const json& value) {
    static const std::set<std::string> sealed{"signature", "encrypted_content", "thoughtSignature",
                                              "thought_signature"};
    static const std::set<std::string> files{"data", "image_url", "file_data", "inlineData", "inline_data"};
    if (value.is_string()) {
      auto& text = value.get_ref<const std::string&>();
      if (text.starts_with("data:"))
        ++pictures;
      else
        characters += static_cast<int64_t>(text.size());
    } else if (value.is_array()) {
      for (auto& inner : value)
        count(inner);
    } else if (value.is_object()) {
      for (auto& [key, inner] : value.items()) {
        if (files.contains(key))
          ++pictures;
        else if (!sealed.contains(key))
          count(inner);
      }
    }
  }
};

} // namespace

int64_t estimated_tokens(const json& body) {
  counter found;
  found.count(body);
  return found.characters / characters_per_token + found.pictures * picture_tokens + 1;
}

std::optional<request_problem> check_context(vendor api, const json& body, int64_t most) {
  if (most == 0)
    return std::nullopt;
  auto found = estimated_tokens(body);
  if (found <= most)
    return std::nullopt;
  auto count = std::to_string(found), limit = std::to_string(most);
  request_problem problem;
  problem.type = error_type(api, 400);
  switch (api) {
  case vendor::anthropic:
    problem.message = "prompt is too long: " + count + " tokens > " + limit + " maximum";
    break;
  case vendor::openai:
    problem.message = "This model's maximum context length is " + limit + " tokens. However, your messages resulted in "
      + count + " tokens. Please reduce the length of the messages.";
    problem.param = "messages";
    problem.code = "context_length_exceeded";
    break;
  case vendor::openai_responses:
    problem.message = "Your input exceeds the context window of this model. Please adjust your input and try again.";
    problem.param = "input";
    problem.code = "context_length_exceeded";
    break;
  case vendor::google:
    problem.message
      = "The input token count (" + count + ") exceeds the maximum number of tokens allowed (" + limit + ").";
    break;
  }
  return problem;
}

} // namespace varro::bench
