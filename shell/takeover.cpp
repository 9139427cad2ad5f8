#include "shell/takeover.hpp"

#include "shell/message_fields.hpp"

namespace varro {

std::optional<supervisor_hello> hello_in(const json& message) {
  if (!message.is_object() || text_in(message, "op") != "hello")
    return std::nullopt;
  auto protocol = message.find("protocol");
  if (protocol == message.end() || !protocol->is_number_integer())
    return std::nullopt;
  supervisor_hello hello;
  hello.protocol = protocol->get<int64_t>();
  hello.version = text_in(message, "version");
  if (auto settings = message.find("settings"); settings != message.end() && settings->is_object())
    hello.settings = *settings;
  return hello;
}

bool are_same_settings(const json& one, const json& other) {
  if (!one.is_object() || !other.is_object())
    return false;
  for (const auto& [key, value] : one.items()) {
    auto found = other.find(key);
    if (found != other.end() && *found != value)
      return false;
  }
  return true;
}

} // namespace varro
