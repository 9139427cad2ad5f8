#include "actors/chat_prefix.hpp"
#include "actors/chat_shell.hpp"
#include "actors/chat_snapshots.hpp"
#include "base/clock.hpp"
#include "base/fault_points.hpp"
#include "base/log.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"

#include <algorithm>
#include <filesystem>

namespace varro {

namespace {

using self_pointer = chat_session_pointer;

constexpr const char* lost_at_restart
  = "The server was restarted while this cell was running: its result is lost, and it was not run again.";

// --- viewers ---------------------------------------------------------------------------------------------------------

void attach(self_pointer self, uint64_t viewer, int64_t after) {
  auto& state = self->state;
  if (after < 0)
    after = state.history.newest_turn_seq();
  auto events = state.history.events_after(after, state.services.markdown);
  auto follow = state.current.has_value();
  if (!follow && !state.history.runs().empty()) {
    const auto& run = state.history.runs().back();
    events.push_back(state.history.has_open_run() ? done_event(as_unstored(run), state.notice) : done_event(run));
  }
  if (follow && !state.progress.empty())
    events.push_back({0, "progress", progress_indicator(state.progress).str()});
  if (follow)
    state.viewers.insert(viewer);
  self->send(state.services.gateway, replay_atom_v, viewer, std::move(events), follow);
}

chat_view view(const chat_session_state& state) {
  chat_view view;
  view.chat = state.history.chat();
  std::optional<chat_contents> unstored;
  if (state.history.has_open_run() && !state.current) {
    unstored = state.history.contents();
    unstored->runs.back() = as_unstored(unstored->runs.back());
  }
  for (auto& b : render_chat(unstored ? *unstored : state.history.contents(), state.services.markdown))
    view.blocks.push_back({b.seq, "content", std::move(b.html).str()});
  view.last_seq = state.history.shown_seq();
  view.running = state.current.has_value();
  view.progress = state.progress;
  view.notice = state.notice;
  const auto& prefix = state.history.contents().prefix;
  view.old_prefix = prefix && is_outdated(*prefix, state.services.settings->agent, state.services.tools);
  return view;
}

// --- the end of a session --------------------------------------------------------------------------------------------

// One whose end is being committed ends by itself.
void halt_run(self_pointer self) {
  auto& state = self->state;
  if (!state.current || state.ending)
    return;
  self->send(state.services.models, cancel_atom_v, state.current->id);
  self->send_exit(state.run, caf::exit_reason::user_shutdown);
  --state.services.counts->runs;
  state.current.reset();
}

void say_awaited(chat_session_state& state, const char* what) {
  state.services.stop->waits_for(chat_name(state.history.chat().id), what);
}

void end_session(self_pointer self, caf::typed_response_promise<done_atom> promise) {
  auto& state = self->state;
  // Kept shells go on, and the next server takes up the run.
  auto kept = state.services.settings->keep_shells;
  if (kept)
    let_go_of_shell(self);
  else
    close_shell(self);
  if (kept || !state.history.has_open_run()) {
    promise.deliver(done_atom_v);
    self->quit();
    return;
  }
  auto batch = state.history.interrupt("Interrupted: the server was stopped.");
  say_awaited(state, "the end of its run, to be committed");
  self->request(state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .then(
      [=](done_atom) mutable {
        publish(self, done_event(self->state.history.runs().back()));
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
  say_awaited(self->state, "what is being committed");
  self->state.when_at_rest = [=] {
    say_awaited(self->state, "its snapshot of variables");
    settle(self, [=] { end_session(self, promise); });
  };
  look_for_rest(self);
  return promise;
}

caf::result<done_atom> remove(self_pointer self) {
  auto& state = self->state;
  state.stopping = true;
  halt_run(self);
  close_shell(self);
  auto promise = self->make_response_promise<done_atom>();
  fault_point("delete_commit");
  const auto& chat = state.history.chat();
  self->request(state.services.store, caf::infinite, remove_atom_v, chat.user_id, chat.id)
    .then(
      [=](done_atom) mutable {
        fault_point("delete_committed");
        auto& s = self->state;
        publish(self,
                {0, "done", json{{"chat_id", s.history.chat().id}, {"status", "cancelled"}, {"error", false}}.dump()});
        discard_shell(self);
        remove_files_of(self, s.history.chat().id);
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
  if (note_ended_shell(self, down.source))
    return;
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
  if (state.history.runs().back().resumes >= limits.resumes_max)
    return "Interrupted: the server was restarted while this answer was made, more often than agent.resumes_max ("
      + std::to_string(limits.resumes_max) + ") allows.";
  return model ? std::string{} : "Interrupted: the server was restarted. " + text_of(model.error());
}

// `begun`: the cells that the former server's shell, which is ours now, has begun and whose results nobody has.
void take_up(self_pointer self, const std::set<std::string>& begun) {
  auto& state = self->state;
  auto model = model_for(state, "");
  auto reason = why_not_resumed(state, model);
  auto calls = state.history.sort_open_calls(begun);
  auto batch = reason.empty() ? state.history.resume(calls.lost, lost_at_restart) : state.history.interrupt(reason);
  if (!reason.empty())
    discard_shell(self);
  auto rows = batch.messages;
  fault_point("resume_commit");
  self->request(state.services.store, caf::infinite, commit_atom_v, std::move(batch))
    .await(
      [=](done_atom) {
        fault_point("resume_committed");
        for (const auto& row : rows)
          self->state.history.append(row);
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
    if (state.history.seq_of_return(tag) == 0)
      open.insert(tag);
    else
      self->send(state.shell, ack_atom_v, tag);
  }
  return open;
}

// A run that a former process left open goes on or is closed, before anybody sees the chat.
void repair(self_pointer self) {
  auto& state = self->state;
  if (!state.history.has_open_run())
    return;
  if (state.history.open_calls().empty()) {
    take_up(self, {});
    return;
  }
  self->request(state.services.shells, caf::infinite, attach_atom_v, state.history.chat().id)
    .await(
      [=](const python_shell_actor& shell, const std::vector<std::string>& tags) {
        adopt_shell(self, shell);
        take_up(self, begun_and_open(self, tags));
      },
      [=](caf::error&) { take_up(self, {}); });
}

} // namespace

run_record as_unstored(run_record run) {
  run.status = run_status::failed;
  run.error.clear();
  run.end_seq = 0;
  return run;
}

void after_open_run(chat_session_pointer self, std::function<void()> then,
                    std::function<void(const caf::error&)> otherwise) {
  auto& state = self->state;
  if (state.current || !state.history.has_open_run()) {
    then();
    return;
  }
  auto before = state.history.runs().back();
  auto starting = std::exchange(state.starting, true);
  auto batch = state.history.interrupt("Interrupted: the end of this answer could not be stored when it came.");
  auto rows = batch.messages;
  commit(
    self, std::move(batch),
    [=] {
      for (const auto& row : rows) {
        self->state.history.append(row);
        acknowledge_cells(self, row.content);
      }
      self->state.starting = starting;
      then();
    },
    [=](const caf::error& error) {
      self->state.history.update_run(before);
      self->state.starting = starting;
      otherwise(error);
    });
}

chat_session_actor::behavior_type chat_session(self_pointer self, session_services services, chat_contents contents,
                                               bool stored) {
  auto& state = self->state;
  state.services = std::move(services);
  state.history = transcript{std::move(contents)};
  state.stored = stored;
  self->set_down_handler([=](const caf::down_msg& down) { on_down(self, down); });
  finish_branch_change(self);
  repair(self);
  return {
    [=](ready_atom) -> caf::result<int64_t> {
      if (auto refused = refusal(self->state))
        return refused;
      return self->state.history.chat().id;
    },
    [=](send_atom, const user_message& input) -> caf::result<turn_started> {
      if (auto refused = refusal(self->state))
        return refused;
      auto promise = self->make_response_promise<turn_started>();
      after_open_run(
        self, [=] { begin_turn(self, input, 0, {}, promise); },
        [=](const caf::error& error) mutable { promise.deliver(error); });
      return promise;
    },
    [=](edit_atom, int64_t turn, user_message& input) { return edit(self, turn, std::move(input)); },
    [=](branch_atom, int64_t run) { return switch_branch(self, run); },
    [=](fork_atom, int64_t turn) { return fork(self, turn); },
    [=](notice_atom, std::string& text) { self->state.notice = std::move(text); },
    [=](renew_atom) { return renew_prefix(self); },
    [=](rerun_atom) { return rerun(self); },
    [=](cancel_atom) { return cancel(self); },
    [=](page_atom) { return view(self->state); },
    [=](history_atom) -> caf::result<chat_contents> {
      if (!self->state.stored)
        return fail(errc::not_found, "There is no such chat.");
      return self->state.history.contents();
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
    [=](ready_atom, int64_t run) {
      if (self->state.current && self->state.current->id == run && !self->state.stopping)
        prepare_shell(self);
    },
    [=](ended_atom, const run_end& end) { end_run(self, end); },
    [=](shell_atom) { return give_shell(self); },
    [=](shell_atom, const python_shell_actor& ended) -> caf::result<python_shell_actor, std::string> {
      if (self->state.stopping)
        return stopping();
      return give_another_shell(self, ended);
    },
    [=](passivate_atom) { return passivate(self); },
    [=](deadline_atom) { settle_now(self); },
    [=](stop_atom) { return stop(self); },
  };
}

} // namespace varro
