#include "actors/tool_call.hpp"

#include "actors/run_spans.hpp"
#include "actors/shell_notes.hpp"
#include "base/fault_points.hpp"
#include "models/message_json.hpp"
#include "models/timestamp.hpp"

namespace varro {

namespace {

using self_pointer = tool_call_actor::stateful_pointer<tool_call_state>;

tool_return_part returned(const tool_call_part& call, const cell_result& result) {
  return make_tool_return(call.tool_name, call.tool_call_id, as_tool_result(result));
}

// A shell that was killed says no more how long its cell ran.
cell_result timed(const tool_call_state& state, cell_result result) {
  using std::chrono::steady_clock;
  if (result.status == cell_status::killed && result.duration.count() == 0
      && state.begun_at != steady_clock::time_point{})
    result.duration = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - state.begun_at);
  return result;
}

void report(self_pointer self, cell_result result) {
  auto& state = self->state;
  if (state.reported)
    return;
  state.reported = true;
  tool_outcome outcome;
  outcome.tool_call_id = state.job.call.tool_call_id;
  outcome.part = returned(state.job.call, timed(state, std::move(result)));
  outcome.cancelled = state.cancelled;
  self->send(state.job.run, result_atom_v, std::move(outcome));
  self->quit();
}

cell_result not_run(cell_status status, std::string reason) {
  cell_result result;
  result.status = status;
  result.reason = std::move(reason);
  return result;
}

cell_result stopped() {
  return not_run(cell_status::interrupted, "Stopped by the user before it ran.");
}

cell_result failed_shell(const caf::error& error) {
  if (code_of(error) == errc::cancelled)
    return stopped();
  if (error == caf::sec::request_receiver_down)
    return not_run(cell_status::lost, "The Python shell ended before this cell ran; it was not executed.");
  if (code_of(error) == errc::none)
    return not_run(cell_status::killed,
                   "The Python shell ended while this cell was running. Its variables are gone; "
                   "the next cell gets a fresh shell.");
  return not_run(cell_status::lost, text_of(error));
}

void miss_shell(self_pointer self, const caf::error& error) {
  note_shell_wait(self->state.job, self->state.asked_at, error);
  report(self, failed_shell(error));
}

// The one error by which a python_shell answers a cell, or CAF's word that no python_shell has seen it.
bool was_not_begun(const caf::error& error) {
  return code_of(error) == errc::shell_lost || error == caf::sec::request_receiver_down;
}

void execute(self_pointer self, std::string note);

void take_shell(self_pointer self, python_shell_actor shell, std::string note) {
  auto& state = self->state;
  if (note.empty() && state.shells_ended != 0)
    note = "[The Python shell had ended before this cell began; it ran in a fresh one.]\n";
  state.shell = std::move(shell);
  note_shell_wait(state.job, state.asked_at);
  self->monitor(state.shell);
  execute(self, std::move(note));
}

void try_another_shell(self_pointer self) {
  auto& state = self->state;
  ++state.shells_ended;
  state.job.begun = false;
  state.asked_at = trace_clock::now();
  self->request(state.job.shells, caf::infinite, shell_atom_v, std::exchange(state.shell, nullptr))
    .then([=](python_shell_actor& shell, std::string& note) { take_shell(self, shell, std::move(note)); },
          [=](caf::error& error) { miss_shell(self, error); });
}

void take_failure(self_pointer self, const caf::error& error) {
  auto& state = self->state;
  state.asked = false;
  note_cell(state.job, state.begun_at, was_not_begun(error) ? "not_begun" : "shell_lost");
  if (was_not_begun(error) && state.cancelled)
    report(self, stopped());
  else if (was_not_begun(error) && state.shells_ended < ended_shells_max)
    try_another_shell(self);
  else
    report(self, failed_shell(error));
}

// A broker of CAF 0.17 that has ended answers nothing, also not that it has ended (abstract_broker::cleanup leaves the
// mailbox open). A shell answers all that it has seen before it ends, so it has not seen what is not answered now.
void lose_shell(self_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  if (state.asked && state.shell && down.source == state.shell.address())
    take_failure(self, caf::make_error(state.job.begun ? caf::sec::runtime_error : caf::sec::request_receiver_down));
}

void execute(self_pointer self, std::string note) {
  auto& state = self->state;
  if (state.cancelled) {
    report(self, stopped());
    return;
  }
  auto take = [=](cell_result& result) {
    self->state.asked = false;
    note_cell(self->state.job, self->state.begun_at, result.status == cell_status::ok ? "" : to_string(result.status));
    result.variables_gone = note.find(variables_gone) != note.npos;
    if (!note.empty())
      result.outputs.insert(result.outputs.begin(), stream_output{"stderr", note});
    // "lost" is kept for results that the server lost: a shell that died took its namespace along.
    if (result.status == cell_status::lost)
      result.status = cell_status::killed;
    if (self->state.cancelled && result.status == cell_status::interrupted)
      result.reason = "Stopped by the user. Variables are kept.";
    report(self, std::move(result));
  };
  auto give_up = [=](caf::error& error) { take_failure(self, error); };
  const auto& tag = state.job.call.tool_call_id;
  fault_point("cell_execute");
  state.asked = true;
  state.begun_at = std::chrono::steady_clock::now();
  if (state.job.begun)
    self->request(state.shell, caf::infinite, result_atom_v, tag).then(take, give_up);
  else
    self->request(state.shell, caf::infinite, execute_atom_v, state.job.arguments["code"].get<std::string>(), tag)
      .then(take, give_up);
}

} // namespace

tool_outcome retry_outcome(const tool_call_part& call, json content) {
  retry_prompt_part part;
  part.content = std::move(content);
  part.tool_name = call.tool_name;
  part.tool_call_id = call.tool_call_id;
  part.timestamp = timestamp_now();
  return {call.tool_call_id, std::move(part), false};
}

tool_outcome unrun_outcome(const tool_call_part& call, cell_status status, std::string reason) {
  return {call.tool_call_id, returned(call, not_run(status, std::move(reason))), true};
}

tool_outcome stopped_outcome(const tool_call_part& call) {
  return {call.tool_call_id, returned(call, stopped()), true};
}

tool_call_actor::behavior_type tool_call(self_pointer self, tool_job job) {
  self->state.job = std::move(job);
  self->set_down_handler([=](const caf::down_msg& down) { lose_shell(self, down); });
  return {
    [=](start_atom) {
      self->state.asked_at = trace_clock::now();
      self->request(self->state.job.shells, caf::infinite, shell_atom_v)
        .then([=](python_shell_actor& shell, std::string& note) { take_shell(self, shell, std::move(note)); },
              [=](caf::error& error) { miss_shell(self, error); });
    },
    [=](cancel_atom) {
      auto& state = self->state;
      state.cancelled = true;
      if (state.shell)
        self->send(state.shell, interrupt_atom_v);
      else
        report(self, stopped());
    },
  };
}

tool_call_actor spawn_python_call(caf::actor_system& system, tool_job job) {
  return system.spawn(tool_call, std::move(job));
}

} // namespace varro
