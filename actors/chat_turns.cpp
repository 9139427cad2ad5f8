#include "actors/chat_parts.hpp"
#include "models/timestamp.hpp"

#include "actors/chat_prefix.hpp"
#include "actors/run_spans.hpp"
#include "actors/usage_log.hpp"
#include "base/clock.hpp"
#include "base/fault_points.hpp"
#include "base/log.hpp"
#include "models/effort.hpp"
#include "models/held_bytes.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/user_prompt.hpp"
#include "workspace/usage.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace varro {

namespace {

// REQUIRES: no run is on.
void start_run(chat_session_pointer self, const run_record& run, const model_config& model, unfinished_work work = {}) {
  auto& state = self->state;
  run_setup setup;
  setup.run_id = run.id;
  setup.conversation_id = conversation_of(state.history.chat().id);
  setup.model = model;
  setup.limits = state.services.settings_now()->agent;
  setup.tools = state.services.tools(state.history.chat());
  const auto prefix = state.history.contents().prefix.value_or(prefix_of_today(setup.limits, setup.tools));
  setup.instructions = prefix.instructions;
  setup.tool_texts = tool_texts_of(prefix, setup.tools);
  setup.history = state.history.messages();
  const bool has_begun_cells = !work.begun.empty();
  setup.unfinished = std::move(work);
  setup.spent = state.history.spent_by(run.id);
  setup.session = chat_session_actor{self};
  setup.shells = state.shell;
  setup.models = state.services.models;
  const auto& chat = state.history.chat();
  setup.live = state.services.live->enter({chat.user_id, chat.id, model.id, now_us()});
  setup.user_id = chat.user_id;
  setup.chat_id = chat.id;
  setup.allowances = state.services.allowances;
  self->send(state.shell, start_atom_v, run.id);
  auto loop = self->spawn<caf::monitored>(agent_run, std::move(setup));
  state.halted_while_waiting = false;
  state.turn.run({run, loop, "Thinking…", true});
  ++state.services.counts->runs;
  log_run(state, run, "a run begins");
  begin_trace(state, run, model);
  if (state.services.queue)
    self->send(state.services.queue, start_atom_v, queued_run{state.history.chat().user_id, run.id, has_begun_cells},
               loop, run_owner_actor{chat_session_actor{self}});
  else
    begin_run(self, run.id);
}

// A turn that is being committed.
struct new_turn {
  run_record run;
  message_row row; // the user's message
  model_config model;
};

void start_turn(chat_session_pointer self, const new_turn& turn, turn_promise promise) {
  auto& state = self->state;
  turn_started reply;
  reply.created = !state.stored;
  state.stored = true;
  state.history.append(turn.row);
  state.history.begin_run(turn.run);
  reply.row = turn.row;
  const auto& alternatives = state.history.contents().alternatives;
  if (auto found = alternatives.find(turn.run.id); found != alternatives.end())
    reply.alternatives = found->second;
  reply.chat = state.history.chat();
  reply.run_id = turn.run.id;
  reply.turn = turn.run.turn;
  reply.seq = turn.row.seq;
  reply.notice = state.notice;
  fault_point("run_start");
  if (!state.stopping) // else its run is closed at once, as interrupted
    start_run(self, turn.run, turn.model);
  fault_point("turn_reply");
  promise.deliver(std::move(reply));
}

// Commits the user's message with the run that answers it, whose id is in `turn`, and notes there what start_turn
// needs.
waiting_step commit_turn(chat_session_pointer self, const user_message& input, int64_t replaced_turn,
                         const std::shared_ptr<new_turn>& turn) {
  return [=](const continuation& then, const error_handler& otherwise) {
    auto& state = self->state;
    const auto before = state.history.chat();
    auto chat = before;
    if (!input.effort.empty())
      chat.effort = is_effort(input.effort) ? input.effort : "";
    auto model = model_for(state, input.model, chat);
    if (!model || state.stopping) {
      otherwise(state.stopping ? stopping() : model.error());
      return;
    }
    // Said once, when the choice or the model is new.
    auto notice = chat.effort != before.effort || chat.model != model->id ? effort_notice(*model) : std::string{};
    chat.model = model->id;
    if (!state.stored) {
      chat.title = title_of(first_text(input.text, input.files));
      chat.python = input.python;
      chat.created_at = now_us();
    }
    state.history.describe(chat);
    turn->run = state.history.next_run(turn->run.id, replaced_turn);
    turn->model = std::move(*model);
    model_request request;
    request.timestamp = timestamp_now();
    request.run_id = std::to_string(turn->run.id);
    request.conversation_id = conversation_of(chat.id);
    request.parts.push_back(make_user_prompt(input.text, input.files, request.timestamp));
    request.metadata = input.metadata;
    turn->row = state.history.next_row(std::move(request), turn->run.turn, turn->run.id);
    turn->run.first_seq = turn->row.seq;
    auto batch = state.history.batch();
    batch.messages.push_back(turn->row);
    batch.run = turn->run;
    batch.once = input.once;
    if (replaced_turn != 0)
      batch.supersede_from_turn = replaced_turn;
    if (!state.history.contents().prefix)
      batch.prefix = prefix_of_today(state.services.settings_now()->agent, state.services.tools(state.history.chat()));
    auto prefix = batch.prefix;
    fault_point(replaced_turn == 0 ? "turn_commit" : "edit_commit");
    state.committing_since = trace_clock::now();
    state.commits.commit(
      std::move(batch),
      [=] {
        fault_point(replaced_turn == 0 ? "turn_committed" : "edit_committed");
        self->state.committed_at = trace_clock::now();
        self->state.notice = notice;
        if (prefix)
          self->state.history.renew_prefix(*prefix);
        if (replaced_turn != 0)
          self->state.history.supersede_from(replaced_turn, turn->run);
        then();
      },
      [=](const caf::error& error) {
        self->state.history.describe(before);
        otherwise(error);
      });
  };
}

} // namespace

