#include "actors/store.hpp"

#include "base/fault_points.hpp"
#include "base/metrics.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>
#include <vector>

namespace varro {

namespace {

// Tests count what turns commit. How often workspaces are measured meanwhile depends on the machine.
void pass(const char* step, const std::vector<store_write>& group) {
  bool has_batch = std::any_of(group.begin(), group.end(),
                               [](const store_write& each) { return std::holds_alternative<write_batch>(each); });
  if (has_batch)
    fault_point(step);
}

void measure(const usage_row& row) {
  auto& book = process_metrics();
  if (row.kind == usage_kind::cell) {
    book.note_cell(row.outcome);
    return;
  }
  book.note_tokens(row.model, "input", row.tokens.input);
  book.note_tokens(row.model, "output", row.tokens.output);
  book.note_tokens(row.model, "cache_read", row.tokens.cache_read);
  book.note_tokens(row.model, "cache_write", row.tokens.cache_write_5m + row.tokens.cache_write_1h);
  constexpr double nano = 1e-9;
  book.note_cost(row.model, row.currency, static_cast<double>(row.cost_nano.value_or(0)) * nano);
}

// What /metrics tells of the ledger is what is in it: only what was committed counts.
void measure_ledger(const store_write& write) {
  if (const auto* batch = std::get_if<write_batch>(&write))
    std::for_each(batch->usage.begin(), batch->usage.end(), measure);
  else if (const auto* noted = std::get_if<usage_noted>(&write))
    std::for_each(noted->rows.begin(), noted->rows.end(), measure);
}

} // namespace

store_state::done_promise store_state::write(store_write one) {
  auto promise = self->make_response_promise<done_promise>();
  open();
  group.push_back(std::move(one));
  promises.push_back(promise);
  if (group.size() >= store_group_writes_max)
    flush();
  return promise;
}

caf::result<int64_t> store_state::draw(id_supply& supply, int64_t count) {
  if (count <= 0)
    return fail(errc::invalid_input, "no ids were asked for");
  if (auto first = supply.take(count))
    return *first;
  auto promise = self->make_response_promise<int64_t>();
  open();
  supply.wait(count, [promise](const caf::expected<int64_t>& first) mutable {
    if (first)
      promise.deliver(*first);
    else
      promise.deliver(first.error());
  });
  return promise;
}

void store_state::draw_ahead() {
  take_drawn(db->draw_ids(wanted()));
}

void store_state::flush() {
  if (!is_open())
    return;
  pass("store_commit", group);
  const auto begin = std::chrono::steady_clock::now();
  auto outcome = db->commit(group, wanted());
  process_metrics().note_commit(std::chrono::steady_clock::now() - begin, group.size());
  pass("store_committed", group);
  for (size_t i = 0; i < group.size(); ++i)
    if (!outcome.writes[i])
      measure_ledger(group[i]);
  group.clear();
  // Taken out first: an answer must not find a group that is half done.
  auto answered = std::exchange(promises, {});
  auto answers = std::move(outcome.writes);
  // Before the writes: a chat that is deleted while an id is drawn for it has to answer with the one before the other.
  take_drawn(outcome.ids);
  for (size_t i = 0; i < answered.size(); ++i) {
    if (answers[i])
      answered[i].deliver(std::move(answers[i]));
    else
      answered[i].deliver(done_atom_v);
  }
}

bool store_state::is_open() const {
  return !group.empty() || ids->chats.is_awaited() || ids->runs.is_awaited();
}

ids_wanted store_state::wanted() const {
  return {ids->chats.wanted(), ids->runs.wanted()};
}

void store_state::open() {
  if (!is_open())
    self->send(self, flush_atom_v);
}

void store_state::take_drawn(const caf::expected<drawn_ids>& drawn) {
  if (drawn) {
    ids->chats.fill(drawn->chats);
    ids->runs.fill(drawn->runs);
  } else {
    ids->chats.refuse(drawn.error());
    ids->runs.refuse(drawn.error());
  }
}

store_impl_actor::behavior_type store(store_impl_actor::stateful_pointer<store_state> self,
                                      std::unique_ptr<chat_database> db, std::shared_ptr<id_supplies> ids) {
  auto& state = self->state;
  state.self = self;
  state.db = std::move(db);
  state.ids = std::move(ids);
  state.draw_ahead();
  self->set_exit_handler([self](caf::exit_msg& message) {
    if (!message.reason)
      return;
    self->state.flush();
    self->quit(std::move(message.reason));
  });
  return {
    [self](commit_atom, write_batch& batch) { return self->state.write(std::move(batch)); },
    [self](draw_chat_atom) { return self->state.draw(self->state.ids->chats, 1); },
    [self](draw_runs_atom, int count) { return self->state.draw(self->state.ids->runs, count); },
    [self](rename_atom, int64_t user, int64_t chat, std::string& title) {
      return self->state.write(chat_renamed{user, chat, std::move(title)});
    },
    [self](remove_atom, int64_t user, int64_t chat, audit_origin& by) {
      return self->state.write(chat_deleted{user, chat, std::move(by)});
    },
    [self](usage_atom, int64_t user, int64_t chat, int64_t bytes) {
      return self->state.write(workspace_measured{user, chat, bytes});
    },
    [self](usage_atom, std::vector<usage_row>& rows) { return self->state.write(usage_noted{std::move(rows)}); },
    [self](usage_atom, const versions_measured& measured) { return self->state.write(measured); },
    [self](usage_atom, const upload_counted& upload) { return self->state.write(upload); },
    [self](login_atom, login_record& login) { return self->state.write(std::move(login)); },
    [self](logout_atom, std::string& token_hash, audit_origin& by) {
      return self->state.write(login_dropped{std::move(token_hash), std::move(by)});
    },
    [self](user_atom, account_write& write) { return self->state.write(std::move(write)); },
    // A transaction of its own, between two groups: there are few.
    [self](token_atom, const token_write& write) -> caf::result<done_atom> {
      if (auto err = self->state.db->apply(write))
        return err;
      return done_atom_v;
    },
    [self](flush_atom) { self->state.flush(); },
    [self](renew_atom) -> caf::result<done_atom> {
      self->state.flush();
      if (auto err = self->state.db->compact())
        return err;
      return done_atom_v;
    },
  };
}

store_reader_impl_actor::behavior_type store_reader(store_reader_impl_actor::stateful_pointer<store_reader_state> self,
                                                    std::unique_ptr<chat_reader> db) {
  self->state.db = std::move(db);
  return {
    [self](load_atom, int64_t user, int64_t chat) -> caf::result<chat_contents> {
      return self->state.db->load_chat(user, chat);
    },
    [self](list_atom, int64_t user, unix_us time, int64_t chat, int limit) -> caf::result<std::vector<chat_record>> {
      return self->state.db->list_chats(user, {time, chat}, limit);
    },
    [self](usage_atom, int64_t user, int64_t chat) -> caf::result<user_holdings> {
      return self->state.db->holdings(user, chat);
    },
    [self](login_atom, const std::string& token_hash) -> caf::result<login_found> {
      return self->state.db->find_login(token_hash, now_us());
    },
    [self](login_atom, const std::vector<std::string>& token_hashes) -> caf::result<std::vector<std::string>> {
      return self->state.db->ended_logins(token_hashes, now_us());
    },
    [self](list_atom, int64_t user) -> caf::result<std::vector<login_record>> {
      return self->state.db->logins_of(user, now_us());
    },
    [self](send_atom, int64_t user, const std::string& key) -> caf::result<idempotency_found> {
      return self->state.db->find_idempotent(user, key, now_us());
    },
    [self](link_atom, const std::string& token_hash) -> caf::result<link_found> {
      return self->state.db->find_link(token_hash, now_us());
    },
    [self](token_atom, const std::string& token_hash) -> caf::result<token_found> {
      return self->state.db->find_token(token_hash, now_us());
    },
    [self](token_atom, int64_t user) -> caf::result<std::vector<token_record>> {
      return self->state.db->tokens_of(user, now_us());
    },
    [self](user_atom, const std::string& name) -> caf::result<user_record> {
      return self->state.db->find_user(std::string_view{name});
    },
    [self](admin_atom, const admin_question_ptr& question) -> caf::result<admin_answer_ptr> {
      auto answer = self->state.db->answer(*question);
      if (!answer)
        return std::move(answer.error());
      return std::make_shared<const admin_answer>(std::move(*answer));
    },
    [self](ready_atom) -> caf::result<done_atom> {
      if (self->state.db->schema_version() < 1)
        return fail(errc::storage_failed, "the database cannot be read");
      return done_atom_v;
    },
  };
}

store_impl_actor spawn_store(caf::actor_system& system, std::unique_ptr<chat_database> db,
                             std::shared_ptr<id_supplies> ids) {
  return system.spawn<caf::detached>(store, std::move(db), std::move(ids));
}

store_reader_actor spawn_store_reader(caf::actor_system& system, std::unique_ptr<chat_reader> db) {
  return system.spawn<caf::detached>(store_reader, std::move(db));
}

token_writer_actor token_writer_of(const store_actor& from) {
  return caf::actor_cast<token_writer_actor>(from);
}

token_reader_actor token_reader_of(const store_reader_actor& from) {
  return caf::actor_cast<token_reader_actor>(from);
}

} // namespace varro
