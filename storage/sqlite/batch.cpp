#include "storage/sqlite/sqlite_database_impl.hpp"

#include "models/message_json.hpp"
#include "storage/sqlite/idempotency.hpp"
#include "storage/sqlite/usage.hpp"

#include <algorithm>

#include <sqlite3.h>

namespace varro {

namespace {

// The one chat that a batch may touch. Every statement below goes through "chats WHERE id = chat AND user_id = user",
// so that a wrong user writes no row whatever the checks before it do.
struct owned_chat {
  int64_t user = 0;
  int64_t id = 0;
};

caf::error no_such_chat(const owned_chat& chat) {
  return fail(errc::not_found, "there is no chat " + std::to_string(chat.id));
}

caf::expected<owned_chat> chat_of(const write_batch& batch) {
  owned_chat chat{batch.user_id, batch.chat_id};
  if (batch.chat) {
    if (chat.user == 0)
      chat.user = batch.chat->user_id;
    if (chat.id == 0)
      chat.id = batch.chat->id;
    if (batch.chat->id != chat.id || batch.chat->user_id != chat.user)
      return fail(errc::invalid_input,
                  "a batch of chat " + std::to_string(chat.id) + " holds the record of another one");
  }
  if (chat.id <= 0 || chat.user <= 0)
    return fail(errc::invalid_input, "a batch has to name its chat and its user");
  auto elsewhere = [&](const message_row& row) { return row.chat_id != chat.id; };
  auto run_elsewhere = [&](const run_record& run) { return run.chat_id != chat.id; };
  auto usage_elsewhere = [&](const usage_row& row) { return row.chat_id != chat.id || row.user_id != chat.user; };
  if (std::any_of(batch.messages.begin(), batch.messages.end(), elsewhere)
      || std::any_of(batch.usage.begin(), batch.usage.end(), usage_elsewhere)
      || std::any_of(batch.earlier_runs.begin(), batch.earlier_runs.end(), run_elsewhere)
      || (batch.run && run_elsewhere(*batch.run)))
    return fail(errc::invalid_input, "a batch of chat " + std::to_string(chat.id) + " holds rows of another one");
  return chat;
}

caf::error put_chat(connection& db, const chat_record& chat) {
  auto insert = db.use("INSERT INTO chats(id, user_id, title, model, last_seq, created_at, updated_at, python,"
                       " effort) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                       " ON CONFLICT(id) DO UPDATE SET title = excluded.title, model = excluded.model,"
                       " effort = excluded.effort,"
                       " last_seq = max(last_seq, excluded.last_seq), updated_at = max(updated_at, excluded.updated_at)"
                       " WHERE user_id = excluded.user_id");
  insert.bind(chat.id).bind(chat.user_id).bind(chat.title).bind(chat.model).bind(chat.last_seq).bind(chat.created_at);
  if (auto err = insert.bind(chat.updated_at).bind(chat.python).bind(chat.effort).run()) {
    if (insert.code() == SQLITE_CONSTRAINT_FOREIGNKEY)
      return fail(errc::not_found, "there is no user " + std::to_string(chat.user_id));
    return err;
  }
  return caf::none;
}

caf::error put_prefix(connection& db, const owned_chat& chat, const chat_prefix& prefix) {
  auto insert = db.use("INSERT INTO chat_prefixes(chat_id, instructions, tools)"
                       " SELECT id, ?3, ?4 FROM chats WHERE id = ?1 AND user_id = ?2"
                       " ON CONFLICT(chat_id) DO UPDATE SET instructions = excluded.instructions,"
                       " tools = excluded.tools");
  return insert.bind(chat.id).bind(chat.user).bind(prefix.instructions).bind(prefix.tools).run();
}

caf::error require_chat(connection& db, const owned_chat& chat) {
  auto query = db.use("SELECT 1 FROM chats WHERE id = ?1 AND user_id = ?2");
  auto row = query.bind(chat.id).bind(chat.user).step();
  if (!row)
    return std::move(row.error());
  return *row ? caf::error{} : no_such_chat(chat);
}

caf::error supersede(connection& db, const owned_chat& chat, int64_t from_turn) {
  auto messages = db.use("UPDATE messages SET superseded = 1 WHERE turn >= ?3 AND superseded = 0"
                         " AND chat_id = (SELECT id FROM chats WHERE id = ?1 AND user_id = ?2)");
  if (auto err = messages.bind(chat.id).bind(chat.user).bind(from_turn).run())
    return err;
  auto runs = db.use("UPDATE runs SET superseded = 1 WHERE turn >= ?3 AND superseded = 0"
                     " AND chat_id = (SELECT id FROM chats WHERE id = ?1 AND user_id = ?2)");
  return runs.bind(chat.id).bind(chat.user).bind(from_turn).run();
}

// The runs above this one, and below it the newest one each time, are active; all others of the chat are not. Which is
// newer, first_seq says: ids of two processes are drawn in blocks.
caf::error activate(connection& db, const owned_chat& chat, int64_t run) {
  auto runs
    = db.use("WITH RECURSIVE mine(id, parent, first_seq) AS (SELECT runs.id, runs.parent, runs.first_seq FROM runs"
             " JOIN chats ON chats.id = runs.chat_id WHERE chats.id = ?1 AND chats.user_id = ?2),"
             " up(id, parent) AS (SELECT id, parent FROM mine WHERE id = ?3"
             " UNION SELECT mine.id, mine.parent FROM mine JOIN up ON mine.id = up.parent),"
             " down(id) AS (SELECT id FROM mine WHERE id = ?3"
             " UNION SELECT (SELECT id FROM mine WHERE parent = down.id ORDER BY first_seq DESC, id DESC LIMIT 1)"
             " FROM down WHERE down.id IS NOT NULL)"
             " UPDATE runs SET superseded = CASE WHEN id IN (SELECT id FROM up) OR"
             " id IN (SELECT id FROM down WHERE id IS NOT NULL) THEN 0 ELSE 1 END"
             " WHERE chat_id = ?1 AND EXISTS (SELECT 1 FROM mine WHERE id = ?3)");
  if (auto err = runs.bind(chat.id).bind(chat.user).bind(run).run())
    return err;
  if (db.changes() == 0)
    return fail(errc::not_found, "chat " + std::to_string(chat.id) + " has no run " + std::to_string(run));
  auto messages = db.use("UPDATE messages SET superseded = runs.superseded FROM runs"
                         " WHERE runs.id = messages.run_id AND runs.superseded <> messages.superseded"
                         " AND messages.chat_id = (SELECT id FROM chats WHERE id = ?1 AND user_id = ?2)");
  return messages.bind(chat.id).bind(chat.user).run();
}

caf::error put_run(connection& db, const owned_chat& chat, const run_record& run) {
  auto insert = db.use("INSERT INTO runs(id, chat_id, turn, first_seq, status, end_seq, error, usage, model_requests,"
                       " started_at, ended_at, superseded, resumes, parent)"
                       " SELECT ?3, id, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15"
                       " FROM chats WHERE id = ?1 AND user_id = ?2"
                       " ON CONFLICT(id) DO UPDATE SET turn = excluded.turn, first_seq = excluded.first_seq,"
                       " status = excluded.status, end_seq = excluded.end_seq, error = excluded.error,"
                       " usage = excluded.usage, model_requests = excluded.model_requests,"
                       " started_at = excluded.started_at, ended_at = excluded.ended_at,"
                       " superseded = excluded.superseded, resumes = excluded.resumes,"
                       " parent = excluded.parent WHERE chat_id = excluded.chat_id");
  insert.bind(chat.id).bind(chat.user).bind(run.id).bind(run.turn).bind(run.first_seq).bind(run.status);
  insert.bind(run.end_seq).bind(run.error).bind(dump_json(to_json(run.usage)));
  insert.bind(run.model_requests).bind(run.started_at).bind(run.ended_at).bind(run.superseded ? 1 : 0);
  insert.bind(run.resumes).bind(run.parent);
  if (auto err = insert.run())
    return err;
  if (db.changes() == 0)
    return fail(errc::invalid_input, "run " + std::to_string(run.id) + " belongs to another chat");
  return caf::none;
}

// `bytes` grows by what the row holds.
caf::error insert_message(connection& db, const owned_chat& chat, const message_row& row, int64_t& bytes) {
  auto insert = db.use("INSERT INTO messages(chat_id, seq, turn, run_id, kind, created_at, superseded, folded, json)"
                       " SELECT id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM chats WHERE id = ?1 AND user_id = ?2");
  // `folded` is empty since version 5 of the schema.
  auto kind = std::holds_alternative<model_request>(*row.content) ? "request" : "response";
  insert.bind(chat.id).bind(chat.user).bind(row.seq).bind(row.turn).bind(row.run_id).bind(kind).bind(row.created_at);
  auto text = to_json_text(*row.content);
  bytes += static_cast<int64_t>(text.size());
  insert.bind(row.superseded ? 1 : 0).bind(std::string_view{}).bind(text);
  if (auto err = insert.run()) {
    if (insert.code() == SQLITE_CONSTRAINT_PRIMARYKEY || insert.code() == SQLITE_CONSTRAINT_UNIQUE)
      return fail(errc::storage_failed,
                  "chat " + std::to_string(chat.id) + " has a message with seq " + std::to_string(row.seq)
                    + " already");
    return err;
  }
  return db.changes() == 1 ? caf::error{} : no_such_chat(chat);
}

caf::error put_snapshot(connection& db, const owned_chat& chat, const snapshot_record& snapshot) {
  auto insert = db.use("INSERT OR REPLACE INTO snapshots(chat_id, seq, footer, created_at)"
                       " SELECT id, ?3, ?4, ?5 FROM chats WHERE id = ?1 AND user_id = ?2");
  insert.bind(chat.id).bind(chat.user).bind(snapshot.seq).bind(snapshot.footer);
  return insert.bind(now_us()).run();
}

caf::error put_snapshots(connection& db, const owned_chat& chat, const write_batch& batch) {
  if (batch.forget_snapshots) {
    auto remove = db.use("DELETE FROM snapshots WHERE chat_id = (SELECT id FROM chats WHERE id = ?1 AND user_id = ?2)");
    if (auto err = remove.bind(chat.id).bind(chat.user).run())
      return err;
  }
  for (const auto& snapshot : batch.snapshots)
    if (auto err = put_snapshot(db, chat, snapshot))
      return err;
  if (!batch.snapshot_bytes)
    return caf::none;
  auto update = db.use("UPDATE chats SET snapshot_bytes = ?3 WHERE id = ?1 AND user_id = ?2");
  return update.bind(chat.id).bind(chat.user).bind(*batch.snapshot_bytes).run();
}

// last_seq and updated_at follow what was written, so that they hold whatever the batch's own record says.
caf::error follow_rows(connection& db, const owned_chat& chat, const write_batch& batch, int64_t bytes) {
  int64_t seq = batch.run ? batch.run->end_seq : 0;
  unix_us time = 0;
  for (auto& row : batch.messages) {
    seq = std::max(seq, row.seq);
    time = std::max(time, row.created_at);
  }
  if (seq == 0)
    return caf::none;
  auto update = db.use("UPDATE chats SET last_seq = max(last_seq, ?3), updated_at = max(updated_at, ?4),"
                       " history_bytes = history_bytes + ?5"
                       " WHERE id = ?1 AND user_id = ?2 AND (last_seq < ?3 OR updated_at < ?4 OR ?5 > 0)");
  return update.bind(chat.id).bind(chat.user).bind(seq).bind(time).bind(bytes).run();
}

// The key of the request, with the turn that it began; of a fork, which begins none, with the chat.
caf::error put_once(connection& db, const owned_chat& chat, const write_batch& batch) {
  idempotent_outcome outcome;
  outcome.chat_id = chat.id;
  if (batch.run) {
    outcome.run_id = batch.run->id;
    outcome.turn = batch.run->turn;
    outcome.seq = batch.run->first_seq;
  }
  return put_idempotent(db, chat.user, *batch.once, outcome);
}

caf::error put_batch(connection& db, const owned_chat& chat, const write_batch& batch) {
  if (batch.chat)
    if (auto err = put_chat(db, *batch.chat))
      return err;
  if (auto err = require_chat(db, chat))
    return err;
  if (batch.supersede_from_turn)
    if (auto err = supersede(db, chat, *batch.supersede_from_turn))
      return err;
  if (batch.activate_run)
    if (auto err = activate(db, chat, *batch.activate_run))
      return err;
  for (const auto& run : batch.earlier_runs)
    if (auto err = put_run(db, chat, run))
      return err;
  if (batch.run)
    if (auto err = put_run(db, chat, *batch.run))
      return err;
  int64_t bytes = 0;
  for (auto& row : batch.messages)
    if (auto err = insert_message(db, chat, row, bytes))
      return err;
  if (batch.prefix)
    if (auto err = put_prefix(db, chat, *batch.prefix))
      return err;
  if (auto err = put_snapshots(db, chat, batch))
    return err;
  for (const auto& row : batch.usage)
    if (auto err = put_usage(db, row))
      return err;
  if (auto err = follow_rows(db, chat, batch, bytes))
    return err;
  return batch.once ? put_once(db, chat, batch) : caf::error{};
}

} // namespace

caf::error sqlite_database::apply(const write_batch& batch) {
  auto chat = chat_of(batch);
  if (!chat)
    return std::move(chat.error());
  return impl_->write_all([&] { return put_batch(*impl_->db, *chat, batch); });
}

} // namespace varro
