// What Varro needs of a database, whichever it is (sqlite/ has the one that there is; open.hpp opens it).
//
// One object belongs to one thread at a time. Errors are errc::storage_failed with the database's own words, and
// errc::not_found where a row is not there or is another user's.
#pragma once

#include "base/clock.hpp"
#include "base/errors.hpp"
#include "storage/admin_question.hpp"
#include "storage/audit_chain.hpp"
#include "storage/chat_place.hpp"
#include "storage/drawn_ids.hpp"
#include "storage/erasures.hpp"
#include "storage/idempotency.hpp"
#include "storage/records.hpp"
#include "storage/retention.hpp"
#include "storage/store_write.hpp"
#include "storage/token_record.hpp"

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
  // What the user holds, seen from this chat; 0 for one that is not there yet.
  virtual caf::expected<user_holdings> holdings(int64_t user_id, int64_t chat_id) = 0;
  // What is known of a key that a request of the user came with (idempotency.hpp).
  virtual caf::expected<idempotency_found> find_idempotent(int64_t user_id, std::string_view key, unix_us now) = 0;

  // --- the ledger of usage -------------------------------------------------------------------------------------------
  // Sums of the rows with since <= at < until, in order of their keys; rows_max negative: all of them.
  virtual caf::expected<std::vector<usage_sum>> usage_sums(usage_by by, unix_us since, unix_us until,
                                                           int64_t rows_max = -1)
    = 0;

  // --- users and their logins (browser sessions) ---------------------------------------------------------------------
  virtual caf::expected<user_record> find_user(std::string_view name) = 0;
  virtual caf::expected<user_record> find_user(int64_t id) = 0;
  virtual caf::expected<std::vector<user_record>> list_users() = 0;
  // The login and its user, if not expired at `now` and the user is not disabled.
  virtual caf::expected<login_found> find_login(std::string_view token_hash, unix_us now) = 0;
  // Those of these hashes by which neither find_login nor find_token would find somebody; of those with
  // identity_login_prefix also such as were not used for identity_stream_max.
  virtual caf::expected<std::vector<std::string>> ended_logins(const std::vector<std::string>& token_hashes,
                                                               unix_us now)
    = 0;
  // The user's browser sessions that are not over at `now`, those used last first.
  virtual caf::expected<std::vector<login_record>> logins_of(int64_t user_id, unix_us now) = 0;
  // The link with this token, if it can be used at `now`. errc::not_found.
  virtual caf::expected<link_found> find_link(std::string_view token_hash, unix_us now) = 0;
  // Logins at a provider of OpenID Connect that it confirmed last at `checked_until` or before, the oldest first; not
  // those whose session is over at `now`.
  virtual caf::expected<std::vector<oidc_login>> oidc_logins_due(unix_us checked_until, unix_us now, int limit) = 0;
  // errc::not_found: this browser session was not begun at a provider.
  virtual caf::expected<oidc_login> find_oidc_login(std::string_view token_hash) = 0;
  // The token hashes of an issuer's sessions: of this subject, or with the issuer's own name of a session, or both; an
  // empty one is any, two empty ones are none.
  virtual caf::expected<std::vector<std::string>> oidc_sessions_of(const identity_key& key, std::string_view session)
    = 0;
  // The names of the user's groups, each once, in order. None where there is no such user.
  virtual caf::expected<std::vector<std::string>> groups_of(int64_t user_id) = 0;
  // In order of groups and users.
  virtual caf::expected<std::vector<group_membership>> list_memberships() = 0;
  // Whether there is an enabled admin who can log in by this way; the local user of --auth local cannot by any.
  virtual caf::expected<bool> has_admin(const login_way& way = {}) = 0;
  // The token of a program and its user, if not expired at `now` and the user is not disabled. errc::not_found.
  virtual caf::expected<token_found> find_token(std::string_view token_hash, unix_us now) = 0;
  // The user's tokens that are not over at `now`, the newest first.
  virtual caf::expected<std::vector<token_record>> tokens_of(int64_t user_id, unix_us now) = 0;

  // --- the audit (audit_chain.hpp) -----------------------------------------------------------------------------------
  virtual caf::expected<std::vector<audit_row>> audit_rows(const audit_question& question) = 0;
  // What a page of admins asks (admin_question.hpp).
  virtual caf::expected<admin_answer> answer(const admin_question& question) = 0;
  virtual caf::expected<audit_head> newest_audit() = 0;
  // Walks the whole chain. `known`: an end of the chain that somebody kept, which must still be in it.
  virtual caf::expected<audit_verdict> verify_audit(const std::optional<audit_head>& known) = 0;

  // --- health --------------------------------------------------------------------------------------------------------
  virtual caf::error check() = 0; // reads all of it
  virtual int schema_version() = 0;
};

