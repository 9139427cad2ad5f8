#include "actors/chat_parts.hpp"
#include "actors/chat_prefix.hpp"
#include "actors/chat_shell.hpp"
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
  auto replay = state.history.replay_after(after);
  replay.follow = state.turn.run_on() != nullptr;
  if (!replay.follow && !state.history.runs().empty()) {
    const auto& run = state.history.runs().back();
    replay.over = state.history.has_open_run() ? stream_over{as_unstored(run), state.notice} : stream_over{run};
  }
  if (replay.follow && !state.turn.progress().empty())
    replay.phase = run_phase{state.turn.progress()};
  if (replay.follow)
    state.viewers.insert(viewer);
  self->send(state.services.gateway, replay_atom_v, viewer, std::move(replay));
}

transcript_view view(const chat_session_state& state) {
  transcript_view view;
  view.history = state.history.shown();
  if (state.history.has_open_run() && state.turn.run_on() == nullptr)
    view.history.runs.back() = as_unstored(view.history.runs.back());
  view.last_seq = state.history.shown_seq();
  view.running = state.turn.run_on() != nullptr;
  view.progress = state.turn.progress();
  view.notice = state.notice;
  const auto& prefix = state.history.contents().prefix;
  view.old_prefix
    = prefix && is_outdated(*prefix, state.services.settings_now()->agent, state.services.tools(state.history.chat()));
  return view;
}

// --- the end of a session --------------------------------------------------------------------------------------------

// One whose end is being committed ends by itself.
void halt_run(self_pointer self) {
  auto& state = self->state;
  const auto* running = state.turn.now_running();
  if (running == nullptr)
    return;
  self->send(state.services.models, cancel_atom_v, running->run.id);
  self->send_exit(running->loop, caf::exit_reason::user_shutdown);
  --state.services.counts->runs;
  auto halted = running->run;
  halted.status = run_status::interrupted;
  end_trace(halted);
  state.halted_while_waiting = state.turn.waits();
  state.turn.halt();
  self->send(state.shell, start_atom_v, int64_t{0});
}

void say_awaited(chat_session_state& state, const char* what) {
  state.services.stop->waits_for(chat_name(state.history.chat().id), what);
}

// Kept shells go on, and the next server recovers the run.
void interrupt_run(self_pointer self, const continuation& then, const error_handler& otherwise) {
  auto& state = self->state;
  if (state.services.settings->keep_shells || !state.history.has_open_run()) {
    then();
    return;
  }
  auto usage = usage_of_halted_run(state, state.history.open_calls(), usage_outcome::stopped);
  auto batch = state.history.interrupt("Interrupted: the server was stopped.");
  batch.usage = std::move(usage);
  say_awaited(state, "the end of its run, to be committed");
  state.commits.commit(
    std::move(batch),
    [=] {
      publish(self, stream_over{self->state.history.runs().back()});
      then();
    },
    otherwise);
}

caf::result<done_atom> stop(self_pointer self) {
  self->state.stopping = true;
  note_usage(self, std::exchange(self->state.owed_usage, {}));
  halt_run(self);
  auto promise = self->make_response_promise<done_atom>();
  auto drain_commits = [=](const continuation& then, const error_handler&) {
    say_awaited(self->state, "what is being committed");
    self->state.commits.drained(then);
  };
  auto save_variables = [=](const continuation& then, const error_handler& otherwise) {
    say_awaited(self->state, "its snapshot of variables");
    drain_snapshots(self)(then, otherwise);
  };
  auto leave_shell = [=](const continuation& then, const error_handler& otherwise) {
    self->request(self->state.shell, caf::infinite, stop_atom_v, self->state.services.settings->keep_shells)
      .then([=](done_atom) { then(); }, [=](caf::error& error) { otherwise(error); });
  };
  auto interrupt
    = [=](const continuation& then, const error_handler& otherwise) { interrupt_run(self, then, otherwise); };
  take_steps(
    {drain_commits, save_variables, leave_shell, interrupt},
    [=]() mutable {
      promise.deliver(done_atom_v);
      self->quit();
    },
    [=](const caf::error& error) mutable {
      promise.deliver(error);
      self->quit();
    });
  return promise;
}

