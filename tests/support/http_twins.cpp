#include "tests/support/http_twins.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

#include <sys/socket.h>
#include <unistd.h>

namespace varro::test {

namespace {

using script_pointer = std::shared_ptr<twin_script>;

template <class T>
caf::result<T> as_result(caf::expected<T> value) {
  if (value)
    return std::move(*value);
  return value.error();
}

template <class List, class Value>
void note(const script_pointer& script, List& list, Value value) {
  {
    std::lock_guard lock{script->mutex};
    list.push_back(std::move(value));
  }
  script->changed.notify_all();
}

} // namespace

twin_system_config::twin_system_config() {
  add_message_types<caf::id_block::varro_base>();
  add_message_types<caf::id_block::varro>();
  load<caf::io::middleman>();
  set("scheduler.max-threads", 2);
  set("logger.verbosity", caf::atom("quiet"));
}

chat_session_actor::behavior_type twin_session(chat_session_actor::pointer, script_pointer script) {
  return {
    [=](ready_atom) -> caf::result<int64_t> {
      if (script->refusal)
        return script->refusal;
      return script->view.chat.id;
    },
    [=](send_atom, const user_message& input) -> caf::result<turn_started> {
      note(script, script->sent, input);
      return as_result(script->on_send(input));
    },
    [=](edit_atom, int64_t turn, const user_message& input) -> caf::result<turn_started> {
      return as_result(script->on_edit(turn, input));
    },
    [](branch_atom, int64_t) { return done_atom_v; },
    [=](fork_atom, int64_t turn) -> caf::result<chat_forked> { return as_result(script->on_fork(turn)); },
    [=](notice_atom, std::string& text) { script->view.notice = std::move(text); },
    [=](renew_atom) {
      script->view.old_prefix = false;
      return done_atom_v;
    },
    [](rerun_atom) { return done_atom_v; },
    [](deadline_atom) {},
    [=](cancel_atom) -> caf::result<done_atom> { return as_result(script->on_cancel()); },
    [=](page_atom) { return script->view; },
    [=](history_atom) { return script->contents; },
    [=](rename_atom, const std::string& title) -> caf::result<done_atom> {
      return as_result(script->on_rename(title));
    },
    [=](remove_atom) -> caf::result<done_atom> { return as_result(script->on_remove()); },
    [=](attach_atom, uint64_t viewer, int64_t after) {
      note(script, script->attached, std::pair{viewer, after});
    },
    [=](detach_atom, uint64_t viewer) { note(script, script->detached, viewer); },
    [](node_atom, const run_node&) { return done_atom_v; },
    [](progress_atom, int64_t, const std::string&) {},
    [](ready_atom, int64_t) {},
    [](ended_atom, const run_end&) {},
    [](shell_atom) -> caf::result<python_shell_actor, std::string> {
      return fail(errc::shell_unavailable, "a twin has no shell");
    },
    [](shell_atom, const python_shell_actor&) -> caf::result<python_shell_actor, std::string> {
      return fail(errc::shell_unavailable, "a twin has no shell");
    },
    [](passivate_atom) { return false; },
    [](stop_atom) { return done_atom_v; },
  };
}

chat_registry_actor::behavior_type twin_registry(chat_registry_actor::pointer, script_pointer script,
                                                 chat_session_actor session) {
  return {
    [=](find_atom, int64_t user, int64_t chat) -> caf::result<chat_session_actor> {
      if (script->on_find)
        return as_result(script->on_find(user, chat));
      for (const auto& owned : script->chats)
        if (owned == std::pair{user, chat})
          return session;
      return fail(errc::not_found, "There is no such chat.");
    },
    [=](start_atom, int64_t, const std::string&) { return session; },
    [](resume_atom, int64_t, int64_t) {},
    [](tick_atom) {},
    [](count_atom) {
      return actor_counts{3, 2, 0, 0};
    },
    [](stop_atom) { return done_atom_v; },
  };
}

store_actor::behavior_type twin_store(store_actor::pointer, script_pointer script) {
  return {
    [](commit_atom, const write_batch&) { return done_atom_v; },
    [](rename_atom, int64_t, int64_t, const std::string&) { return done_atom_v; },
    [](remove_atom, int64_t, int64_t) { return done_atom_v; },
    [](usage_atom, int64_t, int64_t, int64_t) { return done_atom_v; },
    [=](login_atom, const login_record& login) {
      note(script, script->logins, login);
      return done_atom_v;
    },
    [=](logout_atom, const std::string& hash) {
      std::lock_guard lock{script->mutex};
      std::erase_if(script->logins, [&](const auto& login) { return login.token_hash == hash; });
      return done_atom_v;
    },
  };
}

store_reader_actor::behavior_type twin_reader(store_reader_actor::pointer, script_pointer script) {
  auto find_login = [=](const std::string& hash) -> caf::expected<login_found> {
    std::lock_guard lock{script->mutex};
    for (const auto& login : script->logins)
      for (const auto& user : script->users)
        if (login.token_hash == hash && login.user_id == user.id && !user.disabled)
          return login_found{login, user};
    return fail(errc::not_found, "no such login");
  };
  return {
    [=](load_atom, int64_t, int64_t) { return script->contents; },
    [=](list_atom, int64_t user, unix_us time, int64_t before, int limit) {
      std::vector<chat_record> result;
      for (const auto& chat : script->listed)
        if (chat.user_id == user && result.size() < static_cast<size_t>(limit)
            && ((time == 0 && before == 0) || std::pair{chat.updated_at, chat.id} < std::pair{time, before}))
          result.push_back(chat);
      return result;
    },
    [=](usage_atom, int64_t, int64_t) { return script->other_workspaces_bytes; },
    [=](login_atom, const std::string& hash) -> caf::result<login_found> { return as_result(find_login(hash)); },
    [=](login_atom, const std::vector<std::string>& hashes) {
      std::vector<std::string> ended;
      std::copy_if(hashes.begin(), hashes.end(), std::back_inserter(ended),
                   [&](const auto& hash) { return !find_login(hash); });
      return ended;
    },
    [=](user_atom, const std::string& name) -> caf::result<user_record> {
      for (const auto& user : script->users)
        if (user.name == name)
          return user;
      return fail(errc::not_found, "no such user");
    },
    [=](ready_atom) -> caf::result<done_atom> {
      if (script->ready)
        return done_atom_v;
      return fail(errc::storage_failed, "the disk is gone");
    },
  };
}

chat_search_actor::behavior_type twin_search(chat_search_actor::pointer, script_pointer script) {
  return {
    [=](search_atom, const search_query& query) -> caf::result<search_found> {
      note(script, script->searched, query.text);
      if (script->on_search)
        return as_result(script->on_search(query));
      found_chats found;
      for (const auto& chat : script->listed)
        if (chat.user_id == query.user)
          found.chats.push_back({chat, 0, {"", chat.title, ""}});
      return std::make_shared<const found_chats>(std::move(found));
    },
    [](tick_atom) {},
  };
}

shell_host_actor::behavior_type twin_shells(shell_host_actor::pointer, script_pointer script) {
  return {
    [](start_atom, const wanted_shell&) -> caf::result<python_shell_actor> {
      return fail(errc::shell_unavailable, "a twin has no shell");
    },
    [](attach_atom, int64_t) -> caf::result<python_shell_actor, std::vector<std::string>> {
      return fail(errc::not_found, "The chat has no shell.");
    },
    [](busy_atom, int64_t, bool) {},
    [=](usage_atom, int64_t user, int64_t chat, int64_t bytes) {
      note(script, script->usages, std::tuple{user, chat, bytes});
    },
    [](count_atom) { return int64_t{4}; },
    [](stop_atom) { return done_atom_v; },
  };
}

http_gateway_actor::behavior_type twin_gateway(http_gateway_actor::pointer self, script_pointer script) {
  return {
    [=](adopt_atom, int fd, int64_t chat, int64_t after, const chat_session_actor&, const std::string&) {
      note(script, script->adopted, std::tuple{fd, chat, after});
      constexpr std::string_view text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nadopted";
      ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      ::shutdown(fd, SHUT_RDWR);
      ::close(fd);
    },
    [=](logout_atom, const std::string& login) { note(script, script->logged_out, login); },
    [](replay_atom, uint64_t, const std::vector<stream_event>&, bool) {},
    [](publish_atom, int64_t, const stream_event&) {},
    [](count_atom) { return int64_t{5}; },
    [](tick_atom) {},
    [=](stop_atom) { self->quit(); },
  };
}

} // namespace varro::test
