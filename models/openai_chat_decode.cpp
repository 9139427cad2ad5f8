#include "models/openai_chat.hpp"

#include "models/body_decoder.hpp"
#include "models/openai_chat_answer.hpp"
#include "models/openai_chat_usage.hpp"
#include "models/vendor_errors.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>
#include <array>

namespace varro::openai_chat {

namespace {

struct finish_row {
  std::string_view reason;
  std::string_view finish_reason;
};
constexpr std::array<finish_row, 6> finish_rows = {{
  {"stop", "stop"},
  {"length", "length"},
  {"tool_calls", "tool_call"},
  {"function_call", "tool_call"},
  {"content_filter", "content_filter"},
  {"error", "error"},
}};

// Groq refuses a call that does not fit its schema, with the model's own words inside the error. The agent can answer
// such a call better, so it is taken for one.
const json& failed_generation_of(const json& body) {
  static const json nothing = nullptr;
  const auto& inner = member(body, "error");
  const auto& error = inner.is_object() ? inner : body;
  if (text_member(error, "code") != "tool_use_failed")
    return nothing;
  return member(error, "failed_generation");
}

class decoder final : public body_decoder {
public:
  decoder(const model_query& query, int http_status)
    : body_decoder(query, http_status, provider_name(query.model)), row_(quirks_of(query.model)),
      answer_(row_, provider_, query.tools) {}

protected:
  void take_event(const server_sent_event& event) override;
  void take_json(const json& body) override;
  outcome take_error(std::string_view body) override;
  model_response build(bool whole) const override;

  // Some servers close without a finish reason or [DONE]; what they sent is then the answer, if it is not a stream that
  // broke behind a proxy or a server that marks no end of its body: who asked may want to ask again.
  bool complete(bool connection_lost) const override {
    return has_end_mark() || (!connection_lost && answer_.has_content());
  }
  bool has_end_mark() const override {
    return done_ || has_closing_usage_ || !raw_finish_reason_.empty();
  }

private:
  void take_chunk(const json& chunk);
  bool take_lines(const std::string& data);
  void fail_unless_said(vendor_error error);
  void take_choice(const json& choice, bool whole);
  void take_names(const json& chunk, bool whole);
  void take_usage(const json& chunk);
  void take_downstream(const json& chunk);
  bool take_failure(const json& chunk);
  bool take_failed_generation(const json& body);
  void finish_with(const std::string& reason);

