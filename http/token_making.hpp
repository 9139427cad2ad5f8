// Tokens that users make for their own programs, for the routes that do it. Any worker.
#pragma once

#include "accounts/tokens.hpp"
#include "http/application.hpp"

#include <string_view>
#include <vector>

namespace varro {

// Makes a token of the visitor's, as it was asked for in words: "read,chat", "90d". 422 where that cannot be; 403 where
// they lost access meanwhile. REQUIRES: they came with a browser session.
or_refused<wished_token> make_token_of(application& app, const received_request& request, const visitor& who,
                                       std::string_view label, std::string_view scopes, std::string_view expires);

// Revokes one of the visitor's; one that is gone or another user's is no error.
caf::error revoke_token_of(application& app, const received_request& request, const visitor& who, std::string_view id);

} // namespace varro
