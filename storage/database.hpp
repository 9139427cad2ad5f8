// SQLite: schema, migrations, queries. WAL, synchronous=FULL, foreign keys on.
//
// One object is one connection and belongs to one thread at a time. Errors are errc::storage_failed with SQLite's
// words, errc::not_found where a row is not there or is another user's.
#pragma once

#include "base/errors.hpp"
#include "storage/chat_place.hpp"
#include "storage/records.hpp"

#include <filesystem>
#include <memory>
#include <string_view>

struct sqlite3;

namespace varro {

class database {
public:
  enum class mode { read_write, read_only };

  // Opens or creates DATA_DIR/varro.db (file mode 0600; a directory that is created gets 0700) and migrates it forward.
  // A database of a newer Varro is refused. read_only creates and migrates nothing: the file must be there and current.
  static caf::expected<std::unique_ptr<database>> open(const std::filesystem::path& data_dir, mode m);
  ~database();

  // --- transactions: apply() and the other writers join an open one, else each is its own ----------------------------
  caf::error begin();
  caf::error commit(); // fsynced when it returns; on an error nothing of the transaction is stored
  void rollback() noexcept;
  // A savepoint inside the open transaction, so that one failing batch does not take the others of a group with it.
  // Where SQLite itself gave up the transaction (disk full), this, every later writer and commit() report that.
  caf::error apply(const write_batch& batch);

  // --- chats ---------------------------------------------------------------------------------------------------------
  caf::expected<chat_contents> load_chat(int64_t user_id, int64_t chat_id);
  // Newest first, those that stand after `before`, at most storage_list_chats_max.
  caf::expected<std::vector<chat_record>> list_chats(int64_t user_id, chat_place before, int limit);
  caf::error rename_chat(int64_t user_id, int64_t chat_id, std::string_view title);
  caf::error delete_chat(int64_t user_id, int64_t chat_id);
  // What the chat's workspace held when it was measured last; a chat that is gone is no error.
  caf::error set_workspace_bytes(int64_t user_id, int64_t chat_id, int64_t bytes);
  // Of the user's chats but this one, together.
  caf::expected<int64_t> other_workspaces_bytes(int64_t user_id, int64_t chat_id);
  caf::expected<int64_t> next_chat_id(); // greater than every id ever used (deleted ones too)
  caf::expected<int64_t> next_run_id();
  // The runs that are "running", oldest first.
  caf::expected<std::vector<int64_t>> chat_ids(); // of all users, ascending
  caf::expected<std::vector<open_run>> open_runs();

  // --- users ---------------------------------------------------------------------------------------------------------
  caf::expected<user_record> add_user(std::string_view name, std::string_view password_hash); // taken: invalid_input
  caf::expected<user_record> find_user(std::string_view name);
  caf::expected<user_record> find_user(int64_t id);
  caf::expected<std::vector<user_record>> list_users();
  caf::error set_disabled(std::string_view name, bool disabled);                  // also drops the user's logins
  caf::error set_password(std::string_view name, std::string_view password_hash); // also drops the user's logins
  // The one user of --auth local, created when missing.
  caf::expected<user_record> local_user();

  // --- logins (browser sessions) -------------------------------------------------------------------------------------
  caf::error put_login(const login_record& login); // also drops those of anybody that have expired when it was made
  // The login and its user, if not expired at `now` and the user is not disabled.
  struct login_found {
    login_record login;
    user_record user;
  };
  caf::expected<login_found> find_login(std::string_view token_hash, unix_us now);
  // Those of these logins that it would not find.
  caf::expected<std::vector<std::string>> ended_logins(const std::vector<std::string>& token_hashes, unix_us now);
  caf::error drop_login(std::string_view token_hash);

  // --- health --------------------------------------------------------------------------------------------------------
  caf::error check(); // PRAGMA quick_check
  int schema_version();

private:
  struct impl;
  explicit database(std::unique_ptr<impl> pimpl);
  std::unique_ptr<impl> impl_;
};

unix_us now_us();

// Exclusive use of a data directory by one server process: an flock on DATA_DIR/varro.lock, released when destroyed.
// errc::storage_locked names the directory and the process that holds it.
class data_lock {
public:
  static caf::expected<data_lock> take(const std::filesystem::path& data_dir);
  data_lock(data_lock&& other) noexcept;
  data_lock& operator=(data_lock&& other) noexcept;
  ~data_lock();

private:
  explicit data_lock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

} // namespace varro