  const quirks& row_;
  answer answer_;
  token_usage usage_;
  std::string raw_finish_reason_;
  bool done_ = false;
  bool has_closing_usage_ = false; // the counts that come after the last choice came
  bool unsaid_finish_ = false;     // a finish reason was there, but empty
};

// Some servers forget the empty line between events, so that several come as one with a line for each.
bool decoder::take_lines(const std::string& data) {
  std::vector<json> chunks;
  bool done = false;
  for (size_t at = 0; at < data.size();) {
    const auto end = std::min(data.find('\n', at), data.size());
    const auto line = data.substr(at, end - at);
    at = end + 1;
    if (line == "[DONE]") {
      done = true;
      continue;
    }
    auto chunk = parse_vendor_json(line);
    if (!chunk || !chunk->is_object())
      return false;
    chunks.push_back(std::move(*chunk));
  }
  for (const auto& chunk : chunks)
    if (!failed())
      take_chunk(chunk);
  done_ = done_ || done;
  return true;
}

void decoder::take_event(const server_sent_event& event) {
  if (event.data == "[DONE]") {
    done_ = true;
    return;
  }
  const auto chunk = parse_vendor_json(event.data);
  if (!chunk || !chunk->is_object()) {
    if (event.type == "error")
      fail_unless_said(read_stream_error(json{{"message", event.data}}, secret()));
    else if (event.data.find('{') != std::string::npos && !take_lines(event.data))
      fail_unless_said(malformed_error("a chunk of the stream is not valid JSON."));
    return;
  }
  if (event.type == "error" && !member(*chunk, "error").is_object()) {
    if (!take_failed_generation(*chunk))
      fail_unless_said(read_stream_error(*chunk, secret()));
    return;
  }
  take_chunk(*chunk);
}

// What was said to its end is an answer, whatever the server reports after it.
void decoder::fail_unless_said(vendor_error error) {
  if (raw_finish_reason_.empty() || raw_finish_reason_ == "error" || !answer_.has_content())
    fail_with(std::move(error));
}

void decoder::take_chunk(const json& chunk) {
  if (take_failure(chunk))
    return;
  take_names(chunk, false);
  take_usage(chunk);
  // Counts may come in a chunk without choices; of several choices only the first was asked for.
  const auto& choices = member(chunk, "choices");
  if (choices.is_array())
    for (const auto& choice : choices)
      if (integer_member(choice, "index").value_or(0) == 0)
        take_choice(choice, false);
  take_downstream(chunk);
}

void decoder::take_json(const json& body) {
  if (take_failure(body))
    return;
  const auto& choices = member(body, "choices");
  if (!choices.is_array() || choices.empty() || !choices.front().is_object())
    return fail_with(choices.is_array() ? malformed_error("it has no choices.") : read_unexpected_body(body, secret()));
  take_names(body, true);
  take_usage(body);
  take_choice(choices.front(), true);
  take_downstream(body);
  done_ = true;
}

// An error in a place where an answer was due. True when the chunk was one.
bool decoder::take_failure(const json& chunk) {
  const auto& error = member(chunk, "error");
  const bool is_error = error.is_object() || (error.is_string() && !error.get_ref<const std::string&>().empty())
    || text_member(chunk, "object") == "error";
  if (!is_error)
    return false;
  if (!take_failed_generation(chunk))
    fail_unless_said(read_stream_error(chunk, secret()));
  return true;
}

bool decoder::take_failed_generation(const json& body) {
  const auto& generation = failed_generation_of(body);
  if (!generation.is_string())
    return false;
  const auto& text = generation.get_ref<const std::string&>();
  const auto call = parse_vendor_json(text);
  const auto name = call ? text_member(*call, "name") : "";
  if (!name.empty() && member(*call, "arguments").is_object())
    answer_.add_call(name, member(*call, "arguments"));
  else
    answer_.add_text(text);
  if (!answer_.has_content())
    return false;
  mark_content();
  done_ = true;
  return true;
}

response_decoder::outcome decoder::take_error(std::string_view text) {
  const auto body = parse_vendor_json(text);
  if (!body || !take_failed_generation(*body))
    return body_decoder::take_error(text);
  outcome end;
  end.response = build(true);
  end.response->finish_reason = "error";
  return end;
}

void decoder::take_names(const json& chunk, bool whole) {
  if (auto id = string_member(chunk, "id"); id && (whole || !id->empty()))
    id_ = std::move(id);
  if (auto model = string_member(chunk, "model"); model && !model->empty())
    model_ = std::move(model);
  if (!details_.contains("timestamp"))
    if (auto created = created_timestamp(member(chunk, "created")); !created.is_null())
      details_["timestamp"] = std::move(created);
}

// Each report replaces the one before: servers that send several count from the start. Groq sends it twice at once.
void decoder::take_usage(const json& chunk) {
  for (const auto* holder : {&chunk, &member(chunk, "x_groq")})
    if (const auto& usage = member(*holder, "usage"); usage.is_object()) {
      usage_ = read_usage(usage);
      const auto& choices = member(chunk, "choices");
      has_closing_usage_ = has_closing_usage_ || (choices.is_array() && choices.empty() && answer_.has_content());
      return;
    }
  const auto& choices = member(chunk, "choices");
  if (choices.is_array() && !choices.empty())
    if (const auto& usage = member(choices.front(), "usage"); usage.is_object())
      usage_ = read_usage(usage);
}

void decoder::take_choice(const json& choice, bool whole) {
  if (const auto& error = member(choice, "error"); error.is_object())
    return fail_with(read_stream_error(choice, secret()));
  // Servers that ignore `stream` in the middle send `message` in place of `delta`.
  const auto& delta = member(choice, whole || !member(choice, "delta").is_object() ? "message" : "delta");
  if (!answer_.add(delta, whole))
    return fail_with(malformed_error("it has too many parts."));
  if (answer_.has_content())
    mark_content();
  const auto& reason = member(choice, "finish_reason");
  if (reason.is_string() && !reason.get_ref<const std::string&>().empty())
    finish_with(reason.get<std::string>());
  else if (whole) // local servers leave it out, Snowflake leaves it empty
    finish_with(reason.is_string() && answer_.has_calls() ? "tool_calls" : "stop");
  else if (reason.is_string())
    unsaid_finish_ = true;
}

void decoder::finish_with(const std::string& reason) {
  raw_finish_reason_ = reason;
  details_["finish_reason"] = reason;
  finish_reason_.reset();
  for (const auto& row : finish_rows)
    if (row.reason == reason)
      finish_reason_ = std::string(row.finish_reason);
}

// Who answered behind OpenRouter, and for how much.
void decoder::take_downstream(const json& chunk) {
  if (!row_.downstream_details)
    return;
  if (const auto provider = string_member(chunk, "provider"))
    details_["downstream_provider"] = *provider;
  const auto& choices = member(chunk, "choices");
  if (choices.is_array() && !choices.empty())
    if (const auto reason = text_member(choices.front(), "native_finish_reason"); !reason.empty())
      details_["finish_reason"] = reason;
  const auto& usage = member(chunk, "usage");
  if (const auto& cost = member(usage, "cost"); cost.is_number() && cost.get<double>() != 0)
    details_["cost"] = cost.get<double>();
  if (const auto& costs = member(usage, "cost_details"); costs.is_object())
    for (const auto* key :
         {"upstream_inference_cost", "upstream_inference_prompt_cost", "upstream_inference_completions_cost"})
      details_[key] = member(costs, key);
  if (const auto& own_key = member(usage, "is_byok"); own_key.is_boolean())
    details_["is_byok"] = own_key;
}

model_response decoder::build(bool whole) const {
  auto response = response_so_far();
  response.parts = answer_.parts(whole);
  response.usage = usage_;
  // A stream that always leaves the reason empty, as Snowflake's does, still says that it is whole.
  if (raw_finish_reason_.empty() && whole && done_ && (unsaid_finish_ || provider_ == "snowflake"))
    response.finish_reason = answer_.has_calls() ? "tool_call" : "stop";
  if (!answer_.refusal().empty())
    mark_refused(response, answer_.refusal());
  return response;
}

} // namespace

std::unique_ptr<response_decoder> make_decoder(const model_query& query, int http_status) {
  return std::make_unique<decoder>(query, http_status);
}

} // namespace varro::openai_chat
