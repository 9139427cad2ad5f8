#include "tests/support/http_twins.hpp"

#include "http/type_ids.hpp"

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
  add_message_types<caf::id_block::varro_http>();
  load<caf::io::middleman>();
  set("scheduler.max-threads", 2);
  set("logger.verbosity", caf::atom("quiet"));
}

chat_session_actor::behavior_type twin_session(chat_session_actor::pointer, script_pointer script) {
  return {
    [=](ready_atom) -> caf::result<int64_t> {
      if (script->refusal)
        return script->refusal;
      return script->view.history.chat.id;
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
    [=](fork_atom, int64_t turn, const idempotency_note&) -> caf::result<chat_forked> {
      return as_result(script->on_fork(turn));
    },
    [=](notice_atom, std::string& text) { script->view.notice = std::move(text); },
    [=](renew_atom) {
      script->view.old_prefix = false;
      return done_atom_v;
    },
    [](rerun_atom) { return done_atom_v; },
    [=](cancel_atom) -> caf::result<done_atom> { return as_result(script->on_cancel()); },
    [=](page_atom) { return script->view; },
    [=](history_atom) { return script->contents; },
    [=](rename_atom, const std::string& title) -> caf::result<done_atom> {
      return as_result(script->on_rename(title));
    },
    [=](remove_atom, const audit_origin&) -> caf::result<done_atom> { return as_result(script->on_remove()); },
    [=](attach_atom, uint64_t viewer, int64_t after) { note(script, script->attached, std::pair{viewer, after}); },
    [=](detach_atom, uint64_t viewer) { note(script, script->detached, viewer); },
    [](start_atom, int64_t) { return done_atom_v; },
    [](node_atom, const run_node&) { return done_atom_v; },
    [](progress_atom, int64_t, const std::string&) {},
    [](ready_atom, int64_t) {},
    [](usage_atom, int64_t, const std::vector<usage_row>&) {},
    [](ended_atom, const run_end&) {},
    [](history_atom, shell_atom) { return shell_past{}; },
    [](snapshot_atom, const snapshot_taken&) { return done_atom_v; },
    [](restore_atom, int64_t) {},
    [](shell_atom, int64_t, const std::string&) {},
    [](passivate_atom, bool) { return false; },
    [](stop_atom) { return done_atom_v; },
  };
}

viewed_chat_actor::behavior_type twin_viewed_chat(viewed_chat_actor::pointer, script_pointer script) {
  return {
    [=](attach_atom, uint64_t viewer, int64_t after) { note(script, script->attached, std::pair{viewer, after}); },
    [=](detach_atom, uint64_t viewer) { note(script, script->detached, viewer); },
  };
}

chat_registry_actor::behavior_type twin_registry(chat_registry_actor::pointer, script_pointer script,
                                                 chat_session_actor session) {
  auto find = [=](find_atom, int64_t user, int64_t chat) -> caf::result<chat_session_actor> {
    if (script->on_find)
      return as_result(script->on_find(user, chat));
    for (const auto& owned : script->chats)
      if (owned == std::pair{user, chat})
        return session;
    return fail(errc::not_found, "There is no such chat.");
  };
  return {
    find,
    [=](find_atom, int64_t user, int64_t chat, const chat_session_actor&) { return find(find_atom_v, user, chat); },
    [=](start_atom, int64_t, const std::string&) { return session; },
    [](resume_atom, int64_t, int64_t) {},
    [](tick_atom) {},
    [](count_atom) {
      actor_counts counts;
      counts.sessions = 3;
      counts.runs = 2;
      counts.waiting_runs = 1;
      return counts;
    },
    [](stop_atom) { return done_atom_v; },
  };
}

store_actor::behavior_type twin_store(store_actor::pointer, script_pointer script) {
  return {
    [](commit_atom, const write_batch&) { return done_atom_v; },
    [](draw_chat_atom) { return int64_t{1}; },
    [](draw_runs_atom, int) { return int64_t{1}; },
    [](rename_atom, int64_t, int64_t, const std::string&) { return done_atom_v; },
    [](remove_atom, int64_t, int64_t, const audit_origin&) { return done_atom_v; },
    [](usage_atom, int64_t, int64_t, int64_t) { return done_atom_v; },
    [](usage_atom, const std::vector<usage_row>&) { return done_atom_v; },
    [](usage_atom, const versions_measured&) { return done_atom_v; },
    [=](usage_atom, const upload_counted& upload) -> caf::result<done_atom> {
      if (script->on_upload)
        return as_result(script->on_upload(upload));
      return done_atom_v;
    },
    [=](login_atom, const login_record& login) {
      note(script, script->logins, login);
      if (script->on_login)
        script->on_login();
      return done_atom_v;
    },
    [=](logout_atom, const std::string& hash, const audit_origin&) {
      std::lock_guard lock{script->mutex};
      std::erase_if(script->logins, [&](const auto& login) { return login.token_hash == hash; });
      return done_atom_v;
    },
    [=](user_atom, const account_write& write) {
      note(script, script->account_writes, write);
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
    [=](usage_atom, int64_t, int64_t) { return user_holdings{script->other_workspaces_bytes, 0, 0}; },
    [=](login_atom, const std::string& hash) -> caf::result<login_found> { return as_result(find_login(hash)); },
    [=](login_atom, const std::vector<std::string>& hashes) {
      std::vector<std::string> ended;
      std::copy_if(hashes.begin(), hashes.end(), std::back_inserter(ended),
                   [&](const auto& hash) { return !find_login(hash); });
      return ended;
    },
    [=](list_atom, int64_t user) {
      std::lock_guard lock{script->mutex};
      std::vector<login_record> logins;
      std::copy_if(script->logins.begin(), script->logins.end(), std::back_inserter(logins),
                   [&](const auto& login) { return login.user_id == user; });
      return logins;
    },
    [=](send_atom, int64_t, const std::string& key) -> caf::result<idempotency_found> {
      if (script->on_key)
        return as_result(script->on_key(key));
      return idempotency_found{};
    },
    [](link_atom, const std::string&) -> caf::result<link_found> { return fail(errc::not_found, "no such link"); },
    [=](user_atom, const std::string& name) -> caf::result<user_record> {
      if (script->users_fail)
        return fail(errc::storage_failed, "the database cannot be read");
      for (const auto& user : script->users)
        if (user.name == name)
          return user;
      return fail(errc::not_found, "no such user");
    },
    [](admin_atom, const admin_question_ptr&) -> caf::result<admin_answer_ptr> {
      return fail(errc::storage_failed, "a twin knows nothing of others");
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
    [](start_atom, const wanted_shell&, const shell_waiter_actor&) -> caf::result<python_shell_actor> {
      return fail(errc::shell_unavailable, "a twin has no shell");
    },
    [](cancel_atom, int64_t) {},
    [](attach_atom, int64_t) -> caf::result<python_shell_actor, std::vector<std::string>> {
      return fail(errc::not_found, "The chat has no shell.");
    },
    [](busy_atom, int64_t, bool) {},
    [=](usage_atom, int64_t user, int64_t chat, int64_t bytes) {
      note(script, script->usages, std::tuple{user, chat, bytes});
    },
    [](count_atom) { return int64_t{4}; },
    [](list_atom) { return live_shells{}; },
    [](close_atom, int64_t) {},
    [](stats_atom) {
      actor_counts counts;
      counts.shells = 4;
      counts.waiting_shells = 6;
      return counts;
    },
    [](stop_atom) { return done_atom_v; },
  };
}

allowances_actor::behavior_type twin_allowances(allowances_actor::pointer, script_pointer script,
                                                std::shared_ptr<const config> settings) {
  auto told = [=](int64_t user) -> caf::result<allowance_ptr> {
    if (script->on_allowance)
      return as_result(script->on_allowance(user));
    auto allowance = std::make_shared<user_allowance>();
    allowance->settings = settings;
    return allowance_ptr{std::move(allowance)};
  };
  return {
    [=](usage_atom, int64_t user) { return told(user); },
    [=](usage_atom, int64_t user, int64_t) { return told(user); },
  };
}

http_gateway_actor::behavior_type twin_gateway(http_gateway_actor::pointer self, script_pointer script) {
  return {
    [=](adopt_atom, int fd, int64_t chat, int64_t after, const viewed_chat_actor&, const std::string&) {
      note(script, script->adopted, std::tuple{fd, chat, after});
      constexpr std::string_view text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nadopted";
      ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      ::shutdown(fd, SHUT_RDWR);
      ::close(fd);
    },
    [=](adopt_atom, node_atom, int fd, int64_t chat, int64_t after, const viewed_chat_actor&, const std::string&) {
      note(script, script->adopted, std::tuple{fd, chat, after});
      constexpr std::string_view text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nadopted in JSON";
      ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      ::shutdown(fd, SHUT_RDWR);
      ::close(fd);
    },
    [=](logout_atom, const std::string& login) { note(script, script->logged_out, login); },
    [](replay_atom, uint64_t, const chat_replay&) {},
    [](publish_atom, int64_t, const chat_event&) {},
    [](count_atom) { return int64_t{5}; },
    [](tick_atom) {},
    [=](stop_atom) { self->quit(); },
  };
}

} // namespace varro::test
