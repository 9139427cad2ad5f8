#include "storage/sqlite/sqlite_database_impl.hpp"

#include "models/message_json.hpp"
#include "storage/limits.hpp"
#include "storage/sqlite/audit_rows.hpp"

#include <algorithm>

namespace varro {

namespace {

caf::error no_such_chat(int64_t chat_id) {
  return fail(errc::not_found, "there is no chat " + std::to_string(chat_id));
}

// REQUIRES: id, user_id, title, model, last_seq, created_at, updated_at, python, effort.
chat_record chat_from(const statement& row) {
  return {row.integer(0), row.integer(1), row.text(2), row.text(3), row.integer(4),
          row.integer(5), row.integer(6), row.text(7), row.text(8), 0};
}

token_usage usage_from(std::string_view text) {
  token_usage usage;
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object())
    return usage;
  auto& value = *parsed;
  auto number = [&](const char* name, int64_t& out) {
    if (auto found = value.find(name); found != value.end() && found->is_number_integer())
      out = found->get<int64_t>();
  };
  number("input_tokens", usage.input_tokens);
  number("cache_write_tokens", usage.cache_write_tokens);
  number("cache_read_tokens", usage.cache_read_tokens);
  number("output_tokens", usage.output_tokens);
  number("input_audio_tokens", usage.input_audio_tokens);
  number("cache_audio_read_tokens", usage.cache_audio_read_tokens);
  number("output_audio_tokens", usage.output_audio_tokens);
  if (auto found = value.find("details"); found != value.end() && found->is_object())
    usage.details = *found;
  return usage;
}

caf::expected<chat_record> read_chat(connection& db, int64_t user_id, int64_t chat_id) {
  auto query = db.use("SELECT id, user_id, title, model, last_seq, created_at, updated_at, python, effort,"
                      " files_deleted_at FROM chats WHERE id = ?1 AND user_id = ?2");
  auto row = query.bind(chat_id).bind(user_id).step();
  if (!row)
    return std::move(row.error());
  if (!*row)
    return no_such_chat(chat_id);
  auto chat = chat_from(query);
  chat.files_deleted_at = query.integer(9);
  return chat;
}

caf::error read_messages(connection& db, const chat_record& chat, std::vector<message_row>& out) {
  auto query = db.use("SELECT seq, turn, run_id, messages.created_at, json FROM messages"
                      " JOIN chats ON chats.id = messages.chat_id"
                      " WHERE chats.id = ?1 AND chats.user_id = ?2 AND superseded = 0 ORDER BY seq");
  query.bind(chat.id).bind(chat.user_id);
  return query.each_row([&]() -> caf::error {
    auto content = message_from_text(query.text_view(4));
    if (!content)
      return fail(errc::storage_failed,
                  "database " + db.file() + ": message " + std::to_string(query.integer(0)) + " of chat "
                    + std::to_string(chat.id) + " cannot be read: " + text_of(content.error()));
    out.push_back(
      {chat.id, query.integer(0), query.integer(1), query.integer(2), std::move(*content), query.integer(3), false});
    return caf::none;
  });
}

caf::error read_prefix(connection& db, chat_contents& contents) {
  auto query = db.use("SELECT instructions, tools FROM chat_prefixes JOIN chats ON chats.id = chat_prefixes.chat_id"
                      " WHERE chats.id = ?1 AND chats.user_id = ?2");
  auto row = query.bind(contents.chat.id).bind(contents.chat.user_id).step();
  if (!row)
    return std::move(row.error());
  if (*row)
    contents.prefix = chat_prefix{query.text(0), query.text(1)};
  return caf::none;
}

caf::error read_runs(connection& db, const chat_record& chat, std::vector<run_record>& out) {
  auto query = db.use("SELECT runs.id, turn, first_seq, status, end_seq, error, usage, model_requests, started_at,"
                      " ended_at, resumes, parent FROM runs JOIN chats ON chats.id = runs.chat_id"
                      " WHERE chats.id = ?1 AND chats.user_id = ?2 AND superseded = 0 ORDER BY first_seq, runs.id");
  query.bind(chat.id).bind(chat.user_id);
  return query.each_row([&] {
    out.push_back({query.integer(0), chat.id, query.integer(1), query.integer(2), query.text(3), query.integer(4),
                   query.text(5), usage_from(query.text_view(6)), query.integer(7), query.integer(8), query.integer(9),
                   false, query.integer(10), query.integer(11)});
  });
}

caf::error read_snapshots(connection& db, chat_contents& contents) {
  auto query = db.use("SELECT snapshots.seq, footer FROM snapshots"
                      " JOIN chats ON chats.id = snapshots.chat_id"
                      " JOIN messages ON messages.chat_id = snapshots.chat_id AND messages.seq = snapshots.seq"
                      " WHERE chats.id = ?1 AND chats.user_id = ?2 AND superseded = 0 ORDER BY snapshots.seq");
  query.bind(contents.chat.id).bind(contents.chat.user_id);
  return query.each_row([&] { contents.snapshots.push_back({query.integer(0), query.integer(1)}); });
}

caf::error read_alternatives(connection& db, chat_contents& contents) {
  std::map<int64_t, std::vector<int64_t>> by_parent;
  auto query = db.use("SELECT runs.id, parent FROM runs JOIN chats ON chats.id = runs.chat_id"
                      " WHERE chats.id = ?1 AND chats.user_id = ?2 ORDER BY first_seq, runs.id");
  query.bind(contents.chat.id).bind(contents.chat.user_id);
  if (auto err = query.each_row([&] { by_parent[query.integer(1)].push_back(query.integer(0)); }))
    return err;
  for (const auto& run : contents.runs)
    if (auto& siblings = by_parent[run.parent]; siblings.size() > 1)
      contents.alternatives[run.id] = siblings;
  return caf::none;
}

// Chat, messages and runs of one moment, even while another connection commits.
struct read_moment {
  connection& db;
  bool own;
  explicit read_moment(connection& c) : db(c), own(!c.in_transaction()) {
    if (own)
      db.use("BEGIN").run();
  }
  ~read_moment() {
    if (own && db.in_transaction())
      db.use("ROLLBACK").run();
  }
};

} // namespace

