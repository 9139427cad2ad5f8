// `varro token …`: tokens of programs from the command line. Works while a server runs.
//
// Every function returns the process's exit code: 0, or 1 with one sentence on `err`.
#pragma once

#include "config/config.hpp"

#include <iosfwd>
#include <string>

namespace varro {

struct token_order {
  std::string label = {};
  std::string user = {};       // the name
  std::string scopes = "read"; // as parse_token_scopes reads them
  std::string lasts = {}; // as parse_token_lifetime reads it; empty: token_default, or auth.token_max if that is less
};

// The token alone on `out`, once; its id and its end on `err`.
int token_create(const config& settings, const token_order& order, std::ostream& out, std::ostream& err);

// One line for each: id, user, scopes, the day it ends, the day it was used last or "never" (UTC), name; separated by
// tabs. `user`: empty for those of everybody.
int token_list(const config& settings, const std::string& user, std::ostream& out, std::ostream& err);

// By its id, or by the token itself, whoever's it is.
int token_revoke(const config& settings, const std::string& id_or_token, std::ostream& out, std::ostream& err);

} // namespace varro
