#include "actors/store.hpp"

#include "base/fault_points.hpp"

namespace varro {

template <class Operation>
store_state::done_promise store_state::write(Operation&& operation) {
  auto promise = self->make_response_promise<done_promise>();
  if (!group_open) {
    if (auto err = db->begin()) {
      promise.deliver(std::move(err));
      return promise;
    }
    group_open = true;
    self->send(self, flush_atom_v);
  }
  if (auto err = operation(*db)) {
    promise.deliver(std::move(err));
    return promise;
  }
  group.push_back(promise);
  if (group.size() >= store_group_writes_max)
    flush();
  return promise;
}

void store_state::flush() {
  if (!group_open)
    return;
  group_open = false;
  fault_point("store_commit");
  auto err = db->commit();
  fault_point("store_committed");
  // Taken out first: an answer must not find a group that is half done.
  auto written = std::move(group);
  group.clear();
  for (auto& promise : written) {
    if (err)
      promise.deliver(err);
    else
      promise.deliver(done_atom_v);
  }
}

store_impl_actor::behavior_type store(store_impl_actor::stateful_pointer<store_state> self,
                                      std::unique_ptr<database> db) {
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
    [self](commit_atom, const write_batch& batch) {
      return self->state.write([&](database& db) { return db.apply(batch); });
    },
    [self](rename_atom, int64_t user, int64_t chat, const std::string& title) {
      return self->state.write([&](database& db) { return db.rename_chat(user, chat, title); });
    },
    [self](remove_atom, int64_t user, int64_t chat) {
      return self->state.write([&](database& db) { return db.delete_chat(user, chat); });
    },
    [self](usage_atom, int64_t user, int64_t chat, int64_t bytes) {
      return self->state.write([&](database& db) { return db.set_workspace_bytes(user, chat, bytes); });
    },
    [self](login_atom, const login_record& login) {
      return self->state.write([&](database& db) { return db.put_login(login); });
    },
    [self](logout_atom, const std::string& token_hash) {
      return self->state.write([&](database& db) { return db.drop_login(token_hash); });
    },
    [self](flush_atom) { self->state.flush(); },
  };
}

store_reader_actor::behavior_type store_reader(store_reader_actor::stateful_pointer<store_reader_state> self,
                                               std::unique_ptr<database> db) {
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
    [self](login_atom, const std::string& token_hash) -> caf::result<login_found_reply> {
      auto found = self->state.db->find_login(token_hash, now_us());
      if (!found)
        return std::move(found.error());
      return login_found_reply{std::move(found->login), std::move(found->user)};
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

store_actor spawn_store(caf::actor_system& system, std::unique_ptr<database> db) {
  return system.spawn<caf::detached>(store, std::move(db));
}

store_reader_actor spawn_store_reader(caf::actor_system& system, std::unique_ptr<database> db) {
  return system.spawn<caf::detached>(store_reader, std::move(db));
}

} // namespace varro
