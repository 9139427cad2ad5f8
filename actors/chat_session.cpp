#include "actors/chat_session.hpp"

#include "actors/chat_shell.hpp"
#include "config/log.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "storage/database.hpp"

#include <filesystem>

namespace varro {

namespace {

using self_pointer = chat_session_actor::stateful_pointer<chat_session_state>;

void publish(self_pointer self, stream_event event) {
  auto& state = self->state;
  self->send(state.services.gateway, publish_atom_v, state.contents.chat.id, std::move(event));
}

void publish_blocks(self_pointer self, const std::vector<block>& blocks, int64_t seq) {
  for (auto& event : to_events(blocks, seq))
    publish(self, std::move(event));
}

void show_progress(self_pointer self, std::string text) {
  auto& state = self->state;
  if (!state.current || text.empty())
    return;
  state.progress = std::move(text);
  publish(self, {0, "progress", progress_indicator(state.progress)});
}

message_row make_row(chat_session_state& state, message content, int64_t turn, int64_t run_id) {
  message_row row;
  row.chat_id = state.contents.chat.id;
  row.seq = ++state.contents.chat.last_seq;
  row.turn = turn;
  row.run_id = run_id;
  row.content = std::move(content);
  row.created_at = now_us();
  state.contents.chat.updated_at = row.created_at;
  return row;
}

write_batch batch_of(const chat_session_state& state) {
  write_batch batch;
  batch.chat_id = state.contents.chat.id;
  batch.chat = state.contents.chat;
  return batch;
}

caf::error run_is_on(const chat_session_state& state) {
  auto run = state.current ? " (run " + std::to_string(state.current->id) + ")" : std::string{};
  return fail(errc::run_in_progress,
              "This chat is still answering" + run + ". Stop it, or send the message when the answer is there.");
}

// --- a turn begins ---------------------------------------------------------------------------------------------------

void start_run(self_pointer self, const model_config& model, unfinished_work work = {}) {
  auto& state = self->state;
  run_setup setup;
  setup.run_id = state.current->id;
  setup.conversation_id = "chat-" + std::to_string(state.contents.chat.id);
  setup.model = model;
  setup.limits = state.services.settings->agent;
  setup.tools = state.services.tools;
  setup.history = messages_of(state.contents.messages);
  setup.unfinished = std::move(work);
  setup.spent = spent_by(state.contents.messages, state.current->id);
  setup.session = self;
  setup.models = state.services.models;
  state.run = self->spawn<caf::monitored>(agent_run, std::move(setup));
  ++state.services.counts->runs;
  self->send(state.run, step_atom_v);
}

// A new run stands beside the one that it replaces.
void note_alternative(chat_session_state& state, const run_record& run) {
  auto& contents = state.contents;
  for (const auto& former : contents.runs)
    if (former.turn == run.turn) {
      auto siblings = contents.alternatives[former.id];
      if (siblings.empty())
        siblings.push_back(former.id);
      siblings.push_back(run.id);
      contents.alternatives[run.id] = std::move(siblings);
    }
}

// Takes the rows of this turn and later ones out of memory; the database keeps them as superseded.
void forget_from_turn(chat_session_state& state, int64_t turn) {
  auto& contents = state.contents;
  std::erase_if(contents.messages, [=](const message_row& row) { return row.turn >= turn; });
  for (const auto& run : contents.runs)
    if (run.turn >= turn)
      contents.alternatives.erase(run.id);
  std::erase_if(contents.runs, [=](const run_record& run) { return run.turn >= turn; });
  auto last = contents.messages.empty() ? 0 : contents.messages.back().seq;
  std::erase_if(contents.snapshots, [=](const snapshot_record& snapshot) { return snapshot.seq > last; });
}

caf::expected<model_config> model_for(const chat_session_state& state, const std::string& wanted) {
  auto id = wanted.empty() ? state.contents.chat.model : wanted;
  if (id.empty())
    id = state.services.settings->default_model;
  const auto* model = state.services.settings->find_model(id);
  if (model == nullptr)
    return fail(errc::invalid_input, "The model '" + id + "' is not configured here. Choose another one.");
  return *model;
}

// REQUIRES: the newest run is open, and its history has no open calls but these.
void resume_run(self_pointer self, const model_config& model, unfinished_work work) {
  auto& state = self->state;
  state.current = state.contents.runs.back();
  state.progress = "Thinking…";
  state.live = block_renderer{state.contents.chat.id, state.contents.alternatives};
  for (const auto& row : state.contents.messages)
    if (row.turn == state.current->turn)
      state.live.render(row);
  start_run(self, model, std::move(work));
}

// REQUIRES: no run is on. `replaced_turn` 0: the turn is a new one at the end.
void begin_turn(self_pointer self, const user_message& input, int64_t replaced_turn,
                caf::typed_response_promise<turn_started> promise) {
  auto& state = self->state;
  auto model = model_for(state, input.model);
  if (!model) {
    promise.deliver(model.error());
    return;
  }
  auto before = state.contents.chat;
  auto& chat = state.contents.chat;
  chat.model = model->id;
  if (!state.stored) {
    chat.title = title_of(input.text);
    chat.created_at = now_us();
  }
  auto turn
    = replaced_turn != 0 ? replaced_turn : (state.contents.runs.empty() ? 1 : state.contents.runs.back().turn + 1);
  run_record run;
  run.id = state.services.ids->next_run++;
  run.chat_id = chat.id;
  run.turn = turn;
  run.started_at = now_us();
  for (const auto& former : state.contents.runs)
    if (former.turn == turn - 1)
      run.parent = former.id;
  model_request request;
  request.timestamp = timestamp_now();
  request.run_id = std::to_string(run.id);
  request.conversation_id = "chat-" + std::to_string(chat.id);
  request.parts.push_back(user_prompt_part{input.text, request.timestamp});
  auto row = make_row(state, std::move(request), turn, run.id);
  run.first_seq = row.seq;
  auto batch = batch_of(state);
  batch.messages.push_back(row);
  batch.run = run;
  if (replaced_turn != 0)
    batch.supersede_from_turn = replaced_turn;
  state.starting = true;
  self->request(state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .then(
      [=, model = std::move(*model)](done_atom) mutable {
        auto& s = self->state;
        s.starting = false;
        if (replaced_turn != 0) {
          note_alternative(s, run);
          forget_from_turn(s, replaced_turn);
          // The namespace goes back to what it was before that turn: the next cell's shell comes from the newest
          // snapshot that is left.
          discard_shell(self);
        }
        turn_started reply;
        reply.created = !s.stored;
        s.stored = true;
        s.contents.messages.push_back(row);
        s.contents.runs.push_back(run);
        s.current = run;
        s.ending = false;
        s.progress = "Thinking…";
        s.live = block_renderer{s.contents.chat.id, s.contents.alternatives};
        for (const auto& b : s.live.render(row))
          reply.user_block += b.html;
        reply.chat = s.contents.chat;
        reply.run_id = run.id;
        reply.turn = turn;
        reply.seq = row.seq;
        start_run(self, model);
        promise.deliver(std::move(reply));
      },
      [=](caf::error& error) mutable {
        auto& s = self->state;
        s.starting = false;
        auto last_seq = s.contents.chat.last_seq;
        s.contents.chat = before;
        s.contents.chat.last_seq = last_seq; // a seq is never reused
        promise.deliver(error);
      });
}

caf::error stopping() {
  return fail(errc::shutting_down, "The server is stopping. Send the message again in a moment.");
}

bool busy(const chat_session_state& state) {
  return state.current.has_value() || state.starting;
}

caf::result<turn_started> edit(self_pointer self, int64_t turn, user_message input) {
  auto& state = self->state;
  if (state.stopping)
    return stopping();
  if (busy(state))
    return run_is_on(state);
  if (turn == 0 && !state.contents.runs.empty())
    turn = state.contents.runs.back().turn;
  auto found = std::find_if(state.contents.messages.begin(), state.contents.messages.end(),
                            [=](const message_row& row) { return row.turn == turn; });
  if (turn <= 0 || found == state.contents.messages.end())
    return fail(errc::not_found, "This chat has no such turn.");
  if (input.text.empty()) {
    const auto& request = std::get<model_request>(found->content);
    const auto& prompt = std::get<user_prompt_part>(request.parts.front());
    const auto* text = std::get_if<std::string>(&prompt.content);
    if (text == nullptr)
      return fail(errc::invalid_input, "This message holds more than text and cannot be asked again.");
    input.text = *text;
  }
  auto promise = self->make_response_promise<turn_started>();
  // The replaced turn keeps its namespace: a snapshot of it that is under way is waited for.
  state.starting = true;
  settle(self, [=] {
    self->state.starting = false;
    begin_turn(self, input, turn, promise);
  });
  return promise;
}

// --- a run goes on and ends ------------------------------------------------------------------------------------------

caf::result<done_atom> commit_node(self_pointer self, run_node node) {
  auto& state = self->state;
  if (!state.current || state.current->id != node.run_id || state.ending)
    return fail(errc::no_run, "This run has ended.");
  auto row = make_row(state, std::move(node.content), state.current->turn, node.run_id);
  auto batch = batch_of(state);
  batch.messages.push_back(row);
  auto promise = self->make_response_promise<done_atom>();
  self->request(state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .then(
      [=, progress = std::move(node.progress)](done_atom) mutable {
        auto& s = self->state;
        s.contents.messages.push_back(row);
        if (acknowledge_cells(self, row.content))
          take_snapshot(self);
        publish_blocks(self, s.live.render(row), row.seq);
        show_progress(self, progress);
        promise.deliver(done_atom_v);
      },
      [=](caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

void close_run(self_pointer self, const run_record& run) {
  auto& state = self->state;
  state.contents.runs.back() = run;
  if (run.end_seq != 0)
    publish_blocks(self, state.live.render_end(run), run.end_seq);
  publish(self, done_event(run));
  state.current.reset();
  state.ending = false;
  state.progress.clear();
  state.run = nullptr;
  --state.services.counts->runs;
}

void end_run(self_pointer self, const run_end& end) {
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
  if (!run.error.empty())
    run.end_seq = ++state.contents.chat.last_seq;
  auto batch = batch_of(state);
  batch.run = run;
  self->request(state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .then([=](done_atom) { close_run(self, run); },
          [=](caf::error& error) {
            // What could not be committed is not shown; the next start finds the run as interrupted.
            log(log_level::error, "run " + std::to_string(run.id) + " could not be closed: " + text_of(error));
            auto unsaved = run;
            unsaved.status = run_status::failed;
            unsaved.end_seq = 0;
            close_run(self, unsaved);
          });
}

caf::result<done_atom> cancel(self_pointer self) {
  auto& state = self->state;
  if (!state.current || state.ending)
    return fail(errc::no_run, "Nothing is running in this chat.");
  self->send(state.run, cancel_atom_v);
  abandon_restore(self);
  return done_atom_v;
}

// --- viewers ---------------------------------------------------------------------------------------------------------

void attach(self_pointer self, uint64_t viewer, int64_t after) {
  auto& state = self->state;
  if (after < 0)
    after = newest_turn_seq(state.contents);
  auto events = events_after(state.contents, after);
  auto follow = state.current.has_value();
  if (!follow && !state.contents.runs.empty())
    events.push_back(done_event(state.contents.runs.back()));
  if (follow && !state.progress.empty())
    events.push_back({0, "progress", progress_indicator(state.progress)});
  if (follow)
    state.viewers.insert(viewer);
  self->send(state.services.gateway, replay_atom_v, viewer, std::move(events), follow);
}

chat_view view(const chat_session_state& state) {
  chat_view view;
  view.chat = state.contents.chat;
  for (auto& b : render_chat(state.contents))
    view.blocks.push_back({b.seq, "content", std::move(b.html)});
  view.last_seq = state.contents.messages.empty() ? 0 : state.contents.messages.back().seq;
  if (!state.contents.runs.empty())
    view.last_seq = std::max(view.last_seq, state.contents.runs.back().end_seq);
  view.running = state.current.has_value();
  view.progress = state.progress;
  return view;
}

// --- the end of a session --------------------------------------------------------------------------------------------

bool has_open_run(const chat_session_state& state) {
  const auto& runs = state.contents.runs;
  return !runs.empty() && runs.back().status == run_status::running;
}

// Returns for these calls of a cut-off run. REQUIRES: has_open_run.
write_batch close_calls(chat_session_state& state, const std::vector<open_call>& calls, const std::string& reason) {
  const auto& run = state.contents.runs.back();
  write_batch batch;
  batch.chat_id = state.contents.chat.id;
  for (auto& lost : returns_for_lost_calls(calls, reason))
    batch.messages.push_back(make_row(state, std::move(lost), run.turn, run.id));
  return batch;
}

// Closes a cut-off run. REQUIRES: has_open_run.
write_batch interruption(chat_session_state& state, const std::string& reason) {
  auto batch = close_calls(state, open_calls(messages_of(state.contents.messages)), reason);
  auto& run = state.contents.runs.back();
  run.status = run_status::interrupted;
  run.error = reason + " Send a message to go on.";
  run.end_seq = ++state.contents.chat.last_seq;
  run.ended_at = now_us();
  batch.run = run;
  batch.chat = state.contents.chat;
  return batch;
}

// Makes a cut-off run ready to go on without these calls. REQUIRES: has_open_run.
write_batch resumption(chat_session_state& state, const std::vector<open_call>& lost) {
  auto batch = close_calls(state, lost,
                           "The server was restarted while this cell was running: its result is lost, and it was "
                           "not run again.");
  ++state.contents.runs.back().resumes;
  batch.run = state.contents.runs.back();
  batch.chat = state.contents.chat;
  return batch;
}

void halt_run(self_pointer self) {
  auto& state = self->state;
  if (!state.current)
    return;
  self->send(state.services.models, cancel_atom_v, state.current->id);
  self->send_exit(state.run, caf::exit_reason::user_shutdown);
  --state.services.counts->runs;
  state.current.reset();
}

void end_session(self_pointer self, caf::typed_response_promise<done_atom> promise) {
  auto& state = self->state;
  // Kept shells go on, and the next server takes up the run.
  auto kept = state.services.settings->keep_shells;
  if (kept)
    let_go_of_shell(self);
  else
    close_shell(self);
  if (kept || !has_open_run(state)) {
    promise.deliver(done_atom_v);
    self->quit();
    return;
  }
  auto batch = interruption(state, "Interrupted: the server was stopped.");
  self->request(state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .then(
      [=](done_atom) mutable {
        publish(self, done_event(self->state.contents.runs.back()));
        promise.deliver(done_atom_v);
        self->quit();
      },
      [=](caf::error& error) mutable {
        promise.deliver(error);
        self->quit();
      });
}

caf::result<done_atom> stop(self_pointer self) {
  self->state.stopping = true;
  halt_run(self);
  auto promise = self->make_response_promise<done_atom>();
  settle(self, [=] { end_session(self, promise); });
  return promise;
}

caf::result<done_atom> remove(self_pointer self) {
  auto& state = self->state;
  state.stopping = true;
  halt_run(self);
  close_shell(self);
  auto promise = self->make_response_promise<done_atom>();
  self->request(state.services.store, caf::infinite, remove_atom_v, state.contents.chat.user_id, state.contents.chat.id)
    .then(
      [=](done_atom) mutable {
        auto& s = self->state;
        publish(self,
                {0, "done", json{{"chat_id", s.contents.chat.id}, {"status", "cancelled"}, {"error", false}}.dump()});
        discard_shell(self);
        remove_files(self);
        promise.deliver(done_atom_v);
        self->quit();
      },
      [=](caf::error& error) mutable {
        self->state.stopping = false;
        promise.deliver(error);
      });
  return promise;
}

caf::result<done_atom> rerun(self_pointer self) {
  auto& state = self->state;
  if (state.stopping)
    return stopping();
  if (busy(state))
    return run_is_on(state);
  discard_shell(self);
  state.rerun_cells = true;
  return done_atom_v;
}

caf::result<done_atom> switch_branch(self_pointer self, int64_t run) {
  auto& state = self->state;
  if (state.stopping)
    return stopping();
  if (busy(state))
    return run_is_on(state);
  write_batch batch;
  batch.chat_id = state.contents.chat.id;
  batch.user_id = state.contents.chat.user_id;
  batch.activate_run = run;
  state.starting = true;
  auto promise = self->make_response_promise<done_atom>();
  auto fail_with = [=](caf::error& error) mutable {
    self->state.starting = false;
    promise.deliver(error);
  };
  settle(self, [=] {
    self->request(self->state.services.store, caf::infinite, commit_atom_v, batch)
      .then(
        [=](done_atom) {
          auto& s = self->state;
          discard_shell(self);
          self->request(s.services.reader, caf::infinite, load_atom_v, s.contents.chat.user_id, s.contents.chat.id)
            .then(
              [=](chat_contents& contents) mutable {
                auto& now = self->state;
                now.starting = false;
                now.contents = std::move(contents);
                promise.deliver(done_atom_v);
              },
              fail_with);
        },
        fail_with);
  });
  return promise;
}

caf::result<done_atom> rename(self_pointer self, const std::string& title) {
  auto& state = self->state;
  auto promise = self->make_response_promise<done_atom>();
  self
    ->request(state.services.store, caf::infinite, rename_atom_v, state.contents.chat.user_id, state.contents.chat.id,
              title)
    .then(
      [=](done_atom) mutable {
        self->state.contents.chat.title = title;
        promise.deliver(done_atom_v);
      },
      [=](caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

caf::result<bool> passivate(self_pointer self) {
  auto& state = self->state;
  auto idle = !busy(state) && state.viewers.empty() && state.stage == shell_stage::none && state.shell_waiters.empty();
  if (idle)
    self->quit();
  return idle;
}

// An agent_run that ended well has said so; this is for one that failed.
void on_down(self_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  if (state.shell && down.source == state.shell.address()) {
    shell_is_gone(self);
    return;
  }
  if (!down.reason || !state.current || !state.run || down.source != state.run.address())
    return;
  end_run(self, {state.current->id, run_status::failed, "An internal error ended this run.", {}, 0});
}

// Why a run that a former process left open is not taken up again; empty when it is.
std::string why_not_resumed(const chat_session_state& state, const caf::expected<model_config>& model) {
  const auto& limits = state.services.settings->agent;
  if (limits.after_restart != "resume")
    return "Interrupted: the server was restarted.";
  if (state.contents.runs.back().resumes >= limits.resumes_max)
    return "Interrupted: the server was restarted while this answer was made, more often than agent.resumes_max ("
      + std::to_string(limits.resumes_max) + ") allows.";
  return model ? std::string{} : "Interrupted: the server was restarted. " + text_of(model.error());
}

// `begun`: the cells that the former server's shell, which is ours now, has begun and whose results nobody has.
void take_up(self_pointer self, const std::set<std::string>& begun) {
  auto& state = self->state;
  auto model = model_for(state, "");
  auto reason = why_not_resumed(state, model);
  auto calls = sort_open_calls(state.contents.messages, begun);
  auto batch = reason.empty() ? resumption(state, calls.lost) : interruption(state, reason);
  if (!reason.empty())
    discard_shell(self);
  auto rows = batch.messages;
  self->request(state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .await(
      [=](done_atom) {
        auto& messages = self->state.contents.messages;
        messages.insert(messages.end(), rows.begin(), rows.end());
        if (reason.empty())
          resume_run(self, *model, {calls.remaining, begun});
      },
      [=](caf::error& error) { self->quit(error); });
}

// Of the cells that the former server did not acknowledge: those whose results are not in the history. The others are
// acknowledged now.
std::set<std::string> begun_and_open(self_pointer self, const std::vector<std::string>& tags) {
  const auto& state = self->state;
  std::set<std::string> open;
  for (const auto& tag : tags) {
    if (seq_of_return(state.contents.messages, tag) == 0)
      open.insert(tag);
    else
      self->send(state.shell, ack_atom_v, tag);
  }
  return open;
}

// A run that a former process left open goes on or is closed, before anybody sees the chat.
void repair(self_pointer self) {
  auto& state = self->state;
  if (!has_open_run(state))
    return;
  if (open_calls(messages_of(state.contents.messages)).empty()) {
    take_up(self, {});
    return;
  }
  self->request(state.services.shells, caf::infinite, attach_atom_v, state.contents.chat.id)
    .await(
      [=](const python_shell_actor& shell, const std::vector<std::string>& tags) {
        adopt_shell(self, shell);
        take_up(self, begun_and_open(self, tags));
      },
      [=](caf::error&) { take_up(self, {}); });
}

} // namespace

chat_session_actor::behavior_type chat_session(self_pointer self, session_services services, chat_contents contents,
                                               bool stored) {
  auto& state = self->state;
  state.services = std::move(services);
  state.contents = std::move(contents);
  state.stored = stored;
  self->set_down_handler([=](const caf::down_msg& down) { on_down(self, down); });
  repair(self);
  return {
    [=](send_atom, const user_message& input) -> caf::result<turn_started> {
      if (self->state.stopping)
        return stopping();
      if (busy(self->state))
        return run_is_on(self->state);
      auto promise = self->make_response_promise<turn_started>();
      begin_turn(self, input, 0, promise);
      return promise;
    },
    [=](edit_atom, int64_t turn, user_message& input) { return edit(self, turn, std::move(input)); },
    [=](branch_atom, int64_t run) { return switch_branch(self, run); },
    [=](rerun_atom) { return rerun(self); },
    [=](cancel_atom) { return cancel(self); },
    [=](page_atom) { return view(self->state); },
    [=](history_atom) -> caf::result<chat_contents> {
      if (!self->state.stored)
        return fail(errc::not_found, "There is no such chat.");
      return self->state.contents;
    },
    [=](rename_atom, const std::string& title) { return rename(self, title); },
    [=](remove_atom) { return remove(self); },
    [=](attach_atom, uint64_t viewer, int64_t after) { attach(self, viewer, after); },
    [=](detach_atom, uint64_t viewer) { self->state.viewers.erase(viewer); },
    [=](node_atom, run_node& node) { return commit_node(self, std::move(node)); },
    [=](progress_atom, int64_t run, std::string& text) {
      if (self->state.current && self->state.current->id == run)
        show_progress(self, std::move(text));
    },
    [=](ended_atom, const run_end& end) { end_run(self, end); },
    [=](shell_atom) { return give_shell(self); },
    [=](passivate_atom) { return passivate(self); },
    [=](deadline_atom) { settle_now(self); },
    [=](stop_atom) { return stop(self); },
  };
}

} // namespace varro
