// The job that deletes what nobody has used for as long as the rules say (config/retention_config.hpp), chat by chat,
// so that others wait for one at most, and a crash at any moment is made good.
#pragma once

#include "config/config.hpp"
#include "storage/chat_database.hpp"

#include <filesystem>
#include <functional>
#include <vector>

namespace varro {

// Chats that are asked for at a time.
inline constexpr int unused_chats_at_once = 100;

// How the parts are done whose owners differ with and without a server.
struct retiring_hands {
  // From here to release() nobody does anything in the chat. False: something is on in it, and it stays.
  std::function<caf::expected<bool>(int64_t user, int64_t chat)> hold = [](int64_t, int64_t) { return true; };
  std::function<void(int64_t chat)> release = [](int64_t) {};
  std::function<caf::error(const account_write& write)> write;
  std::function<bool()> stopped = [] { return false; }; // between two chats: whether to leave the rest for later
};

// Goes on with this job to its end. An error: it stands where it stands, and can be called again. errc::shutting_down:
// stopped. `now` is what the rules' days are counted back from.
caf::error go_on_retiring(chat_database& db, const config& settings, const retiring_hands& hands,
                          const retention_job& job, unix_us now);

// What the job would delete, of each user after the other. What is on at the moment is not known here.
caf::expected<std::vector<retirable>> find_retirable(chat_database& db, const config& settings, unix_us now);

// Ends the job that is under way in a data directory that no server uses; takes its lock meanwhile.
// errc::storage_locked: one does.
caf::error retire_without_server(const config& settings);

} // namespace varro