caf::expected<chat_contents> sqlite_database::load_chat(int64_t user_id, int64_t chat_id) {
  auto& db = *impl_->db;
  read_moment moment{db};
  auto chat = read_chat(db, user_id, chat_id);
  if (!chat)
    return std::move(chat.error());
  chat_contents contents;
  contents.chat = std::move(*chat);
  if (auto err = read_messages(db, contents.chat, contents.messages))
    return err;
  if (auto err = read_runs(db, contents.chat, contents.runs))
    return err;
  if (auto err = read_alternatives(db, contents))
    return err;
  if (auto err = read_snapshots(db, contents))
    return err;
  if (auto err = read_prefix(db, contents))
    return err;
  return contents;
}

caf::expected<std::vector<chat_record>> sqlite_database::list_chats(int64_t user_id, chat_place before, int limit) {
  auto& db = *impl_->db;
  auto first = before.updated_at == 0 && before.id == 0;
  auto list
    = db.use(first ? "SELECT id, user_id, title, model, last_seq, created_at, updated_at, python, effort FROM chats"
                     " WHERE user_id = ?1 ORDER BY updated_at DESC, id DESC LIMIT ?2"
                   : "SELECT id, user_id, title, model, last_seq, created_at, updated_at, python, effort FROM chats"
                     " WHERE user_id = ?1 AND (updated_at, id) < (?3, ?4)"
                     " ORDER BY updated_at DESC, id DESC LIMIT ?2");
  list.bind(user_id).bind(std::clamp(limit, 0, storage_list_chats_max));
  if (!first)
    list.bind(before.updated_at).bind(before.id);
  std::vector<chat_record> chats;
  if (auto err = list.each_row([&] { chats.push_back(chat_from(list)); }))
    return err;
  return chats;
}

