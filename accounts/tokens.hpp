// Tokens by which programs act for a user: how they look, and what can be asked for. No HTTP and no database in here.
//
// A token is "varro_ID_SECRET": 12 hex digits that name its row and are no secret, and 32 random bytes in hex. So one
// that lies somewhere it should not can be found by its form, and revoked by its id. Functions: any thread.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"
#include "storage/token_record.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

inline constexpr size_t token_label_bytes_max = 100;

// How long a token lasts where nobody says it, if auth.token_max allows so much.
inline constexpr std::chrono::hours token_default{24 * 90};

struct api_token {
  std::string token; // shown once
  std::string id;
  std::string hash; // for the database
};
api_token make_api_token();

// The id in a token; nullopt: it has not the form of one. Cheap: what cannot be a token need not be looked up.
std::optional<std::string> id_of_token(std::string_view token);
std::string hash_of_token(std::string_view token);

// "90d", "12h", "30m", "45s". errc::invalid_input for anything else.
caf::expected<std::chrono::seconds> parse_token_lifetime(std::string_view text);

// What somebody asks for.
struct token_wish {
  std::string label;
  std::optional<token_scopes> scopes; // nullopt: what was asked for are none
  std::chrono::seconds lasts = token_default;
};

// A token of this user, to be stored. errc::invalid_input: a label, scope or time that cannot be.
struct wished_token {
  std::string token;
  token_record record;
};
caf::expected<wished_token> make_wished_token(const user_record& user, const token_wish& wish,
                                              const auth_config& limits, unix_us now);

// Whether it may look after the server: it is for that, and its user is an admin still.
bool may_administer(const token_found& found);

} // namespace varro
