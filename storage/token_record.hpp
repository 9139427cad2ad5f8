// Tokens by which programs act for a user, as values.
#pragma once

#include "storage/audit.hpp"
#include "storage/records.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace varro {

// What a token is for.
struct token_scopes {
  bool read = false;  // one's chats
  bool chat = false;  // to change them, which nobody can without reading them
  bool admin = false; // to look after the server, as long as the user is an admin

  bool operator==(const token_scopes&) const = default;
};

// "read,chat,admin" or a part of that, in this order; empty when there is none.
std::string text_of(const token_scopes& scopes);
// The same in any order, at least one; "chat" brings "read". nullopt: there is another word in it.
std::optional<token_scopes> parse_token_scopes(std::string_view text);

struct token_record {
  std::string token_hash; // SHA-256 of the whole token, hex; the token itself is nowhere
  std::string id;         // a part of the token that is no secret: who finds a token finds its row
  int64_t user_id = 0;
  std::string label; // what its user calls it, UTF-8
  token_scopes scopes;
  unix_us created_at = 0;
  unix_us expires_at = 0;   // however much it is used
  unix_us last_used_at = 0; // known to login_use_step (limits.hpp); 0: never
};

// A token that can be used now, and whose it is.
struct token_found {
  token_record token;
  user_record user;
};

// errc::limit_reached where the user has `tokens_max`, not counting those that have expired, which go with this.
// errc::not_found where there is no such user who is not disabled. errc::invalid_input for the scope of an admin where
// the user is none.
struct token_made {
  token_record token;
  int64_t tokens_max = 0;
  audit_origin by = {};
};

// errc::not_found where there is no such token, or it is another user's.
struct token_revoked {
  std::string id;
  int64_t user_id = 0; // 0: whoever's it is
  audit_origin by = {};
};

// One that is gone is no error, nor one whose use was written less than login_use_step before.
struct token_used {
  std::string token_hash;
  unix_us at = 0;
};

// One transaction each, with its row of the audit.
using token_write = std::variant<token_made, token_revoked, token_used>;

} // namespace varro