caf::error sqlite_database::rename_chat(int64_t user_id, int64_t chat_id, std::string_view title) {
  return impl_->write([&]() -> caf::error {
    auto update = impl_->db->use("UPDATE chats SET title = ?3 WHERE id = ?1 AND user_id = ?2");
    if (auto err = update.bind(chat_id).bind(user_id).bind(title).run())
      return err;
    return impl_->db->changes() == 1 ? caf::error{} : no_such_chat(chat_id);
  });
}

caf::error sqlite_database::delete_chat(int64_t user_id, int64_t chat_id, const audit_origin& by) {
  auto& db = *impl_->db;
  return impl_->write_all([&]() -> caf::error {
    auto remove = db.use("DELETE FROM chats WHERE id = ?1 AND user_id = ?2");
    if (auto err = remove.bind(chat_id).bind(user_id).run())
      return err;
    if (db.changes() != 1)
      return no_such_chat(chat_id);
    // Whose it was, where somebody else deletes it.
    auto owner = by.user_id == user_id ? caf::expected<audit_person>{audit_person{}} : audit_person_of(db, user_id);
    if (!owner)
      return std::move(owner.error());
    return append_audit(db, by, {audit_action::chat_deleted, *owner, "chat " + std::to_string(chat_id)});
  });
}

caf::error sqlite_database::set_workspace_bytes(int64_t user_id, int64_t chat_id, int64_t bytes) {
  return impl_->write([&] {
    auto update = impl_->db->use("UPDATE chats SET workspace_bytes = ?3 WHERE id = ?1 AND user_id = ?2");
    return update.bind(chat_id).bind(user_id).bind(bytes).run();
  });
}

caf::error sqlite_database::set_versions_bytes(int64_t user_id, int64_t chat_id, int64_t bytes) {
  return impl_->write([&] {
    auto update = impl_->db->use("UPDATE chats SET versions_bytes = ?3 WHERE id = ?1 AND user_id = ?2");
    return update.bind(chat_id).bind(user_id).bind(bytes).run();
  });
}

caf::expected<user_holdings> sqlite_database::holdings(int64_t user_id, int64_t chat_id) {
  // Two indices, which hold few chats each: those with files, and those with messages.
  auto query = impl_->db->use(
    "SELECT (SELECT coalesce(sum(workspace_bytes), 0) FROM chats"
    "         WHERE user_id = ?1 AND workspace_bytes > 0 AND id <> ?2),"
    "       (SELECT coalesce(sum(history_bytes), 0) FROM chats WHERE user_id = ?1 AND history_bytes > 0),"
    "       (SELECT coalesce(sum(history_bytes), 0) FROM chats WHERE user_id = ?1 AND id = ?2)");
  auto row = query.bind(user_id).bind(chat_id).step();
  if (!row)
    return std::move(row.error());
  return user_holdings{query.integer(0), query.integer(1), query.integer(2)};
}

caf::expected<std::vector<int64_t>> sqlite_database::chat_ids() {
  std::vector<int64_t> ids;
  auto query = impl_->db->use("SELECT id FROM chats ORDER BY id");
  if (auto err = query.each_row([&] {
        ids.push_back(query.integer(0));
        return caf::error{};
      }))
    return err;
  return ids;
}

caf::expected<std::vector<open_run>> sqlite_database::open_runs() {
  // Those of a disabled user stay open: who looks at the chat after an enabling finds them.
  auto query = impl_->db->use("SELECT chats.user_id, chats.id FROM runs JOIN chats ON chats.id = runs.chat_id"
                              " JOIN users ON users.id = chats.user_id"
                              " WHERE runs.status = 'running' AND users.disabled = 0 ORDER BY runs.id");
  std::vector<open_run> runs;
  if (auto err = query.each_row([&] { runs.push_back({query.integer(0), query.integer(1)}); }))
    return err;
  return runs;
}

} // namespace varro
