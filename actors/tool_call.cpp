#include "actors/tool_call.hpp"

#include "models/history.hpp"
#include "models/message_json.hpp"

namespace varro {

namespace {

using self_pointer = tool_call_actor::stateful_pointer<tool_call_state>;

void report(self_pointer self, const cell_result& result) {
  auto& state = self->state;
  if (state.reported)
    return;
  state.reported = true;
  tool_outcome outcome;
  outcome.tool_call_id = state.job.call.tool_call_id;
  outcome.part = make_tool_return(state.job.call, result);
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

cell_result failed_shell(const caf::error& error) {
  if (code_of(error) == errc::none)
    return not_run(cell_status::killed,
                   "The Python shell ended while this cell was running. Its variables are gone; "
                   "the next cell gets a fresh shell.");
  return not_run(cell_status::lost, text_of(error));
}

void report_cell(self_pointer self, cell_result& result, const std::string& restore_note) {
  if (!restore_note.empty())
    result.outputs.insert(result.outputs.begin(), stream_output{"stderr", restore_note});
  // "lost" is kept for results that the server lost: a shell that died took its namespace along.
  if (result.status == cell_status::lost)
    result.status = cell_status::killed;
  if (self->state.cancelled && result.status == cell_status::interrupted)
    result.reason = "Stopped by the user. Variables are kept.";
  report(self, result);
}

void execute(self_pointer self, std::string restore_note) {
  auto& state = self->state;
  if (state.cancelled) {
    report(self, not_run(cell_status::interrupted, "Stopped by the user before it ran."));
    return;
  }
  self
    ->request(state.shell, caf::infinite, execute_atom_v, state.job.arguments["code"].get<std::string>(),
              state.job.call.tool_call_id)
    .then([=](cell_result& result) { report_cell(self, result, restore_note); },
          [=](caf::error& error) { report(self, failed_shell(error)); });
}

// What the former server began is not begun again; what it did not begin is.
void resume(self_pointer self, std::string restore_note) {
  auto& state = self->state;
  self->request(state.shell, caf::infinite, result_atom_v, state.job.call.tool_call_id)
    .then([=](cell_result& result) { report_cell(self, result, restore_note); },
          [=](caf::error& error) {
            if (code_of(error) == errc::not_found)
              execute(self, restore_note);
            else
              report(self, failed_shell(error));
          });
}

} // namespace

tool_return_part make_tool_return(const tool_call_part& call, const cell_result& result) {
  tool_return_part part;
  part.tool_name = call.tool_name;
  part.tool_call_id = call.tool_call_id;
  part.content = make_tool_content(cell_text(result), cell_images(result));
  part.metadata = cell_metadata(result);
  part.timestamp = timestamp_now();
  part.outcome = result.status == cell_status::ok ? "success" : "failed";
  return part;
}

tool_call_actor::behavior_type tool_call(self_pointer self, tool_job job) {
  self->state.job = std::move(job);
  return {
    [=](start_atom) {
      self->request(self->state.job.session, caf::infinite, shell_atom_v)
        .then(
          [=](python_shell_actor& shell, std::string& restore_note) {
            self->state.shell = shell;
            if (self->state.job.resumed)
              resume(self, std::move(restore_note));
            else
              execute(self, std::move(restore_note));
          },
          [=](caf::error& error) { report(self, failed_shell(error)); });
    },
    [=](cancel_atom) {
      auto& state = self->state;
      state.cancelled = true;
      if (state.shell)
        self->send(state.shell, interrupt_atom_v);
      else
        report(self, not_run(cell_status::interrupted, "Stopped by the user before it ran."));
    },
  };
}

tool_call_actor spawn_python_call(caf::actor_system& system, tool_job job) {
  return system.spawn(tool_call, std::move(job));
}

} // namespace varro
