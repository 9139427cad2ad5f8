// Twins of the actors behind the HTTP server, on a real actor system: the test sets what they answer.
#pragma once

#include "actors/interfaces.hpp"
#include "config/config.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <tuple>

namespace varro::test {

// What the twins answer, and what they were asked. Set answers before the requests that need them.
struct twin_script {
  std::mutex mutex; // guards the lists below; the functions are set once
  std::condition_variable changed;

  std::function<caf::expected<turn_started>(const user_message&)> on_send;
  std::function<caf::expected<turn_started>(int64_t turn, const user_message&)> on_edit;
  std::function<caf::expected<chat_forked>(int64_t turn)> on_fork;
  std::function<caf::expected<done_atom>()> on_cancel;
  std::function<caf::expected<done_atom>(const std::string& title)> on_rename;
  std::function<caf::expected<done_atom>()> on_remove;
  std::function<caf::expected<chat_session_actor>(int64_t user, int64_t chat)> on_find; // replaces `chats`
  std::function<caf::expected<search_found>(const search_query&)> on_search;            // replaces `listed`
  std::function<caf::expected<allowance_ptr>(int64_t user)> on_allowance;               // none: nothing is limited
  std::function<caf::expected<done_atom>(const upload_counted&)> on_upload;             // none: it is counted
  std::function<caf::expected<idempotency_found>(const std::string& key)> on_key;       // none: none is known
  transcript_view view;
  caf::error refusal; // of a turn that is asked about before it is sent
  chat_contents contents;
  std::vector<std::pair<int64_t, int64_t>> chats; // user, chat: who owns what
  std::vector<user_record> users;
  bool users_fail = false;        // the database cannot be asked for them
  std::function<void()> on_login; // is called when a session was stored
  std::vector<chat_record> listed;
  bool ready = true;
  int64_t other_workspaces_bytes = 0;

  std::vector<user_message> sent;
  std::vector<std::pair<uint64_t, int64_t>> attached; // viewer, after
  std::vector<uint64_t> detached;
  std::vector<std::tuple<int, int64_t, int64_t>> adopted; // fd, chat, after
  std::vector<std::string> logged_out;                    // token hashes
  std::vector<login_record> logins;
  std::vector<account_write> account_writes;
  std::vector<std::tuple<int64_t, int64_t, int64_t>> usages; // user, chat, bytes
  std::vector<std::string> searched;

  template <class Predicate>
  bool wait_for(Predicate holds) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, std::chrono::seconds{20}, holds);
  }
};

struct twin_system_config : caf::actor_system_config {
  twin_system_config();
};

chat_session_actor::behavior_type twin_session(chat_session_actor::pointer self, std::shared_ptr<twin_script> script);
// The same as http_gateway sees it.
viewed_chat_actor::behavior_type twin_viewed_chat(viewed_chat_actor::pointer self, std::shared_ptr<twin_script> script);
// `session` is found for every chat of script->chats.
chat_registry_actor::behavior_type twin_registry(chat_registry_actor::pointer self, std::shared_ptr<twin_script> script,
                                                 chat_session_actor session);
store_actor::behavior_type twin_store(store_actor::pointer self, std::shared_ptr<twin_script> script);
store_reader_actor::behavior_type twin_reader(store_reader_actor::pointer self, std::shared_ptr<twin_script> script);
// Finds each of script->listed that is the user's.
chat_search_actor::behavior_type twin_search(chat_search_actor::pointer self, std::shared_ptr<twin_script> script);
shell_host_actor::behavior_type twin_shells(shell_host_actor::pointer self, std::shared_ptr<twin_script> script);
// Whose user may use everything, unless script->on_allowance says otherwise.
allowances_actor::behavior_type twin_allowances(allowances_actor::pointer self, std::shared_ptr<twin_script> script,
                                                std::shared_ptr<const config> settings);
// Answers an adopted stream with "adopted" and closes it.
http_gateway_actor::behavior_type twin_gateway(http_gateway_actor::pointer self, std::shared_ptr<twin_script> script);

} // namespace varro::test
