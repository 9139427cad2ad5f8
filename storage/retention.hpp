// What goes because nobody uses it: whole chats, or their files and variables, and the job that takes them away.
//
// A chat is used when something is written in it, when a file is put into it, and when its owner looks at it
// (chat_seen, known to chat_seen_step). Each chat that goes is a transaction of its own, which counts it for the job
// and remembers that its files are to go, so that a crash at any moment is made good by the next job or start.
#pragma once

#include "base/clock.hpp"
#include "base/errors.hpp"
#include "storage/audit.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace varro {

namespace audit_action {
inline constexpr auto retention_asked = "retention.asked"; // by `varro retention run`
inline constexpr auto retention_done = "retention.done";   // how much went
} // namespace audit_action

// How often it is written that a chat was looked at.
inline constexpr std::chrono::hours chat_seen_step{1};

// The chat's owner looks at it, or puts files into it. One that is gone or another user's is no error.
struct chat_seen {
  int64_t user_id = 0;
  int64_t chat_id = 0;
  unix_us at = 0;
};

// What of a chat goes.
enum class retired_part {
  all,
  files, // and variables: the messages stay
};

// This part of a chat goes. errc::not_found where the chat is not there, was used later than `used_until`, or has a run
// that is not over.
struct chat_retired {
  int64_t user_id = 0;
  int64_t chat_id = 0;
  unix_us used_until = 0;
  retired_part part = retired_part::all;
  int64_t job_id = 0; // for whose counts
  int64_t bytes = 0;  // of its files
  unix_us at = 0;
};

// One run of the job.
struct retention_job {
  int64_t id = 0;
  unix_us begun_at = 0;
  unix_us ended_at = 0;    // 0 until it is over
  int64_t chats = 0;       // that are gone
  int64_t attachments = 0; // chats of which only the files are gone
  int64_t bytes = 0;       // of files and messages
};

struct unused_chat {
  int64_t id = 0;
  int64_t user_id = 0;
  unix_us used_at = 0;
  int64_t history_bytes = 0;
};

// A chat whose rows say that its files are gone, while they may be there still.
struct retired_chat {
  int64_t id = 0;
  int64_t user_id = 0;
  bool is_gone = false;    // with its rows
  bool used_since = false; // and so the files that are there may be new ones
};

// What would go, for somebody who asks before it does.
struct retirable {
  unused_chat chat;
  retired_part part = retired_part::all;
  int64_t bytes = 0; // of its files, and of its messages if they go, too
};

// A part of chat_database; each function that writes is a transaction of its own.
class retention_book {
public:
  virtual ~retention_book() = default;

  // The job that is not over, or a new one. Who asked for a new one is told to the audit, unless it is the server.
  virtual caf::expected<retention_job> begin_retention(const audit_origin& by, unix_us now) = 0;
  virtual caf::expected<std::optional<retention_job>> newest_retention() = 0;
  // errc::not_found.
  virtual caf::expected<retention_job> find_retention(int64_t id) = 0;
  // With the row of the audit that tells its counts. One that is over already is no error.
  virtual caf::error end_retention(int64_t id, unix_us now) = 0;

  // Chats of this user that were used at `used_until` last, or before, and have no run that is not over, in order of
  // their ids, from after `after_chat` on. retired_part::files: without those whose files have gone since.
  virtual caf::expected<std::vector<unused_chat>> unused_chats(int64_t user_id, unix_us used_until, retired_part part,
                                                               int64_t after_chat, int limit)
    = 0;

  virtual caf::expected<std::vector<retired_chat>> retired_chats() = 0;
  // Its files are gone; or they stay, because the chat was used before they went, and then nobody is told that they
  // did.
  virtual caf::error end_retired(int64_t chat_id, bool files_are_gone) = 0;
};

} // namespace varro