// What became of a group.
struct group_outcome {
  std::vector<caf::error> writes;             // the answer to each, in their order
  caf::expected<drawn_ids> ids = drawn_ids{}; // those that were wanted, or why there are none
};

// The one writer. What it reads is committed too.
class chat_database : public chat_reader, public erasure_book, public retention_book {
public:
  // One transaction for all of these, in their order, and for ids that are drawn with them. The answer to each: a write
  // that fails, or a draw, takes no other with it, a commit that fails is the answer to all. What is answered without
  // an error is on the disk.
  virtual group_outcome commit(std::span<const store_write> writes, ids_wanted wanted) = 0;
  std::vector<caf::error> commit(std::span<const store_write> writes) {
    return commit(writes, {}).writes;
  }

  // --- ids of chats and runs -----------------------------------------------------------------------------------------
  // Each id is drawn once, by whichever process, before a row has it: it is greater than all that were drawn, inserted
  // or skipped until then. Drawn ones that nobody uses, because of a crash, are lost. errc::storage_failed: none is
  // drawn.
  //
  // A transaction of its own; commit() draws without one.
  virtual caf::expected<drawn_ids> draw_ids(ids_wanted wanted) = 0;
  // No chat gets this id or a smaller one from now on.
  virtual caf::error skip_chat_ids(int64_t last) = 0;
  // The greatest id of all chats that there are or were; 0: there was none.
  virtual caf::expected<int64_t> greatest_chat_id() = 0;

  // --- where a start goes on -----------------------------------------------------------------------------------------
  virtual caf::expected<std::vector<int64_t>> chat_ids() = 0; // of all users, ascending
  // The runs that are "running", oldest first.
  virtual caf::expected<std::vector<open_run>> open_runs() = 0;

  // --- users, each a transaction of its own, with its row of the audit -----------------------------------------------
  virtual caf::error apply(const account_write& write) = 0;
  virtual caf::error apply(const token_write& write) = 0;
  // Taken: errc::invalid_input.
  virtual caf::expected<user_record> add_user(std::string_view name, std::string_view password_hash,
                                              std::string_view role = user_role::user, const audit_origin& by = {})
    = 0;
  // Also drops the user's logins, tokens and links. errc::invalid_input where no enabled admin would be left who can
  // log in by `way`.
  virtual caf::error set_disabled(std::string_view name, bool disabled, const audit_origin& by = {},
                                  const login_way& way = {})
    = 0;
  // errc::invalid_input as above, and for the local user.
  virtual caf::error set_role(std::string_view name, std::string_view role, const audit_origin& by = {},
                              const login_way& way = {})
    = 0;
  // Drops the same.
  virtual caf::error set_password(std::string_view name, std::string_view password_hash, const audit_origin& by = {})
    = 0;
  // A membership of source group_source::local, which may be there already. errc::limit_reached with user_groups_max.
  virtual caf::error add_membership(std::string_view group, std::string_view user, const audit_origin& by = {}) = 0;
  // errc::not_found where there is none of that source.
  virtual caf::error remove_membership(std::string_view group, std::string_view user, const audit_origin& by = {}) = 0;
  // One for the first admin, and one for a user, takes the place of the one before; those that have expired when it was
  // made go with it. errc::limit_reached with links_max.
  virtual caf::error put_link(const link_record& link, const audit_origin& by = {}) = 0;
  // The one user of --auth local, created when missing. Has the role user_role::admin.
  virtual caf::expected<user_record> local_user() = 0;
};

} // namespace varro