void publish(chat_session_pointer self, chat_event event) {
  auto& state = self->state;
  self->send(state.services.gateway, publish_atom_v, state.history.chat().id, std::move(event));
}

void show_progress(chat_session_pointer self, const std::string& text) {
  if (!text.empty() && self->state.turn.show_progress(text))
    publish(self, run_phase{text});
}

void change(chat_session_pointer self, std::vector<waiting_step> steps, continuation then, error_handler otherwise) {
  self->state.turn.start();
  self->state.commits.begin_change();
  auto end = [=] {
    self->state.turn.abandon(); // refused where a run has come of it
    self->state.commits.end_change();
  };
  take_steps(
    std::move(steps),
    [=] {
      then();
      end();
    },
    [=](const caf::error& error) {
      otherwise(error);
      end();
    });
}

void note_size(chat_session_pointer self) {
  auto& state = self->state;
  const auto& chat = state.history.chat();
  state.services.resident->hold(chat.id, chat.user_id, state.history.bytes());
}

caf::error run_is_on(const chat_session_state& state) {
  const auto* on = state.turn.run_on();
  auto run = on != nullptr ? " (run " + std::to_string(on->id) + ")" : std::string{};
  return fail(errc::run_in_progress,
              "This chat is still answering" + run + ". Stop it, or send the message when the answer is there.");
}

caf::error stopping() {
  return fail(errc::shutting_down, "The server is stopping. Send the message again in a moment.");
}

caf::error refusal(const chat_session_state& state) {
  if (state.stopping)
    return stopping();
  return busy(state) ? run_is_on(state) : caf::error{};
}

bool busy(const chat_session_state& state) {
  return !state.turn.is_idle();
}

void resume_run(chat_session_pointer self, const model_config& model, unfinished_work work) {
  auto& state = self->state;
  start_run(self, state.history.runs().back(), model, std::move(work));
}

std::vector<waiting_step> turn_steps(chat_session_pointer self, std::vector<waiting_step> prepare,
                                     const user_message& input, int64_t replaced_turn, const earlier_files& next,
                                     turn_promise promise) {
  self->state.asked_at = std::chrono::steady_clock::now();
  self->state.origin = input.origin;
  auto turn = std::make_shared<new_turn>();
  std::vector<waiting_step> steps{draw_run_ids(self, 1, [=](int64_t id) { turn->run.id = id; })};
  std::ranges::move(prepare, std::back_inserter(steps));
  steps.push_back(commit_turn(self, input, replaced_turn, turn));
  if (replaced_turn != 0)
    steps.emplace_back([=](const continuation& then, const error_handler&) { restore_files_of(self, next, then); });
  steps.emplace_back([=](const continuation& then, const error_handler&) {
    start_turn(self, *turn, promise);
    then();
  });
  return steps;
}

// Why the history may not grow by this message; empty: it may.
caf::error is_full(const chat_session_state& state, const user_message& input) {
  const auto& limits = state.services.settings->chat;
  const auto& chat = state.history.chat();
  if (auto refused = state.services.resident->refusal(chat.user_id, limits))
    return refused;
  model_request request;
  request.parts.push_back(make_user_prompt(input.text, input.files, ""));
  request.metadata = input.metadata;
  if (state.history.bytes() + held_bytes(std::move(request)) <= limits.history_bytes_max)
    return {};
  if (state.history.bytes() == 0)
    return fail(errc::too_large,
                "A chat's messages may hold " + mebibytes(limits.history_bytes_max)
                  + " together (chat.history_bytes_max), and this one is larger.");
  return fail(errc::too_large,
              "The messages of one chat may hold " + mebibytes(limits.history_bytes_max)
                + " together (chat.history_bytes_max), and those of this one hold " + mebibytes(state.history.bytes())
                + ". Begin a new chat, or fork this one from an earlier turn.");
}

