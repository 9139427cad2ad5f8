// What actors send each other, as values. Each is registered in type_ids.hpp, so that actors may move to other nodes.
#pragma once

#include "models/cell.hpp"
#include "models/provider.hpp"
#include "pictures/picture_job.hpp"
#include "pictures/picture_limits.hpp"
#include "storage/found_chat.hpp"
#include "storage/records.hpp"
#include "workspace/versions.hpp"

#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace varro {

// Atoms. At most 10 characters each. (clang-format never comes to rest here.)
// clang-format off
#define VARRO_ATOMS(X) \
  X(commit) X(load) X(list) X(rename) X(remove) X(login) X(logout) X(user) X(find) X(send) X(cancel) X(page) \
  X(attach) X(detach) X(adopt) X(replay) X(publish) X(progress) X(node) X(ended) X(shell) X(restore) X(execute) \
  X(interrupt) X(close) X(start) X(busy) X(ask) X(result) X(retry) X(tick) X(stop) X(edit) X(stats) X(count) \
  X(history) X(step) X(deadline) X(gone) X(done) X(flush) X(passivate) X(ready) X(model) X(kill) X(reap) X(ack) \
  X(resume) X(branch) X(snapshot) X(rerun) X(keep) X(fork) X(notice) X(usage) X(sleep) X(renew) \
  X(fit) X(look) X(search)
// clang-format on

// A user's message on its way into a chat.
struct user_message {
  std::string text;        // may be empty when there are files
  std::string model;       // id; empty keeps the chat's
  std::string python;      // of a chat that this message creates; empty: the default one
  std::string effort = {}; // as chat_record::effort, or "default" for the model's own; empty keeps the chat's
  std::vector<user_content> files = {}; // follow the text in the prompt (models/user_prompt.hpp)
};

// What POST /chat/send answers with, once the message is committed.
struct turn_started {
  chat_record chat;
  int64_t run_id = 0;
  int64_t turn = 0;
  int64_t seq = 0;        // of the user message
  bool created = false;   // the chat is new
  std::string user_block; // HTML
  std::string notice;     // as in chat_view
};

// One Server-Sent Event before framing. id 0: none.
struct stream_event {
  int64_t id = 0;
  std::string event; // "progress" | "content" | "done"
  std::string data;
};

// What a page shows of a chat.
struct chat_view {
  chat_record chat;
  std::vector<stream_event> blocks; // each a block: id = seq, data = html
  int64_t last_seq = 0;
  bool running = false;
  std::string progress;
  std::string notice;      // what the user should know about the chat's files; may be empty
  bool old_prefix = false; // the chat began with other instructions or tools than one that begins now
};

// A finished step of a run, on its way to its chat_session: one history row.
struct run_node {
  int64_t run_id = 0;
  message content;
  std::string progress; // what happens next, for the progress line; empty keeps the newest
};

// How a run ended.
struct run_end {
  int64_t run_id = 0;
  std::string status; // run_status::…
  std::string error;  // text of the ErrorBlock; empty for none
  token_usage usage;
  int64_t model_requests = 0;
};

struct tool_outcome {
  std::string tool_call_id;
  request_part part; // tool-return or retry-prompt
  bool cancelled = false;
};

// One attempt of a request to a model. Never leaves its node: a pointer.
struct attempt_outcome {
  response_decoder::outcome decoded;
  bool had_content = false;
  bool timed_out = false;
  token_usage spent; // of an attempt that failed, as far as the vendor told it
};
using attempt_result = std::shared_ptr<attempt_outcome>;

// Which shell is wanted.
struct wanted_shell {
  int64_t user = 0; // whose quota its files count for; 0: nobody's
  int64_t chat = 0;
  std::string workspace; // directory
  std::string python;    // interpreter_config::name; empty: the default one
};

