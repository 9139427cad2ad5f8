#include "actors/store.hpp"

#include "base/fault_points.hpp"

#include <utility>

namespace varro {

store_state::done_promise store_state::write(store_write one) {
  auto promise = self->make_response_promise<done_promise>();
  if (group.empty())
    self->send(self, flush_atom_v);
  group.push_back(std::move(one));
  promises.push_back(promise);
  if (group.size() >= store_group_writes_max)
    flush();
  return promise;
}

void store_state::flush() {
  if (group.empty())
    return;
  fault_point("store_commit");
  auto answers = db->commit(group);
  fault_point("store_committed");
  group.clear();
  // Taken out first: an answer must not find a group that is half done.
  auto answered = std::exchange(promises, {});
  for (size_t i = 0; i < answered.size(); ++i) {
    if (answers[i])
      answered[i].deliver(std::move(answers[i]));
    else
      answered[i].deliver(done_atom_v);
  }
}

store_impl_actor::behavior_type store(store_impl_actor::stateful_pointer<store_state> self,
                                      std::unique_ptr<chat_database> db) {
  auto& state = self->state;
  state.self = self;
  state.db = std::move(db);
  self->set_exit_handler([self](caf::exit_msg& message) {
    if (!message.reason)
      return;
    self->state.flush();
    self->quit(std::move(message.reason));
  });
  return {
    [self](commit_atom, write_batch& batch) { return self->state.write(std::move(batch)); },
    [self](rename_atom, int64_t user, int64_t chat, std::string& title) {
      return self->state.write(chat_renamed{user, chat, std::move(title)});
    },
    [self](remove_atom, int64_t user, int64_t chat) {
      return self->state.write(chat_deleted{user, chat});
    },
    [self](usage_atom, int64_t user, int64_t chat, int64_t bytes) {
      return self->state.write(workspace_measured{user, chat, bytes});
    },
    [self](login_atom, login_record& login) { return self->state.write(std::move(login)); },
    [self](logout_atom, std::string& token_hash) { return self->state.write(login_dropped{std::move(token_hash)}); },
    [self](flush_atom) { self->state.flush(); },
  };
}

store_reader_actor::behavior_type store_reader(store_reader_actor::stateful_pointer<store_reader_state> self,
                                               std::unique_ptr<chat_reader> db) {
  self->state.db = std::move(db);
  return {
    [self](load_atom, int64_t user, int64_t chat) -> caf::result<chat_contents> {
      return self->state.db->load_chat(user, chat);
    },
    [self](list_atom, int64_t user, unix_us time, int64_t chat, int limit) -> caf::result<std::vector<chat_record>> {
      return self->state.db->list_chats(user, {time, chat}, limit);
    },
    [self](usage_atom, int64_t user, int64_t chat) -> caf::result<int64_t> {
      return self->state.db->other_workspaces_bytes(user, chat);
    },
    [self](login_atom, const std::string& token_hash) -> caf::result<login_found> {
      return self->state.db->find_login(token_hash, now_us());
    },
    [self](login_atom, const std::vector<std::string>& token_hashes) -> caf::result<std::vector<std::string>> {
      return self->state.db->ended_logins(token_hashes, now_us());
    },
    [self](user_atom, const std::string& name) -> caf::result<user_record> {
      return self->state.db->find_user(std::string_view{name});
    },
    [self](ready_atom) -> caf::result<done_atom> {
      if (self->state.db->schema_version() < 1)
        return fail(errc::storage_failed, "the database cannot be read");
      return done_atom_v;
    },
  };
}

store_actor spawn_store(caf::actor_system& system, std::unique_ptr<chat_database> db) {
  return system.spawn<caf::detached>(store, std::move(db));
}

store_reader_actor spawn_store_reader(caf::actor_system& system, std::unique_ptr<chat_reader> db) {
  return system.spawn<caf::detached>(store_reader, std::move(db));
}

} // namespace varro
