// Links that make an account or let somebody choose another password. Whoever holds one may use it once.
//
// A link's token is 32 random bytes in hex; the database has its hash (hash_session_token).
#pragma once

#include "config/config.hpp"
#include "storage/chat_database.hpp"

#include <chrono>
#include <string>

namespace varro {

// What stands before a link's path: server.public_url, else http://HOST:PORT. Empty where neither is known (port 0).
std::string server_address(const server_config& settings, uint16_t port);

// Makes and stores a link for this purpose, role and user, which can be used for so long. Its path: "/join/TOKEN" or
// "/reset/TOKEN". Errors are those of chat_database::put_link.
caf::expected<std::string> make_link(chat_database& db, link_record link, std::chrono::hours lasts,
                                     const audit_origin& by = {});

} // namespace varro