// A snapshot of a shell's namespace.
struct snapshot_taken {
  int64_t footer = 0; // where it stands in the chat's file
  bool anew = false;  // the file was begun with it: earlier ones are gone
  std::string tag;    // of the last cell that had run
};
struct snapshot_restored {
  int64_t count = 0;             // variables that are back
  std::vector<std::string> lost; // those that are not: "name (reason)"
};

// What varro-shells tells. It holds descriptors and never leaves its node: a pointer.
struct shell_event;
using shell_news = std::shared_ptr<shell_event>;

// What is looked for, by whom.
struct search_query {
  int64_t user = 0;
  std::string text;
  int limit = 0;
  std::shared_ptr<const std::atomic<bool>> dropped; // once it holds, nobody waits for the answer; null: never
};
using search_found = std::shared_ptr<const found_chats>;

struct login_found_reply {
  login_record login;
  user_record user;
};

// What a fork answers with.
struct chat_forked {
  int64_t chat_id = 0;
  std::string notice; // how its files differ from what they were; empty when they do not
};

// Numbers for /metrics and tests.
struct actor_counts {
  int64_t sessions = 0;
  int64_t runs = 0;
  int64_t viewers = 0;
  int64_t shells = 0;
};

// --- inspection: through JSON text where a type is ours and deep, field by field otherwise ---------------------------

std::string to_wire(const message& x);
caf::error from_wire(const std::string& text, message& x);
std::string to_wire(const token_usage& x);
caf::error from_wire(const std::string& text, token_usage& x);
std::string to_wire(const cell_result& x);
caf::error from_wire(const std::string& text, cell_result& x);
std::string to_wire(const model_query& x);
caf::error from_wire(const std::string& text, model_query& x);
std::string to_wire(const tool_outcome& x);
caf::error from_wire(const std::string& text, tool_outcome& x);

// A deep type travels as one string of JSON.
template <class Inspector, class T>
typename Inspector::result_type inspect_as_text(Inspector& f, T& x, const char* name) {
  std::string text;
  if constexpr (Inspector::reads_state)
    text = to_wire(x);
  return f(caf::meta::type_name(name), text,
           caf::meta::load_callback([&]() -> caf::error { return from_wire(text, x); }));
}

#define VARRO_INSPECT_AS_TEXT(type)                                                                                    \
  template <class Inspector>                                                                                           \
  typename Inspector::result_type inspect(Inspector& f, type& x) {                                                     \
    return inspect_as_text(f, x, #type);                                                                               \
  }

VARRO_INSPECT_AS_TEXT(model_request)
VARRO_INSPECT_AS_TEXT(model_response)
VARRO_INSPECT_AS_TEXT(token_usage)
VARRO_INSPECT_AS_TEXT(cell_result)
VARRO_INSPECT_AS_TEXT(model_query)
VARRO_INSPECT_AS_TEXT(tool_outcome)

#undef VARRO_INSPECT_AS_TEXT

inline std::string to_wire(const model_request& x) {
  return to_wire(message{x});
}
inline std::string to_wire(const model_response& x) {
  return to_wire(message{x});
}
caf::error from_wire(const std::string& text, model_request& x);
caf::error from_wire(const std::string& text, model_response& x);

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, snapshot_taken& x) {
  return f(caf::meta::type_name("snapshot_taken"), x.footer, x.anew, x.tag);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, snapshot_restored& x) {
  return f(caf::meta::type_name("snapshot_restored"), x.count, x.lost);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, workspace_change& x) {
  return f(caf::meta::type_name("workspace_change"), x.found, x.differing.paths, x.differing.count);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, chat_forked& x) {
  return f(caf::meta::type_name("chat_forked"), x.chat_id, x.notice);
}

