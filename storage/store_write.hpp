// What can be written to the database while the server runs, as values: one of these is all or nothing.
#pragma once

#include "storage/records.hpp"

#include <cstdint>
#include <string>
#include <variant>

namespace varro {

// errc::not_found where the chat is not there or is another user's.
struct chat_renamed {
  int64_t user_id = 0;
  int64_t chat_id = 0;
  std::string title;
};

// With everything that belongs to the chat in the database; errc::not_found as for chat_renamed.
struct chat_deleted {
  int64_t user_id = 0;
  int64_t chat_id = 0;
};

// What the chat's workspace held when it was measured last. A chat that is gone is no error.
struct workspace_measured {
  int64_t user_id = 0;
  int64_t chat_id = 0;
  int64_t bytes = 0;
};

// Somebody logged out. A login that is gone is no error.
struct login_dropped {
  std::string token_hash;
};

// A login_record is a new login; those of anybody that have expired when it was made go with it. errc::not_found where
// there is no such user.
using store_write
  = std::variant<write_batch, chat_renamed, chat_deleted, workspace_measured, login_record, login_dropped>;

} // namespace varro
