// The job that erases users (storage/erasures.hpp), step by step, so that it can be taken up again after a crash.
#pragma once

#include "config/config.hpp"
#include "storage/erasures.hpp"

#include <filesystem>
#include <functional>

namespace varro {

// Chats that are asked for at a time.
inline constexpr int erased_chats_at_once = 100;

// How the parts are done whose owners differ with and without a server.
struct erasing_hands {
  // The rows of the user's chat, and what it has running. errc::not_found: it is gone.
  std::function<caf::error(int64_t user, int64_t chat)> remove_chat;
  std::function<caf::error()> scrub_search;
  std::function<caf::error()> compact_database;
  std::function<bool()> stopped = [] { return false; }; // between two steps: whether to leave the rest for later
};

// Goes on with this erasure to its end. An error: it stands where it stands, and can be called again.
// errc::shutting_down: stopped.
caf::error go_on_erasing(erasure_book& book, const std::filesystem::path& data_dir, const erasing_hands& hands,
                         int64_t user_id);

// Ends all erasures of a data directory that no server uses; takes its lock meanwhile. errc::storage_locked: one does.
caf::error erase_without_server(const std::filesystem::path& data_dir);

} // namespace varro
