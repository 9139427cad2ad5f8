#include "actors/chat_parts.hpp"
#include "models/timestamp.hpp"

#include "actors/chat_prefix.hpp"
#include "actors/chat_shell.hpp"
#include "actors/chat_snapshots.hpp"
#include "base/clock.hpp"
#include "base/fault_points.hpp"
#include "base/log.hpp"
#include "models/effort.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/user_prompt.hpp"

namespace varro {

namespace {

void publish_blocks(chat_session_pointer self, const std::vector<block>& blocks, int64_t seq) {
  for (auto& event : to_events(blocks, seq))
    publish(self, std::move(event));
}

void start_run(chat_session_pointer self, const model_config& model, unfinished_work work = {}) {
  auto& state = self->state;
  run_setup setup;
  setup.run_id = state.current->id;
  setup.conversation_id = conversation_of(state.history.chat().id);
  setup.model = model;
  setup.limits = state.services.settings->agent;
  setup.tools = state.services.tools;
  const auto prefix = state.history.contents().prefix.value_or(prefix_of_today(setup.limits, setup.tools));
  setup.instructions = prefix.instructions;
  setup.tool_texts = tool_texts_of(prefix, setup.tools);
  setup.history = state.history.messages();
  setup.unfinished = std::move(work);
  setup.spent = state.history.spent_by(state.current->id);
  setup.session = self;
  setup.models = state.services.models;
  state.run = self->spawn<caf::monitored>(agent_run, std::move(setup));
  ++state.services.counts->runs;
  self->send(state.run, step_atom_v);
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
  state.starting = false;
  state.stored = true;
  state.history.append(turn.row);
  state.history.begin_run(turn.run);
  state.current = turn.run;
  state.ending = false;
  state.progress = "Thinking…";
  state.live = block_renderer{state.history.chat().id, state.history.contents().alternatives, state.services.markdown};
  for (const auto& block : state.live.render(turn.row))
    reply.user_block += block.html.str();
  reply.chat = state.history.chat();
  reply.run_id = turn.run.id;
  reply.turn = turn.run.turn;
  reply.seq = turn.row.seq;
  reply.notice = state.notice;
  fault_point("run_start");
  if (state.stopping) // its run is closed at once, as interrupted
    state.current.reset();
  else
    start_run(self, turn.model);
  fault_point("turn_reply");
  promise.deliver(std::move(reply));
  look_for_rest(self);
}

} // namespace

stream_event done_event(const run_record& run, const std::string& unstored) {
  json data{{"chat_id", run.chat_id}, {"status", run.status}, {"error", run.status == run_status::failed}};
  if (!unstored.empty())
    data["message"] = unstored;
  return {0, "done", data.dump()};
}

void publish(chat_session_pointer self, stream_event event) {
  auto& state = self->state;
  self->send(state.services.gateway, publish_atom_v, state.history.chat().id, std::move(event));
}

void show_progress(chat_session_pointer self, std::string text) {
  auto& state = self->state;
  if (!state.current || text.empty())
    return;
  state.progress = std::move(text);
  publish(self, {0, "progress", progress_indicator(state.progress).str()});
}

void end_start(chat_session_pointer self) {
  self->state.starting = false;
  look_for_rest(self);
}

caf::error run_is_on(const chat_session_state& state) {
  auto run = state.current ? " (run " + std::to_string(state.current->id) + ")" : std::string{};
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
  return state.current.has_value() || state.starting;
}

caf::expected<model_config> model_for(const chat_session_state& state, const std::string& wanted) {
  return model_for(state, wanted, state.history.chat());
}

caf::expected<model_config> model_for(const chat_session_state& state, const std::string& wanted,
                                      const chat_record& chat) {
  auto choices = state.services.catalog->now();
  auto id = wanted.empty() ? chat.model : wanted;
  if (id.empty())
    id = choices->default_model;
  const auto* model = choices->find(id);
  if (model == nullptr)
    return fail(errc::invalid_input, no_such_model(*choices, id));
  return with_effort(*model, chat.effort);
}

void resume_run(chat_session_pointer self, const model_config& model, unfinished_work work) {
  auto& state = self->state;
  state.current = state.history.runs().back();
  state.progress = "Thinking…";
  state.live = block_renderer{state.history.chat().id, state.history.contents().alternatives, state.services.markdown};
  for (const auto& row : state.history.rows())
    if (row.turn == state.current->turn)
      state.live.render(row);
  start_run(self, model, std::move(work));
}

void begin_turn(chat_session_pointer self, const user_message& input, int64_t replaced_turn, earlier_files next,
                turn_promise promise) {
  auto& state = self->state;
  const auto before = state.history.chat();
  auto chat = before;
  if (!input.effort.empty())
    chat.effort = is_effort(input.effort) ? input.effort : "";
  auto model = model_for(state, input.model, chat);
  if (!model || state.stopping) {
    promise.deliver(state.stopping ? stopping() : model.error());
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
  new_turn turn;
  turn.run = state.history.next_run(state.services.ids->next_run++, replaced_turn);
  turn.model = std::move(*model);
  model_request request;
  request.timestamp = timestamp_now();
  request.run_id = std::to_string(turn.run.id);
  request.conversation_id = conversation_of(chat.id);
  request.parts.push_back(make_user_prompt(input.text, input.files, request.timestamp));
  turn.row = state.history.next_row(std::move(request), turn.run.turn, turn.run.id);
  turn.run.first_seq = turn.row.seq;
  auto batch = state.history.batch();
  batch.messages.push_back(turn.row);
  batch.run = turn.run;
  if (replaced_turn != 0)
    batch.supersede_from_turn = replaced_turn;
  if (!state.history.contents().prefix)
    batch.prefix = prefix_of_today(state.services.settings->agent, state.services.tools);
  auto prefix = batch.prefix;
  state.starting = true;
  fault_point(replaced_turn == 0 ? "turn_commit" : "edit_commit");
  commit(
    self, std::move(batch),
    [=] {
      fault_point(replaced_turn == 0 ? "turn_committed" : "edit_committed");
      self->state.notice = notice;
      if (prefix)
        self->state.history.renew_prefix(*prefix);
      if (replaced_turn == 0) {
        start_turn(self, turn, promise);
        return;
      }
      self->state.history.supersede_from(replaced_turn, turn.run);
      restore_files_of(self, next, [=] { start_turn(self, turn, promise); });
    },
    [=](const caf::error& error) mutable {
      auto& s = self->state;
      s.starting = false;
      s.history.describe(before);
      promise.deliver(error);
    });
}

// --- a run goes on and ends ------------------------------------------------------------------------------------------

caf::result<done_atom> commit_node(chat_session_pointer self, run_node node) {
  auto& state = self->state;
  if (!state.current || state.current->id != node.run_id || state.ending)
    return fail(errc::no_run, "This run has ended.");
  auto row = state.history.next_row(std::move(node.content), state.current->turn, node.run_id);
  auto batch = state.history.batch();
  batch.messages.push_back(row);
  auto promise = self->make_response_promise<done_atom>();
  fault_point("node_commit");
  commit(
    self, std::move(batch),
    [=, progress = std::move(node.progress)]() mutable {
      fault_point("node_committed");
      auto& s = self->state;
      s.history.append(row);
      if (acknowledge_cells(self, row.content))
        take_snapshot(self);
      fault_point("node_publish");
      publish_blocks(self, s.live.render(row), row.seq);
      show_progress(self, progress);
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
    publish_blocks(self, state.live.render_end(run), run.end_seq);
  publish(self, done_event(run, unstored));
  state.current.reset();
  state.ending = false;
  state.progress.clear();
  state.run = nullptr;
  --state.services.counts->runs;
}

// Nothing is being committed, so that the history says which calls are open: those whose returns could not be committed
// get another one with the end.
void commit_end(chat_session_pointer self, run_record run) {
  auto& state = self->state;
  auto batch = state.history.close_calls(state.history.open_calls_of(run.id),
                                         "The run ended before the result of this call was stored.");
  if (!run.error.empty())
    run.end_seq = state.history.next_seq();
  batch.chat = state.history.chat();
  batch.run = run;
  auto rows = batch.messages;
  fault_point("end_commit");
  commit(
    self, std::move(batch),
    [=] {
      fault_point("end_committed");
      auto& s = self->state;
      s.history.update_run(run);
      for (const auto& row : rows) {
        s.history.append(row);
        acknowledge_cells(self, row.content);
        publish_blocks(self, s.live.render(row), row.seq);
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
  if (!state.current || state.current->id != end.run_id || state.ending)
    return;
  state.ending = true;
  auto run = *state.current;
  run.status = end.status;
  run.error = end.error;
  run.usage = end.usage;
  run.model_requests = end.model_requests;
  run.ended_at = now_us();
  state.ended = std::move(run);
  look_for_rest(self);
}

void look_for_rest(chat_session_pointer self) {
  auto& state = self->state;
  if (state.commits != 0)
    return;
  if (auto ended = std::exchange(state.ended, std::nullopt))
    commit_end(self, std::move(*ended));
  else if (!state.starting)
    if (auto then = std::exchange(state.when_at_rest, nullptr))
      then();
}

caf::result<done_atom> cancel(chat_session_pointer self) {
  auto& state = self->state;
  if (!state.current || state.ending)
    return fail(errc::no_run, "Nothing is running in this chat.");
  self->send(state.run, cancel_atom_v);
  abandon_restore(self);
  return done_atom_v;
}

} // namespace varro
