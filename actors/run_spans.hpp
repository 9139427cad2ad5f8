// What the steps of a run tell its trace (base/run_traces.hpp), with the attributes that OpenTelemetry's conventions
// for generative AI name (github.com/open-telemetry/semantic-conventions-genai, gen-ai-spans, as of September 2026).
//
// No text of messages, code, results or files. Any thread; without a trace they do nothing.
#pragma once

#include "actors/agent_run.hpp"
#include "base/run_traces.hpp"

namespace varro {

// The conventions' names of vendors, which differ from ours for one.
std::string provider_words(const model_config& model);

// A request of a run to a model, with all its attempts, is over.
void note_answer(int64_t run, const open_span& asked, const model_config& model, const model_response& response);
void note_no_answer(int64_t run, const open_span& asked, const model_config& model, const caf::error& error);

// One attempt of it is over. `parent`: model_query::trace_span.
void note_attempt(int64_t run, uint64_t parent, const open_span& sent, const usage_row& used, int number);

// A tool call of the run is over.
void note_call(int64_t run, const running_call& call, const tool_outcome& outcome);
// It got the chat's shell, or none; and its cell is over.
void note_shell_wait(const tool_job& job, trace_clock::time_point since, const caf::error& error = {});
void note_cell(const tool_job& job, trace_clock::time_point since, std::string error);

// Something was committed. `what`: message, response, tool_return or end.
void note_commit(int64_t run, const char* what, trace_clock::time_point since);

} // namespace varro
