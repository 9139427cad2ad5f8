#include "actors/agent_run.hpp"

#include "actors/run_spans.hpp"
#include "actors/tool_call.hpp"
#include "actors/turn_calls.hpp"
#include "base/fault_points.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/timestamp.hpp"

#include <algorithm>

namespace varro {

namespace {

using self_pointer = agent_run_actor::stateful_pointer<agent_run_state>;

void step(self_pointer self);
void start_next_in_order(self_pointer self);
void answer_without_running(self_pointer self, const std::function<tool_outcome(const tool_call_part&)>& answer);

void finish(self_pointer self, const char* status, std::string error) {
  auto& state = self->state;
  if (state.ended)
    return;
  state.ended = true;
  state.end.run_id = state.setup.run_id;
  state.end.status = status;
  state.end.error = std::move(error);
  state.end.used = std::exchange(state.held_usage, {});
  for (auto& [id, job] : state.running)
    self->send(job.actor, cancel_atom_v);
  self->send(state.setup.session, ended_atom_v, state.end);
  self->quit();
}

void finish_cancelled(self_pointer self) {
  finish(self, run_status::cancelled, "Stopped by the user.");
}

// Goes on with what the user may use at this moment. Where that is not known, nothing more is used.
template <class Continue>
void look_at_allowance(self_pointer self, Continue go_on) {
  auto& state = self->state;
  state.looking = true;
  self->request(state.setup.allowances, caf::infinite, usage_atom_v, state.setup.user_id, state.setup.chat_id)
    .then(
      [=](const allowance_ptr& allowance) {
        self->state.looking = false;
        go_on(*allowance);
      },
      [=](caf::error& error) {
        finish(self, run_status::failed, "What you may use could not be looked up: " + text_of(error));
      });
}

// Hands a step to the session and goes on when it is committed.
template <class Continue>
void commit(self_pointer self, message content, std::string progress, Continue go_on) {
  auto& state = self->state;
  std::visit(
    [&](auto& m) {
      m.run_id = std::to_string(state.setup.run_id);
      m.conversation_id = state.setup.conversation_id;
    },
    content);
  shared_message shared{std::move(content)};
  // A request under way may still read the history that it was given.
  auto longer = std::make_shared<message_history>();
  longer->reserve(state.history->size() + 1);
  longer->assign(state.history->begin(), state.history->end());
  longer->push_back(shared);
  state.history = std::move(longer);
  self
    ->request(state.setup.session, caf::infinite, node_atom_v,
              run_node{state.setup.run_id, std::move(shared), std::move(progress), std::exchange(state.held_usage, {}),
                       std::chrono::steady_clock::now()})
    .then([=](done_atom) { go_on(); }, [=](caf::error& error) { finish(self, run_status::failed, text_of(error)); });
}

void commit_outcome(self_pointer self, tool_outcome outcome) {
  auto& state = self->state;
  auto retry = std::holds_alternative<retry_prompt_part>(outcome.part);
  (retry ? state.retried : state.succeeded) = true;
  model_request request;
  request.timestamp = timestamp_now();
  request.parts.push_back(std::move(outcome.part));
  commit(self, std::move(request), "", [=] {
    auto& s = self->state;
    if (--s.open != 0) {
      start_next_in_order(self);
      return;
    }
    if (s.cancelled) {
      finish_cancelled(self);
      return;
    }
    if (!s.reached.empty()) {
      finish(self, run_status::failed, s.reached);
      return;
    }
    s.retries_in_a_row = s.retried && !s.succeeded ? s.retries_in_a_row + 1 : 0;
    s.cuts_in_a_row = s.cut ? s.cuts_in_a_row + 1 : 0;
    step(self);
  });
}

void start_job(self_pointer self, tool_job job) {
  auto& state = self->state;
  const auto* tool = find_tool(state.setup.tools, job.call.tool_name);
  auto call = job.call;
  const auto traced = process_traces().open();
  job.trace_span = traced.id;
  job.run_id = state.setup.run_id;
  auto actor = tool->spawn(self->system(), std::move(job));
  self->monitor(actor);
  state.running.emplace(call.tool_call_id, running_call{call, actor, traced});
  self->send(actor, start_atom_v);
}

void start_next_in_order(self_pointer self) {
  auto& state = self->state;
  if (state.waiting.empty() || state.looking || in_order_running(state))
    return;
  auto start = [=] {
    auto job = std::move(self->state.waiting.front());
    self->state.waiting.pop_front();
    start_job(self, std::move(job));
  };
  // What a former server's shell has begun is not taken back.
  if (!state.setup.allowances || state.waiting.front().begun) {
    start();
    return;
  }
  look_at_allowance(self, [=](const user_allowance& allowance) {
    auto& s = self->state;
    if (s.waiting.empty()) // it was stopped meanwhile
      return;
    s.reached = cell_refusal(allowance);
    if (s.reached.empty())
      start();
    else
      answer_without_running(self, [reached = s.reached](const tool_call_part& call) {
        return unrun_outcome(call, cell_status::interrupted, "Not run. " + reached);
      });
  });
}

void answer_without_running(self_pointer self, const std::function<tool_outcome(const tool_call_part&)>& answer) {
  for (const auto& job : std::exchange(self->state.waiting, {}))
    commit_outcome(self, answer(job.call));
}

constexpr auto cut_call_words
  = "This call was cut off in the middle, because the answer reached its limit of output tokens; nothing of it was "
    "run. Make it shorter, or do it in several smaller calls.";

void run_tools(self_pointer self, const std::vector<tool_call_part>& calls) {
  auto& state = self->state;
  state.open = calls.size();
  state.retried = false;
  state.succeeded = false;
  state.cut = false;
  std::vector<tool_job> at_once;
  std::vector<tool_outcome> refused;
  for (const auto& call : calls) {
    const auto* tool = find_tool(state.setup.tools, call.tool_name);
    if (tool == nullptr) {
      refused.push_back(retry_outcome(
        call, "Unknown tool name: '" + call.tool_name + "'. Available tools: " + known_tools(state.setup.tools)));
      continue;
    }
    auto checked = check_arguments(tool->definition, call.args);
    if (!checked.errors.is_null()) {
      // Cut arguments are no fault of their form: the same again would be cut again.
      if (&call == &calls.back() && state.answer_cut) {
        state.cut = true;
        refused.push_back(retry_outcome(call, cut_call_words));
      } else {
        refused.push_back(retry_outcome(call, std::move(checked.errors)));
      }
      continue;
    }
    tool_job job{call, std::move(checked.arguments), state.setup.shells, agent_run_actor{self},
                 state.setup.unfinished.begun.contains(call.tool_call_id)};
    if (tool->in_order)
      state.waiting.push_back(std::move(job));
    else
      at_once.push_back(std::move(job));
  }
  for (auto& outcome : refused)
    commit_outcome(self, std::move(outcome));
  for (auto& job : at_once)
    start_job(self, std::move(job));
  start_next_in_order(self);
}

void answer_calls(self_pointer self, const std::vector<tool_call_part>& calls) {
  if (!self->state.cancelled) {
    run_tools(self, calls);
    return;
  }
  self->state.open = calls.size();
  for (const auto& call : calls)
    commit_outcome(self, stopped_outcome(call));
}

// The chat's shell can start while the response is committed.
void announce(self_pointer self, const std::vector<tool_call_part>& calls) {
  const auto& setup = self->state.setup;
  if (!self->state.cancelled && need_shell(calls, setup.tools))
    self->send(setup.session, ready_atom_v, setup.run_id);
}

// Where a run that was cut off goes on: with its open calls; else with a response at the end of the history that was
// paused, or that was the answer, so that only the run's end was missing.
void begin(self_pointer self) {
  auto& state = self->state;
  if (!state.setup.unfinished.calls.empty()) {
    self->send(state.setup.session, progress_atom_v, state.setup.run_id, "Running tools…");
    answer_calls(self, parts_of(state.setup.unfinished.calls, *state.history));
    return;
  }
  if (is_asked_next(state.history->back())) {
    step(self);
    return;
  }
  auto reason = unfinished_reason(*state.history->back().as<model_response>(), state.setup.model);
  finish(self, reason.empty() ? run_status::completed : run_status::failed, reason);
}

void note_usage(self_pointer self, std::vector<usage_row> rows) {
  self->send(self->state.setup.session, usage_atom_v, self->state.setup.run_id, std::move(rows));
}

// What is over without an answer is noted at once: a crash may come while the next attempt waits.
void take_usage(self_pointer self, usage_row row, const token_usage& spent) {
  auto& state = self->state;
  state.end.usage += spent;
  if (row.outcome == usage_outcome::answered || row.outcome == usage_outcome::stopped)
    state.held_usage.push_back(std::move(row));
  else
    note_usage(self, {std::move(row)});
}

void on_response(self_pointer self, model_response response) {
  auto& state = self->state;
  ++state.end.model_requests;
  state.end.usage += response.usage;
  // Of a stopped request, only what it cost is kept: half an answer is no node.
  if (state.cancelled && response.state == "interrupted") {
    finish_cancelled(self);
    return;
  }
  // Nothing of it can be shown or sent back.
  if (is_garbled_call(response) && ++state.garbled_in_a_row <= garbled_calls_max) {
    note_usage(self, std::exchange(state.held_usage, {}));
    step(self);
    return;
  }
  state.garbled_in_a_row = 0;
  state.answer_cut = response.finish_reason == "length";
  if (response.finish_reason == "content_filter")
    drop_calls(response);
  auto calls = take_calls(response, *state.history);
  auto goes_on = !calls.empty() || (is_paused(response) && !response.parts.empty());
  auto reason = goes_on ? std::string{} : unfinished_reason(response, state.setup.model);
  if (response.parts.empty()) {
    finish(self, run_status::failed, std::move(reason));
    return;
  }
  announce(self, calls);
  commit(self, std::move(response), calls.empty() ? "" : "Running tools…", [=] {
    if (!calls.empty())
      answer_calls(self, calls);
    else if (self->state.cancelled)
      finish_cancelled(self);
    else if (goes_on)
      step(self);
    else
      finish(self, reason.empty() ? run_status::completed : run_status::failed, reason);
  });
}

void ask(self_pointer self) {
  auto& state = self->state;
  model_query query;
  query.model = state.setup.model;
  query.history = state.history;
  query.instructions = state.setup.instructions;
  query.conversation_id = state.setup.conversation_id;
  if (state.setup.model.tools)
    query.tools = state.setup.tool_texts;
  state.asking = true;
  state.asked = process_traces().open();
  query.trace_span = state.asked.id;
  self->send(state.setup.session, progress_atom_v, state.setup.run_id, "Thinking…");
  fault_point("model_request");
  self->request(state.setup.models, caf::infinite, ask_atom_v, state.setup.run_id, query)
    .then(
      [=](model_response& response) {
        fault_point("model_response");
        self->state.asking = false;
        note_answer(self->state.setup.run_id, self->state.asked, self->state.setup.model, response);
        on_response(self, std::move(response));
      },
      [=](caf::error& error) {
        self->state.asking = false;
        note_no_answer(self->state.setup.run_id, self->state.asked, self->state.setup.model, error);
        if (self->state.cancelled)
          finish_cancelled(self);
        else
          finish(self, run_status::failed, text_of(error));
      });
}

void step(self_pointer self) {
  auto& state = self->state;
  if (state.cancelled) {
    finish_cancelled(self);
    return;
  }
  auto reason = turn_limit_reached(state);
  if (!reason.empty()) {
    finish(self, run_status::failed, std::move(reason));
    return;
  }
  if (!state.setup.allowances) {
    ask(self);
    return;
  }
  look_at_allowance(self, [=](const user_allowance& allowance) {
    auto refused = model_refusal(allowance, self->state.setup.model);
    if (self->state.cancelled)
      finish_cancelled(self);
    else if (!refused.empty())
      finish(self, run_status::failed, std::move(refused));
    else
      ask(self);
  });
}

void cancel(self_pointer self) {
  auto& state = self->state;
  if (state.cancelled || state.ended)
    return;
  state.cancelled = true;
  if (state.asking)
    self->send(state.setup.models, cancel_atom_v, state.setup.run_id);
  for (auto& [id, job] : state.running)
    self->send(job.actor, cancel_atom_v);
  answer_without_running(self, stopped_outcome);
}

// A tool's actor that failed without a word must not leave its call open. One that ended well has sent its outcome,
// which this message may have overtaken.
void on_down(self_pointer self, const caf::down_msg& down) {
  if (!down.reason)
    return;
  auto& running = self->state.running;
  auto found = std::find_if(running.begin(), running.end(),
                            [&](const auto& entry) { return entry.second.actor.address() == down.source; });
  if (found == running.end())
    return;
  auto outcome = unrun_outcome(found->second.call, cell_status::lost, "The tool ended without a result.");
  running.erase(found);
  commit_outcome(self, std::move(outcome));
}

} // namespace

agent_run_actor::behavior_type agent_run(self_pointer self, run_setup setup) {
  auto& state = self->state;
  state.history = std::make_shared<const message_history>(std::move(setup.history));
  state.end.usage = setup.spent.usage;
  state.end.model_requests = setup.spent.model_requests;
  state.setup = std::move(setup);
  self->set_down_handler([=](const caf::down_msg& down) { on_down(self, down); });
  return {
    [=](step_atom) {
      if (!std::exchange(self->state.begun, true))
        begin(self);
    },
    [=](result_atom, tool_outcome& outcome) {
      fault_point("cell_result");
      auto& s = self->state;
      const auto found = s.running.find(outcome.tool_call_id);
      if (found == s.running.end())
        return;
      note_call(s.setup.run_id, found->second, outcome);
      s.running.erase(found);
      commit_outcome(self, std::move(outcome));
    },
    [=](usage_atom, usage_row& row, const token_usage& spent) { take_usage(self, std::move(row), spent); },
    [=](cancel_atom) { cancel(self); },
  };
}

} // namespace varro