caf::result<done_atom> remove(self_pointer self, const audit_origin& by) {
  auto& state = self->state;
  if (state.stopping)
    return fail(errc::shutting_down, "This chat is being closed or deleted already.");
  state.stopping = true;
  // The answer to a request that is under way is for nobody any more, and its chat's rows go.
  if (state.turn.now_running() != nullptr && state.commits.is_drained()) // else its node is being committed
    note_usage(self, usage_of_halted_run(state, state.history.open_calls(), usage_outcome::stopped));
  note_usage(self, std::exchange(state.owed_usage, {}));
  halt_run(self);
  self->send(state.shell, close_atom_v, false);
  auto promise = self->make_response_promise<done_atom>();
  fault_point("delete_commit");
  const auto& chat = state.history.chat();
  self->request(state.services.store, caf::infinite, remove_atom_v, chat.user_id, chat.id, by)
    .then(
      [=](done_atom) mutable {
        fault_point("delete_committed");
        auto& s = self->state;
        run_record deleted;
        deleted.chat_id = s.history.chat().id;
        deleted.status = run_status::cancelled;
        publish(self, stream_over{std::move(deleted)});
        self->send(s.shell, close_atom_v, true);
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
  self->send(state.shell, rerun_atom_v);
  return done_atom_v;
}

bool is_needed(const chat_session_state& state) {
  return busy(state) || !state.viewers.empty();
}

// Whether a shell that is closed now comes back with all that a snapshot can hold. Not while one is being taken, nor
// where the last one failed.
bool has_its_variables(const chat_session_state& state) {
  auto cells = state.history.cells();
  auto newest = state.history.newest_snapshot(cells);
  return cells.empty() || (newest && newest->seq >= cells.back().seq);
}

// Where its variables are in the chat's file.
void close_idle_shell(self_pointer self, const continuation& then, const error_handler& otherwise) {
  self->request(self->state.shell, caf::infinite, snapshot_atom_v)
    .then(
      [=](done_atom) {
        if (is_needed(self->state) || !has_its_variables(self->state))
          then();
        else
          self->request(self->state.shell, caf::infinite, close_atom_v)
            .then([=](done_atom) { then(); }, [=](caf::error& error) { otherwise(error); });
      },
      [=](caf::error& error) { otherwise(error); });
}

caf::result<bool> passivate(self_pointer self, bool memory_is_short) {
  if (is_needed(self->state))
    return false;
  if (!self->state.owed_usage.empty()) {
    note_usage(self, std::exchange(self->state.owed_usage, {}));
    return false;
  }
  auto promise = self->make_response_promise<bool>();
  auto fail = [=](const caf::error& error) mutable { promise.deliver(error); };
  auto end_if_idle = [=]() mutable {
    self->request(self->state.shell, caf::infinite, passivate_atom_v)
      .then(
        [=](bool idle) mutable {
          idle = idle && !is_needed(self->state); // something may have come meanwhile
          promise.deliver(idle);
          if (idle)
            self->quit();
        },
        [=](caf::error& error) mutable { fail(error); });
  };
  if (memory_is_short)
    close_idle_shell(self, end_if_idle, fail);
  else
    end_if_idle();
  return promise;
}

// An agent_run that ended well has said so; this is for one that failed.
void on_down(self_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  const auto* running = state.turn.now_running();
  if (!down.reason || running == nullptr || down.source != running->loop.address())
    return;
  note_usage(self, usage_of_halted_run(state, state.history.open_calls(), usage_outcome::lost));
  end_run(self, {running->run.id, run_status::failed, "An internal error ended this run.", {}, 0});
}

// Why a run that a former process left open is not taken up again; empty when it is.
std::string why_not_resumed(const chat_session_state& state, const caf::expected<model_config>& model) {
  const auto limits = state.services.settings_now()->agent;
  if (limits.after_restart != "resume")
    return "Interrupted: the server was restarted.";
  if (state.history.runs().back().resumes >= limits.resumes_max)
    return "Interrupted: the server was restarted while this answer was made, more often than agent.resumes_max ("
      + std::to_string(limits.resumes_max) + ") allows.";
  return model ? std::string{} : "Interrupted: the server was restarted. " + text_of(model.error());
}

// `begun`: the cells that the former server's shell, which is ours now, has begun and whose results nobody has.
void recover_run(self_pointer self, const std::set<std::string>& begun) {
  auto& state = self->state;
  auto model = model_for(state, "");
  auto reason = why_not_resumed(state, model);
  auto calls = state.history.sort_open_calls(begun);
  auto usage
    = usage_of_halted_run(state, reason.empty() ? calls.lost : state.history.open_calls(), usage_outcome::lost);
  auto batch = reason.empty() ? state.history.resume(calls.lost, lost_at_restart) : state.history.interrupt(reason);
  batch.usage = std::move(usage);
  if (!reason.empty())
    self->send(state.shell, close_atom_v, true);
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
  std::vector<std::string> committed;
  for (const auto& tag : tags) {
    if (state.history.seq_of_return(tag) == 0)
      open.insert(tag);
    else
      committed.push_back(tag);
  }
  self->send(state.shell, ack_atom_v, std::move(committed), false);
  return open;
}

// A run that a former process left open goes on or is closed, before anybody sees the chat.
void recover(self_pointer self) {
  auto& state = self->state;
  if (!state.history.has_open_run())
    return;
  if (state.history.open_calls().empty()) {
    recover_run(self, {});
    return;
  }
  self->request(state.shell, caf::infinite, attach_atom_v)
    .await([=](const std::vector<std::string>& tags) { recover_run(self, begun_and_open(self, tags)); },
           [=](caf::error&) { recover_run(self, {}); });
}

} // namespace

chat_session_actor::behavior_type chat_session(self_pointer self, session_services services, chat_contents contents,
                                               bool stored) {
  auto& state = self->state;
  state.services = std::move(services);
  state.history = transcript{std::move(contents)};
  state.stored = stored;
  state.commits = ledger{[=](write_batch batch, const continuation& then, const error_handler& otherwise) {
    write(self, std::move(batch), then, otherwise);
  }};
  note_size(self);
  self->set_down_handler([=](const caf::down_msg& down) { on_down(self, down); });
  state.shell = self->spawn<caf::linked>(chat_shell, state.services, chat_session_actor{self}, state.history.chat().id);
  finish_branch_change(self);
  recover(self);
  return {
    [=](ready_atom) -> caf::result<int64_t> {
      if (auto refused = refusal(self->state))
        return refused;
      if (auto refused = is_full(self->state, {})) // before files of the message are stored
        return refused;
      return self->state.history.chat().id;
    },
    [=](send_atom, const user_message& input) { return send(self, input); },
    [=](edit_atom, int64_t turn, user_message& input) { return edit(self, turn, std::move(input)); },
    [=](branch_atom, int64_t run) { return switch_branch(self, run); },
    [=](fork_atom, int64_t turn) { return fork(self, turn); },
    [=](fork_atom, int64_t turn, const idempotency_note& once) { return fork(self, turn, once); },
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
    [=](remove_atom, const audit_origin& by) { return remove(self, by); },
    [=](attach_atom, uint64_t viewer, int64_t after) { attach(self, viewer, after); },
    [=](detach_atom, uint64_t viewer) { self->state.viewers.erase(viewer); },
    [=](start_atom, int64_t run) {
      begin_run(self, run);
      return done_atom_v;
    },
    [=](node_atom, run_node& node) { return commit_node(self, std::move(node)); },
    [=](progress_atom, int64_t run, const std::string& text) {
      if (self->state.turn.has_run(run))
        show_progress(self, text);
    },
    [=](ready_atom, int64_t run) {
      if (self->state.turn.has_run(run) && !self->state.stopping)
        self->send(self->state.shell, ready_atom_v);
    },
    [=](usage_atom, int64_t run, std::vector<usage_row>& rows) { note_request(self, run, std::move(rows)); },
    [=](ended_atom, const run_end& end) { end_run(self, end); },
    [=](history_atom, shell_atom) { return past_of_shell(self->state.history); },
    [=](snapshot_atom, const snapshot_taken& taken) { return keep_snapshot(self, taken); },
    [=](restore_atom, int64_t run) {
      if (self->state.turn.has_run(run))
        show_progress(self, "Restoring session…");
    },
    [=](shell_atom, int64_t run, const std::string& text) {
      if (self->state.turn.has_run(run))
        show_progress(self, text);
    },
    [=](passivate_atom, bool memory_is_short) { return passivate(self, memory_is_short); },
    [=](stop_atom) { return stop(self); },
  };
}

} // namespace varro
