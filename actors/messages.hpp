// What actors send each other, as values, within one process. Each is registered in type_ids.hpp.
#pragma once

#include "actors/chat_event.hpp"
#include "actors/user_allowance.hpp"
#include "base/trace.hpp"
#include "models/cell.hpp"
#include "models/provider.hpp"
#include "pictures/picture_job.hpp"
#include "pictures/picture_limits.hpp"
#include "storage/found_chat.hpp"
#include "storage/records.hpp"
#include "storage/store_write.hpp"
#include "storage/token_record.hpp"
#include "workspace/usage.hpp"
#include "workspace/versions.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
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
  X(fit) X(look) X(search) X(draw_chat) X(draw_runs) X(link) X(admin) X(token)
// clang-format on

// A user's message on its way into a chat.
struct user_message {
  std::string text;        // may be empty when there are files
  std::string model;       // id; empty keeps the chat's
  std::string python;      // of a chat that this message creates; empty: the default one
  std::string effort = {}; // as chat_record::effort, or "default" for the model's own; empty keeps the chat's
  std::vector<user_content> files = {};      // follow the text in the prompt (models/user_prompt.hpp)
  json metadata = nullptr;                   // kept with the message and told to no model: an object, or null
  std::optional<idempotency_note> once = {}; // committed with the turn, so that no second one comes of the request
  turn_origin origin = {};                   // for the trace of its run
};

// A turn whose message is committed.
struct turn_started {
  chat_record chat;
  int64_t run_id = 0;
  int64_t turn = 0;
  int64_t seq = 0;                   // of the user message
  bool created = false;              // the chat is new
  message_row row;                   // the user message
  std::vector<int64_t> alternatives; // of the run, as in chat_contents; empty: it is the only one
  std::string notice;                // as in transcript_view
};

// A run that wants to begin.
struct queued_run {
  int64_t user = 0;
  int64_t run = 0;
  bool is_on = false; // a shell of a former server runs a cell of it
};

// A finished step of a run, on its way to its chat_session: one history row.
struct run_node {
  int64_t run_id = 0;
  shared_message content;
  std::string progress;              // what happens next, for the progress line; empty keeps the newest
  std::vector<usage_row> usage = {}; // what was used for it, and is not noted yet; without owner, message and cost
  std::chrono::steady_clock::time_point finished_at = {}; // for /metrics
};

// How a run ended.
struct run_end {
  int64_t run_id = 0;
  std::string status; // run_status::…
  std::string error;  // text of the ErrorBlock; empty for none
  token_usage usage;
  int64_t model_requests = 0;
  std::vector<usage_row> used = {}; // what is not noted yet, as in run_node
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
  bool ended_well = false;     // the connection did not break off
  bool unsent = false;         // there was no connection
  int unanswered = 0;          // as in transport_end
  token_usage spent;           // as far as the vendor told it
  int64_t received_tokens = 0; // of the answer, as far as it came: estimated
  std::string vendor_id;       // of the answer
};
using attempt_result = std::shared_ptr<attempt_outcome>;

// Which shell is wanted.
struct wanted_shell {
  int64_t user = 0; // whose quota its files count for; 0: nobody's
  int64_t chat = 0;
  std::string workspace; // directory
  std::string python;    // interpreter_config::name; empty: the default one
};

// A cell that helps to rebuild the namespace.
struct recorded_cell {
  std::string code;
  bool failed = false; // it raised when it ran first
  int64_t seq = 0;     // of its return
};

// What a chat's history says of the shell that a fresh one takes the place of.
struct shell_past {
  chat_record chat;
  std::vector<recorded_cell> cells;        // that made the namespace, oldest first
  std::optional<snapshot_record> snapshot; // the newest one of what they made
};

// A snapshot of a shell's namespace.
struct snapshot_taken {
  int64_t footer = 0; // where it stands in the chat's file
  bool anew = false;  // the file was begun with it: earlier ones are gone
  std::string tag;    // of the last cell that had run
};
inline constexpr size_t restored_names_max = 50; // in the note for the next cell's reader
struct snapshot_restored {
  int64_t count = 0;                // variables that are back
  std::vector<std::string> lost;    // those that are not: "name (reason)"
  std::vector<std::string> names{}; // of those that are back; restored_names_max of them at most
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

// What the pages of admins ask of the database (storage/admin_question.hpp), and the shells that live
// (actors/live_shell.hpp). Pointers, so that what they show can change without all that includes this.
struct admin_question;
using admin_question_ptr = std::shared_ptr<const admin_question>;
struct admin_answer;
using admin_answer_ptr = std::shared_ptr<const admin_answer>;
struct live_shell;
using live_shells = std::shared_ptr<const std::vector<live_shell>>;

// Numbers for /metrics and tests.
struct actor_counts {
  int64_t sessions = 0;
  int64_t runs = 0;
  int64_t waiting_runs = 0; // of these
  int64_t viewers = 0;
  int64_t shells = 0;
  int64_t waiting_shells = 0; // starts that wait for room
};

} // namespace varro
