// A history written down in a test, message by message.
#pragma once

#include "models/provider.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace varro::test {

inline text_part text_of_model(std::string text) {
  text_part part;
  part.content = std::move(text);
  return part;
}

inline thinking_part thought(std::string text, std::string provider, std::optional<std::string> id = std::nullopt,
                             std::optional<std::string> signature = std::nullopt) {
  thinking_part part;
  part.content = std::move(text);
  part.id = std::move(id);
  part.signature = std::move(signature);
  part.provider_name = std::move(provider);
  return part;
}

inline tool_call_part call(std::string name, json args, std::string id) {
  tool_call_part part;
  part.tool_name = std::move(name);
  part.args = std::move(args);
  part.tool_call_id = std::move(id);
  return part;
}

// Every function adds one message of its own.
class history_builder {
public:
  history_builder& user(std::string text) {
    user_prompt_part part;
    part.content = std::move(text);
    return request(std::move(part));
  }

  history_builder& user(std::vector<user_content> items) {
    user_prompt_part part;
    part.content = std::move(items);
    return request(std::move(part));
  }

  history_builder& result(std::string name, json content, std::string id) {
    tool_return_part part;
    part.tool_name = std::move(name);
    part.content = std::move(content);
    part.tool_call_id = std::move(id);
    return request(std::move(part));
  }

  history_builder& retry(std::optional<std::string> name, json content, std::string id) {
    retry_prompt_part part;
    part.tool_name = std::move(name);
    part.content = std::move(content);
    part.tool_call_id = std::move(id);
    return request(std::move(part));
  }

  template <class... Parts>
  history_builder& model(Parts... parts) {
    model_response response;
    response.provider_name = provider_;
    (response.parts.emplace_back(std::move(parts)), ...);
    messages_.emplace_back(std::move(response));
    return *this;
  }

  history_builder& model(model_response response) {
    messages_.emplace_back(std::move(response));
    return *this;
  }

  // The provider of the responses that follow.
  history_builder& by(std::string provider) {
    provider_ = std::move(provider);
    return *this;
  }

  message_list list() const {
    return std::make_shared<const message_history>(messages_);
  }

private:
  template <class Part>
  history_builder& request(Part part) {
    model_request made;
    made.parts.emplace_back(std::move(part));
    messages_.emplace_back(std::move(made));
    return *this;
  }

  message_history messages_;
  std::optional<std::string> provider_;
};

} // namespace varro::test
