#include "storage/token_record.hpp"

#include "base/text.hpp"

namespace varro {

std::string text_of(const token_scopes& scopes) {
  std::string text;
  auto add = [&](bool has, std::string_view name) {
    if (has)
      text += (text.empty() ? "" : ",") + std::string{name};
  };
  add(scopes.read, "read");
  add(scopes.chat, "chat");
  add(scopes.admin, "admin");
  return text;
}

std::optional<token_scopes> parse_token_scopes(std::string_view text) {
  token_scopes scopes;
  for (auto word : words_of(text, ", ")) {
    if (word == "read")
      scopes.read = true;
    else if (word == "chat")
      scopes.read = scopes.chat = true;
    else if (word == "admin")
      scopes.admin = true;
    else
      return std::nullopt;
  }
  return scopes == token_scopes{} ? std::nullopt : std::optional{scopes};
}

} // namespace varro
