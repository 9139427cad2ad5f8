#include "actors/run_spans.hpp"

#include "models/cell.hpp"

#include <utility>

namespace varro {

namespace {

template <class Value>
void tell(span& of, std::string_view key, Value&& value) {
  auto& added = of.attributes.emplace_back();
  added.key = key;
  added.value = std::forward<Value>(value);
}

span request_span(const model_config& model) {
  span made;
  made.name = span_name::model;
  made.kind = model.kind == provider_kind::offline ? span_kind::internal : span_kind::client;
  made.target = attribute_text(model.name);
  made.attributes.reserve(8);
  tell(made, "gen_ai.operation.name", "chat");
  tell(made, "gen_ai.provider.name", provider_words(model));
  tell(made, "gen_ai.request.model", made.target);
  return made;
}

void tell_count(span& of, std::string_view key, int64_t count) {
  if (count != 0)
    tell(of, key, count);
}

std::string type_of(const caf::error& error) {
  const auto code = code_of(error);
  return code == errc::none ? "internal" : to_string(code);
}

} // namespace

std::string provider_words(const model_config& model) {
  return model.kind == provider_kind::google && model.provider == "google" ? "gcp.gemini" : model.provider;
}

void note_answer(int64_t run, const open_span& asked, const model_config& model, const model_response& response) {
  if (asked.id == 0)
    return;
  auto done = request_span(model);
  if (response.model_name)
    tell(done, "gen_ai.response.model", attribute_text(*response.model_name));
  if (response.provider_response_id)
    tell(done, "gen_ai.response.id", attribute_text(*response.provider_response_id));
  if (response.finish_reason)
    tell(done, "gen_ai.response.finish_reasons", std::vector<std::string>{attribute_text(*response.finish_reason)});
  const auto& used = response.usage;
  tell(done, "gen_ai.usage.input_tokens", used.input_tokens);
  tell(done, "gen_ai.usage.output_tokens", used.output_tokens);
  tell_count(done, "gen_ai.usage.cache_read.input_tokens", used.cache_read_tokens);
  tell_count(done, "gen_ai.usage.cache_creation.input_tokens", used.cache_write_tokens);
  process_traces().note(run, asked, std::move(done));
}

void note_no_answer(int64_t run, const open_span& asked, const model_config& model, const caf::error& error) {
  if (asked.id == 0)
    return;
  auto done = request_span(model);
  done.error = type_of(error);
  process_traces().note(run, asked, std::move(done));
}

void note_attempt(int64_t run, uint64_t parent, const open_span& sent, const usage_row& used, int number) {
  if (sent.id == 0)
    return;
  span done{span_name::attempt, 0, parent};
  done.kind = span_kind::client;
  if (used.outcome != usage_outcome::answered)
    done.error = used.outcome;
  tell(done, "varro.attempt", int64_t{number});
  process_traces().note(run, sent, std::move(done));
}

void note_call(int64_t run, const running_call& call, const tool_outcome& outcome) {
  if (call.traced.id == 0)
    return;
  span done{span_name::tool};
  done.target = attribute_text(call.call.tool_name);
  const auto* returned = std::get_if<tool_return_part>(&outcome.part);
  const auto cell = returned == nullptr ? std::nullopt : cell_use_of(*returned);
  if (cell && cell->status != cell_status::ok)
    done.error = to_string(cell->status);
  else if (returned == nullptr)
    done.error = "retry";
  tell(done, "gen_ai.operation.name", "execute_tool");
  tell(done, "gen_ai.tool.name", done.target);
  tell(done, "gen_ai.tool.call.id", attribute_text(call.call.tool_call_id));
  process_traces().note(run, call.traced, std::move(done));
}

void note_shell_wait(const tool_job& job, trace_clock::time_point since, const caf::error& error) {
  if (job.trace_span == 0)
    return;
  span done{span_name::shell_wait, 0, job.trace_span, since};
  if (error)
    done.error = type_of(error);
  process_traces().note(job.run_id, std::move(done));
}

void note_cell(const tool_job& job, trace_clock::time_point since, std::string error) {
  if (job.trace_span == 0)
    return;
  span done{span_name::cell, 0, job.trace_span, since};
  done.error = std::move(error);
  process_traces().note(job.run_id, std::move(done));
}

void note_commit(int64_t run, const char* what, trace_clock::time_point since) {
  if (!process_traces().wanted())
    return;
  span done{span_name::commit, 0, 0, since};
  tell(done, "varro.commit", what);
  process_traces().note(run, std::move(done));
}

} // namespace varro