// Files travel as a prompt of nothing else.
std::string to_wire(const std::vector<user_content>& x);
caf::error from_wire(const std::string& text, std::vector<user_content>& x);

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, user_message& x) {
  std::string files;
  if constexpr (Inspector::reads_state)
    files = to_wire(x.files);
  return f(caf::meta::type_name("user_message"), x.text, x.model, x.python, x.effort, files,
           caf::meta::load_callback([&]() -> caf::error { return from_wire(files, x.files); }));
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, wanted_shell& x) {
  return f(caf::meta::type_name("wanted_shell"), x.user, x.chat, x.workspace, x.python);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, user_record& x) {
  return f(caf::meta::type_name("user_record"), x.id, x.name, x.password_hash, x.disabled, x.created_at);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, login_record& x) {
  return f(caf::meta::type_name("login_record"), x.token_hash, x.user_id, x.csrf, x.created_at, x.expires_at);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, login_found_reply& x) {
  return f(caf::meta::type_name("login_found_reply"), x.login, x.user);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, chat_record& x) {
  return f(caf::meta::type_name("chat_record"), x.id, x.user_id, x.title, x.model, x.last_seq, x.created_at,
           x.updated_at, x.python);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, turn_started& x) {
  return f(caf::meta::type_name("turn_started"), x.chat, x.run_id, x.turn, x.seq, x.created, x.user_block, x.notice);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, stream_event& x) {
  return f(caf::meta::type_name("stream_event"), x.id, x.event, x.data);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, chat_view& x) {
  return f(caf::meta::type_name("chat_view"), x.chat, x.blocks, x.last_seq, x.running, x.progress, x.notice);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, run_record& x) {
  return f(caf::meta::type_name("run_record"), x.id, x.chat_id, x.turn, x.first_seq, x.status, x.end_seq, x.error,
           x.usage, x.model_requests, x.started_at, x.ended_at, x.superseded);
}

// A message is a variant of two registered types; it travels as text with the rest of its row.
template <class Inspector>
typename Inspector::result_type inspect_message(Inspector& f, message& x) {
  std::string text;
  if constexpr (Inspector::reads_state)
    text = to_wire(x);
  return f(text, caf::meta::load_callback([&]() -> caf::error { return from_wire(text, x); }));
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, message_row& x) {
  std::string text;
  if constexpr (Inspector::reads_state)
    text = to_wire(x.content);
  return f(caf::meta::type_name("message_row"), x.chat_id, x.seq, x.turn, x.run_id, text, x.created_at, x.superseded,
           caf::meta::load_callback([&]() -> caf::error { return from_wire(text, x.content); }));
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, chat_contents& x) {
  return f(caf::meta::type_name("chat_contents"), x.chat, x.messages, x.runs);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, write_batch& x) {
  std::vector<chat_record> chat;
  std::vector<run_record> run;
  std::vector<int64_t> from;
  if constexpr (Inspector::reads_state) {
    if (x.chat)
      chat.push_back(*x.chat);
    if (x.run)
      run.push_back(*x.run);
    if (x.supersede_from_turn)
      from.push_back(*x.supersede_from_turn);
  }
  return f(caf::meta::type_name("write_batch"), chat, x.messages, run, from, x.chat_id, x.user_id,
           caf::meta::load_callback([&]() -> caf::error {
             x.chat = chat.empty() ? std::nullopt : std::make_optional(chat.front());
             x.run = run.empty() ? std::nullopt : std::make_optional(run.front());
             x.supersede_from_turn = from.empty() ? std::nullopt : std::make_optional(from.front());
             return caf::none;
           }));
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, run_node& x) {
  std::string text;
  if constexpr (Inspector::reads_state)
    text = to_wire(x.content);
  return f(caf::meta::type_name("run_node"), x.run_id, text, x.progress,
           caf::meta::load_callback([&]() -> caf::error { return from_wire(text, x.content); }));
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, run_end& x) {
  return f(caf::meta::type_name("run_end"), x.run_id, x.status, x.error, x.usage, x.model_requests);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, actor_counts& x) {
  return f(caf::meta::type_name("actor_counts"), x.sessions, x.runs, x.viewers, x.shells);
}

} // namespace varro
