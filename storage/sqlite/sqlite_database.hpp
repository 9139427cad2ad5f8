// SQLite: WAL, synchronous=FULL, foreign keys on. DATA_DIR/varro.db is the database, one object one connection.
#pragma once

#include "storage/chat_database.hpp"
#include "storage/limit_book.hpp"

#include <filesystem>
#include <memory>

namespace varro {

class sqlite_database final : public chat_database, public limit_book {
public:
  enum class mode { read_write, read_only };

  // As open_database() and open_reader() promise (storage/open.hpp).
  static caf::expected<std::unique_ptr<sqlite_database>> open(const std::filesystem::path& data_dir, mode m);
  ~sqlite_database() override;

  using chat_database::commit;
  group_outcome commit(std::span<const store_write> writes, ids_wanted wanted) override;

  // --- transactions: the writers below join an open one, else each is its own ----------------------------------------
  caf::error begin();
  caf::error commit(); // fsynced when it returns; on an error nothing of the transaction is stored
  void rollback() noexcept;
  // A savepoint inside the open transaction, so that one failing batch does not take the others of a group with it.
  // Where SQLite itself gave up the transaction (disk full), this, every later writer and commit() report that.
  caf::error apply(const write_batch& batch);

  caf::error rename_chat(int64_t user_id, int64_t chat_id, std::string_view title);
  caf::error delete_chat(int64_t user_id, int64_t chat_id, const audit_origin& by = {});
  caf::error set_workspace_bytes(int64_t user_id, int64_t chat_id, int64_t bytes);
  caf::error set_versions_bytes(int64_t user_id, int64_t chat_id, int64_t bytes);
  caf::error note_usage(const std::vector<usage_row>& rows);
  caf::error count_upload(const upload_counted& upload);
  caf::error put_login(const login_record& login);
  caf::error drop_login(std::string_view token_hash, const audit_origin& by = {});
  caf::expected<drawn_ids> draw_ids(ids_wanted wanted) override;
  caf::error skip_chat_ids(int64_t last) override;
  caf::error apply(const account_write& write) override;
  caf::error apply(const token_write& write) override;

  caf::expected<chat_contents> load_chat(int64_t user_id, int64_t chat_id) override;
  caf::expected<std::vector<chat_record>> list_chats(int64_t user_id, chat_place before, int limit) override;
  caf::expected<user_holdings> holdings(int64_t user_id, int64_t chat_id) override;
  caf::expected<idempotency_found> find_idempotent(int64_t user_id, std::string_view key, unix_us now) override;
  caf::expected<int64_t> greatest_chat_id() override;
  caf::expected<std::vector<usage_sum>> usage_sums(usage_by by, unix_us since, unix_us until,
                                                   int64_t rows_max = -1) override;
  caf::expected<std::vector<int64_t>> chat_ids() override;
  caf::expected<std::vector<open_run>> open_runs() override;

  caf::expected<user_record> add_user(std::string_view name, std::string_view password_hash,
                                      std::string_view role = user_role::user, const audit_origin& by = {}) override;
  caf::expected<user_record> find_user(std::string_view name) override;
  caf::expected<user_record> find_user(int64_t id) override;
  caf::expected<std::vector<user_record>> list_users() override;
  caf::error set_disabled(std::string_view name, bool disabled, const audit_origin& by = {},
                          const login_way& way = {}) override;
  caf::error set_role(std::string_view name, std::string_view role, const audit_origin& by = {},
                      const login_way& way = {}) override;
  caf::error set_password(std::string_view name, std::string_view password_hash, const audit_origin& by = {}) override;
  caf::error put_link(const link_record& link, const audit_origin& by = {}) override;
  caf::expected<user_record> local_user() override;
  caf::expected<login_found> find_login(std::string_view token_hash, unix_us now) override;
  caf::expected<std::vector<std::string>> ended_logins(const std::vector<std::string>& token_hashes,
                                                       unix_us now) override;
  caf::expected<std::vector<login_record>> logins_of(int64_t user_id, unix_us now) override;
  caf::expected<link_found> find_link(std::string_view token_hash, unix_us now) override;
  caf::expected<bool> has_admin(const login_way& way = {}) override;
  caf::expected<token_found> find_token(std::string_view token_hash, unix_us now) override;
  caf::expected<std::vector<token_record>> tokens_of(int64_t user_id, unix_us now) override;

  caf::expected<std::vector<audit_row>> audit_rows(const audit_question& question) override;
  caf::expected<admin_answer> answer(const admin_question& question) override;
  caf::expected<audit_head> newest_audit() override;
  caf::expected<audit_verdict> verify_audit(const std::optional<audit_head>& known) override;
  caf::expected<std::vector<oidc_login>> oidc_logins_due(unix_us checked_until, unix_us now, int limit) override;
  caf::expected<oidc_login> find_oidc_login(std::string_view token_hash) override;
  caf::expected<std::vector<std::string>> oidc_sessions_of(const identity_key& key, std::string_view session) override;
  caf::expected<std::vector<std::string>> groups_of(int64_t user_id) override;
  caf::expected<std::vector<group_membership>> list_memberships() override;
  caf::error add_membership(std::string_view group, std::string_view user, const audit_origin& by) override;
  caf::error remove_membership(std::string_view group, std::string_view user, const audit_origin& by) override;

  caf::expected<std::vector<limit_row>> limits_of(int64_t user_id) override;
  caf::expected<user_use> use_of(int64_t user_id, unix_us now, std::string_view currency) override;
  caf::expected<int64_t> count_chats(int64_t user_id) override;
  caf::expected<user_disk> disk_of(int64_t user_id, int64_t chat_id) override;
  caf::expected<std::vector<limit_row>> all_limits() override;
  caf::error set_limit(const limit_row& row, const audit_origin& by = {}) override;
  caf::error clear_limit(const limit_row& row, const audit_origin& by = {}) override;
  caf::expected<erasure> begin_erasure(std::string_view name, const audit_origin& by, unix_us now) override;
  caf::expected<std::vector<erasure>> open_erasures() override;
  caf::expected<erasure> find_erasure(int64_t user_id) override;
  caf::expected<std::vector<int64_t>> chats_of(int64_t user_id, int limit) override;
  caf::expected<std::vector<int64_t>> erased_chats(int64_t user_id) override;
  caf::error end_chats(int64_t user_id) override;
  caf::error erase_account(int64_t user_id) override;
  caf::error end_search(int64_t user_id) override;
  caf::error end_erasure(int64_t user_id, unix_us now) override;
  caf::error compact() override;

  caf::expected<retention_job> begin_retention(const audit_origin& by, unix_us now) override;
  caf::expected<std::optional<retention_job>> newest_retention() override;
  caf::expected<retention_job> find_retention(int64_t id) override;
  caf::error end_retention(int64_t id, unix_us now) override;
  caf::expected<std::vector<unused_chat>> unused_chats(int64_t user_id, unix_us used_until, retired_part part,
                                                       int64_t after_chat, int limit) override;
  caf::expected<std::vector<retired_chat>> retired_chats() override;
  caf::error end_retired(int64_t chat_id, bool files_are_gone) override;

  caf::error check() override; // PRAGMA quick_check
  int schema_version() override;

private:
  struct impl;
  explicit sqlite_database(std::unique_ptr<impl> pimpl);
  std::unique_ptr<impl> impl_;
};

} // namespace varro
