#include "accounts/tokens.hpp"

#include "accounts/accounts.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <charconv>

namespace varro {

namespace {

constexpr std::string_view prefix = "varro_";
constexpr size_t id_digits = 12;
constexpr size_t secret_digits = 64;
constexpr size_t token_size = prefix.size() + id_digits + 1 + secret_digits;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::optional<std::chrono::seconds> unit_of(char letter) {
  switch (letter) {
  case 'd':
    return std::chrono::hours{24};
  case 'h':
    return std::chrono::hours{1};
  case 'm':
    return std::chrono::minutes{1};
  case 's':
    return std::chrono::seconds{1};
  default:
    return std::nullopt;
  }
}

} // namespace

api_token make_api_token() {
  api_token made;
  made.id = make_session_token().token.substr(0, id_digits);
  made.token = std::string{prefix} + made.id + "_" + make_session_token().token;
  made.hash = hash_of_token(made.token);
  return made;
}

std::optional<std::string> id_of_token(std::string_view token) {
  if (token.size() != token_size || !token.starts_with(prefix))
    return std::nullopt;
  auto id = token.substr(prefix.size(), id_digits);
  if (!is_hex(id) || token[prefix.size() + id_digits] != '_' || !is_hex(token.substr(token_size - secret_digits)))
    return std::nullopt;
  return std::string{id};
}

std::string hash_of_token(std::string_view token) {
  return hash_session_token(token);
}

caf::expected<std::chrono::seconds> parse_token_lifetime(std::string_view text) {
  constexpr int64_t number_max = 1'000'000; // far beyond auth.token_max in any unit but seconds
  int64_t number = 0;
  const auto* end = text.data() + text.size();
  auto [rest, problem] = std::from_chars(text.data(), end, number);
  auto unit = problem == std::errc{} && rest + 1 == end ? unit_of(*rest) : std::nullopt;
  if (!unit || number < 1 || number > number_max)
    return fail(errc::invalid_input,
                "a token lasts so many days, hours, minutes or seconds: \"90d\", \"12h\", \"30m\" or \"45s\", not \""
                  + std::string{clip_utf8(text, 40)} + "\"");
  return number * *unit;
}

caf::expected<wished_token> make_wished_token(const user_record& user, const token_wish& wish,
                                              const auth_config& limits, unix_us now) {
  auto label = std::string{trim(wish.label)};
  if (label.empty() || label.size() > token_label_bytes_max || !is_utf8(label) || has_control_characters(label))
    return fail(errc::invalid_input,
                "a token needs a name, of at most " + std::to_string(token_label_bytes_max)
                  + " bytes, that says what it is for");
  if (!wish.scopes)
    return fail(errc::invalid_input, "the scopes of a token are read, chat and admin, one of them at least");
  if (wish.scopes->admin && user.role != user_role::admin)
    return fail(errc::invalid_input, "only the token of an admin can have the scope \"admin\"");
  if (wish.lasts.count() <= 0 || wish.lasts > limits.token_max)
    return fail(errc::invalid_input,
                "a token lasts at most " + std::to_string(limits.token_max.count()) + " hours (auth.token_max_hours)");
  auto made = make_api_token();
  wished_token result;
  result.token = std::move(made.token);
  result.record = {std::move(made.hash),
                   std::move(made.id),
                   user.id,
                   std::move(label),
                   *wish.scopes,
                   now,
                   now + std::chrono::microseconds{wish.lasts}.count(),
                   0};
  return result;
}

bool may_administer(const token_found& found) {
  return found.token.scopes.admin && found.user.role == user_role::admin;
}

} // namespace varro
