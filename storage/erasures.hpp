// Erasing users: what is under way, as the database keeps it, so that a crash at any step is made good.
//
// An erasure begins in the commit that disables the user and ends the browser sessions, and goes on in these steps,
// each of which may be taken again. What stays of a user is the number: in this record, and in the ledger of usage.
#pragma once

#include "base/clock.hpp"
#include "base/errors.hpp"
#include "storage/audit.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// legal values of erasure::step: what is done next
namespace erasure_step {
inline constexpr auto chats = "chats";     // their rows, runs and shells, and then their files
inline constexpr auto account = "account"; // the user's row, and what refers to it
inline constexpr auto search = "search";   // texts in the search index
inline constexpr auto vacuum = "vacuum";   // what SQLite left of the rows in unused parts of its file
inline constexpr auto done = "done";
} // namespace erasure_step

namespace audit_action {
inline constexpr auto user_erased = "user.erased"; // it begins; what the audit called the user goes with the account
} // namespace audit_action

struct erasure {
  int64_t user_id = 0;
  std::string step = erasure_step::chats;
  unix_us asked_at = 0;
  unix_us ended_at = 0; // 0 until it is done
};

// What a user who was erased is called in the ledger of usage. Has a space, as no user's name has.
inline std::string pseudonym_of(int64_t user_id) {
  return "erased user " + std::to_string(user_id);
}

// A part of chat_database; each function is a transaction of its own.
class erasure_book {
public:
  virtual ~erasure_book() = default;

  // Disables the user, ends all sessions and links, and notes the erasure; of one that is under way, that one. No user
  // is enabled again from then on. errc::not_found; errc::invalid_input for the local user, and where no enabled admin
  // would be left.
  virtual caf::expected<erasure> begin_erasure(std::string_view name, const audit_origin& by, unix_us now) = 0;
  // Those that are not done, oldest first.
  virtual caf::expected<std::vector<erasure>> open_erasures() = 0;
  // errc::not_found.
  virtual caf::expected<erasure> find_erasure(int64_t user_id) = 0;

  // The user's chats that there still are, at most `limit`.
  virtual caf::expected<std::vector<int64_t>> chats_of(int64_t user_id, int limit) = 0;
  // The chats of an erasure whose rows are gone, and whose files are to go; empty once the erasure is done.
  virtual caf::expected<std::vector<int64_t>> erased_chats(int64_t user_id) = 0;

  // The step after `chats`.
  virtual caf::error end_chats(int64_t user_id) = 0;
  // Deletes the user's row with all that refers to it, the names and addresses in the audit, and the vendors' ids of
  // answers in the ledger of usage. Where a chat has come meanwhile, the next step is `chats` again, and nothing is
  // deleted.
  virtual caf::error erase_account(int64_t user_id) = 0;
  // The step after `search`.
  virtual caf::error end_search(int64_t user_id) = 0;
  // The end. Forgets which chats there were.
  virtual caf::error end_erasure(int64_t user_id, unix_us now) = 0;

  // Writes the file anew, so that nothing of deleted rows is in it, and empties the log beside it. Other writers wait,
  // as long as it takes to copy all that there is. errc::storage_failed also where a reader keeps the log from being
  // emptied.
  virtual caf::error compact() = 0;
};

} // namespace varro
