// The page of one's own account, for the routes that show it. Any worker.
#pragma once

#include "http/application.hpp"

#include <string>
#include <string_view>

namespace varro {

struct account_news {
  std::string_view message;       // why a change of the password failed; may be empty
  std::string_view token_message; // why no token was made; may be empty
  std::string_view token_label;   // as it was typed
  std::string_view token_made;    // is shown by this answer alone
};
reply account_reply(const application& app, const route_call& call, const visitor& who, int status,
                    const account_news& news);

} // namespace varro
