// SQLite: WAL, synchronous=FULL, foreign keys on. DATA_DIR/varro.db is the database, one object one connection.
#pragma once

#include "storage/chat_database.hpp"

#include <filesystem>
#include <memory>

namespace varro {

class sqlite_database final : public chat_database {
public:
  enum class mode { read_write, read_only };

  // As open_database() and open_reader() promise (storage/open.hpp).
  static caf::expected<std::unique_ptr<sqlite_database>> open(const std::filesystem::path& data_dir, mode m);
  ~sqlite_database() override;

  std::vector<caf::error> commit(std::span<const store_write> writes) override;

  // --- transactions: the writers below join an open one, else each is its own ----------------------------------------
  caf::error begin();
  caf::error commit(); // fsynced when it returns; on an error nothing of the transaction is stored
  void rollback() noexcept;
  // A savepoint inside the open transaction, so that one failing batch does not take the others of a group with it.
  // Where SQLite itself gave up the transaction (disk full), this, every later writer and commit() report that.
  caf::error apply(const write_batch& batch);

  caf::error rename_chat(int64_t user_id, int64_t chat_id, std::string_view title);
  caf::error delete_chat(int64_t user_id, int64_t chat_id);
  caf::error set_workspace_bytes(int64_t user_id, int64_t chat_id, int64_t bytes);
  caf::error put_login(const login_record& login);
  caf::error drop_login(std::string_view token_hash);

  caf::expected<chat_contents> load_chat(int64_t user_id, int64_t chat_id) override;
  caf::expected<std::vector<chat_record>> list_chats(int64_t user_id, chat_place before, int limit) override;
  caf::expected<int64_t> other_workspaces_bytes(int64_t user_id, int64_t chat_id) override;
  caf::expected<int64_t> next_chat_id() override;
  caf::expected<int64_t> next_run_id() override;
  caf::expected<std::vector<int64_t>> chat_ids() override;
  caf::expected<std::vector<open_run>> open_runs() override;

  caf::expected<user_record> add_user(std::string_view name, std::string_view password_hash) override;
  caf::expected<user_record> find_user(std::string_view name) override;
  caf::expected<user_record> find_user(int64_t id) override;
  caf::expected<std::vector<user_record>> list_users() override;
  caf::error set_disabled(std::string_view name, bool disabled) override;
  caf::error set_password(std::string_view name, std::string_view password_hash) override;
  caf::expected<user_record> local_user() override;
  caf::expected<login_found> find_login(std::string_view token_hash, unix_us now) override;
  caf::expected<std::vector<std::string>> ended_logins(const std::vector<std::string>& token_hashes,
                                                       unix_us now) override;

  caf::error check() override; // PRAGMA quick_check
  int schema_version() override;

private:
  struct impl;
  explicit sqlite_database(std::unique_ptr<impl> pimpl);
  std::unique_ptr<impl> impl_;
};

} // namespace varro