caf::result<turn_started> send(chat_session_pointer self, const user_message& input) {
  if (auto refused = refusal(self->state))
    return refused;
  if (auto refused = is_full(self->state, input))
    return refused;
  auto promise = self->make_response_promise<turn_started>();
  change(
    self, turn_steps(self, {close_open_run(self)}, input, 0, {}, promise), [] {},
    [=](const caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

// --- a run goes on and ends ------------------------------------------------------------------------------------------

void begin_run(chat_session_pointer self, int64_t run) {
  auto& turn = self->state.turn;
  if (!turn.begin(run))
    return;
  trace_queue(self->state, run);
  self->send(turn.now_running()->loop, step_atom_v);
}

caf::result<done_atom> commit_node(chat_session_pointer self, run_node node) {
  auto& state = self->state;
  const auto* running = state.turn.now_running();
  if (running == nullptr || running->run.id != node.run_id)
    return fail(errc::no_run, "This run has ended.");
  auto row = state.history.next_row(std::move(node.content), running->run.turn, node.run_id);
  auto batch = state.history.batch();
  batch.messages.push_back(row);
  batch.usage = usage_of_node(std::move(node.usage), row, {state.history.chat(), node.run_id, *prices_of(state)});
  auto promise = self->make_response_promise<done_atom>();
  const auto since = trace_clock::now();
  fault_point("node_commit");
  state.commits.commit(
    std::move(batch),
    [=, progress = std::move(node.progress), finished_at = node.finished_at]() mutable {
      fault_point("node_committed");
      auto& s = self->state;
      const auto committed_at = trace_clock::now();
      note_commit(row.run_id, row.content.as<model_response>() ? "response" : "tool_return", since);
      s.history.append(row);
      acknowledge_cells(self, row.content, true);
      fault_point("node_publish");
      publish(self, row);
      measure_node(s, finished_at);
      show_progress(self, progress);
      trace_publishing(row.run_id, committed_at);
      promise.deliver(done_atom_v);
    },
    [=](const caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

namespace {

// Publishes the end, which is committed, or told without being kept.
void close_run(chat_session_pointer self, const run_record& run, const std::string& unstored = {}) {
  auto& state = self->state;
  if (run.end_seq != 0)
    publish(self, run_ended{run});
  publish(self, stream_over{run, unstored});
  state.turn.close();
  log_run(state, run, "a run ends");
  end_trace(run);
  self->send(state.shell, start_atom_v, int64_t{0});
  --state.services.counts->runs;
}

// Nothing is being committed, so that the history says which calls are open: those whose returns could not be committed
// get another one with the end.
void commit_end(chat_session_pointer self, std::vector<usage_row> used) {
  auto& state = self->state;
  auto run = state.turn.now_ending()->run;
  auto batch = state.history.close_calls(state.history.open_calls_of(run.id),
                                         "The run ended before the result of this call was stored.");
  if (!run.error.empty())
    run.end_seq = state.history.next_seq();
  batch.chat = state.history.chat();
  batch.run = run;
  batch.usage = charged(std::move(used), {state.history.chat(), run.id, *prices_of(state)});
  auto rows = batch.messages;
  const auto since = trace_clock::now();
  fault_point("end_commit");
  state.commits.commit(
    std::move(batch),
    [=] {
      fault_point("end_committed");
      note_commit(run.id, "end", since);
      auto& s = self->state;
      s.history.update_run(run);
      for (const auto& row : rows) {
        s.history.append(row);
        acknowledge_cells(self, row.content, false);
        publish(self, row);
      }
      close_run(self, run);
    },
    [=](const caf::error& error) {
      // What could not be committed is not shown. The history has the run as running: the next turn, or the next start,
      // closes it first. Until then its page has its calls as stopped, and a notice says why.
      log(log_level::error, "run " + std::to_string(run.id) + " could not be closed: " + text_of(error));
      auto& s = self->state;
      auto unsaved = as_unstored(run);
      s.notice = "The end of the last answer could not be stored: " + text_of(error) + '.';
      close_run(self, unsaved, s.notice);
    });
}

} // namespace

void end_run(chat_session_pointer self, const run_end& end) {
  auto& state = self->state;
  if (!state.turn.has_run(end.run_id))
    return;
  auto run = *state.turn.run_on();
  run.status = end.status;
  run.error = end.error;
  run.usage = end.usage;
  run.model_requests = end.model_requests;
  run.ended_at = now_us();
  if (state.turn.end(std::move(run)))
    state.commits.drained([=, used = end.used] { commit_end(self, used); });
}

caf::result<done_atom> cancel(chat_session_pointer self) {
  auto& state = self->state;
  const auto* running = state.turn.now_running();
  if (running == nullptr)
    return fail(errc::no_run, "Nothing is running in this chat.");
  self->send(running->loop, cancel_atom_v);
  self->send(self->state.shell, cancel_atom_v);
  if (running->waits) // its loop is to end it
    begin_run(self, running->run.id);
  return done_atom_v;
}

} // namespace varro
