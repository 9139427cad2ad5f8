// What Varro needs of a database, whichever it is (sqlite/ has the one that there is; open.hpp opens it).
//
// One object belongs to one thread at a time. Errors are errc::storage_failed with the database's own words, and
// errc::not_found where a row is not there or is another user's.
#pragma once

#include "base/clock.hpp"
#include "base/errors.hpp"
#include "storage/chat_place.hpp"
#include "storage/records.hpp"
#include "storage/store_write.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Reads what is committed. Never waits for the writer.
class chat_reader {
public:
  virtual ~chat_reader() = default;

  // --- chats ---------------------------------------------------------------------------------------------------------
  virtual caf::expected<chat_contents> load_chat(int64_t user_id, int64_t chat_id) = 0;
  // Newest first, those that stand after `before`, at most storage_list_chats_max.
  virtual caf::expected<std::vector<chat_record>> list_chats(int64_t user_id, chat_place before, int limit) = 0;
  // Of the user's chats but this one, together.
  virtual caf::expected<int64_t> other_workspaces_bytes(int64_t user_id, int64_t chat_id) = 0;

  // --- users and their logins (browser sessions) ---------------------------------------------------------------------
  virtual caf::expected<user_record> find_user(std::string_view name) = 0;
  virtual caf::expected<user_record> find_user(int64_t id) = 0;
  virtual caf::expected<std::vector<user_record>> list_users() = 0;
  // The login and its user, if not expired at `now` and the user is not disabled.
  virtual caf::expected<login_found> find_login(std::string_view token_hash, unix_us now) = 0;
  // Those of these logins that find_login would not find.
  virtual caf::expected<std::vector<std::string>> ended_logins(const std::vector<std::string>& token_hashes,
                                                               unix_us now)
    = 0;

  // --- health --------------------------------------------------------------------------------------------------------
  virtual caf::error check() = 0; // reads all of it
  virtual int schema_version() = 0;
};

// The one writer. What it reads is committed too.
class chat_database : public chat_reader {
public:
  // One transaction for all of these, in their order. The answer to each: a write that fails takes no other with it, a
  // commit that fails is the answer to all. What is answered without an error is on the disk.
  virtual std::vector<caf::error> commit(std::span<const store_write> writes) = 0;

  // --- where a start goes on -----------------------------------------------------------------------------------------
  virtual caf::expected<int64_t> next_chat_id() = 0; // greater than every id ever used (deleted ones too)
  virtual caf::expected<int64_t> next_run_id() = 0;
  virtual caf::expected<std::vector<int64_t>> chat_ids() = 0; // of all users, ascending
  // The runs that are "running", oldest first.
  virtual caf::expected<std::vector<open_run>> open_runs() = 0;

  // --- users, each a transaction of its own --------------------------------------------------------------------------
  virtual caf::expected<user_record> add_user(std::string_view name, std::string_view password_hash)
    = 0; // taken: errc::invalid_input
  virtual caf::error set_disabled(std::string_view name, bool disabled) = 0; // also drops the user's logins
  virtual caf::error set_password(std::string_view name, std::string_view password_hash) = 0; // as above
  // The one user of --auth local, created when missing.
  virtual caf::expected<user_record> local_user() = 0;
};

} // namespace varro
