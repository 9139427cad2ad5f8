// What actors send each other, as values, within one process. Each is registered in type_ids.hpp.
#pragma once

#include "models/cell.hpp"
#include "models/provider.hpp"
#include "pictures/picture_job.hpp"
#include "pictures/picture_limits.hpp"
#include "storage/found_chat.hpp"
#include "storage/records.hpp"
#include "workspace/versions.hpp"

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
  shared_message content;
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

// One attempt of a request to a model.
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

// What varro-shells tells. It holds descriptors, which have one owner: a pointer.
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

} // namespace varro
