#include "models/body_decoder.hpp"
#include "models/openai_responses.hpp"
#include "models/openai_responses_answer.hpp"
#include "models/vendor_errors.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"

#include <algorithm>
#include <array>

namespace varro::openai_responses {

namespace {

constexpr int64_t tokens_max = int64_t{1} << 50;

struct finish_row {
  std::string_view reason; // incomplete_details.reason, else the response's status
  std::string_view finish_reason;
};
constexpr std::array<finish_row, 5> finish_rows = {{
  {"completed", "stop"},
  {"max_output_tokens", "length"},
  {"content_filter", "content_filter"},
  {"failed", "error"},
  {"cancelled", "error"},
}};

int64_t count(const json& value, std::string_view key) {
  return std::min(std::max<int64_t>(integer_member(value, key).value_or(0), 0), tokens_max);
}

// input_tokens includes what came from a cache, as our own does. The details are those that pydantic-ai prints: whole
// numbers (and booleans) that have no field of their own, and the reasoning.
token_usage read_usage(const json& usage) {
  static constexpr std::array<std::string_view, 3> fields = {"input_tokens", "output_tokens", "total_tokens"};
  token_usage counted;
  const auto& input = member(usage, "input_tokens_details");
  counted.input_tokens = count(usage, "input_tokens");
  counted.output_tokens = count(usage, "output_tokens");
  counted.cache_read_tokens = count(input, "cached_tokens");
  counted.cache_write_tokens = count(input, "cache_write_tokens");
  for (auto it = usage.begin(); it != usage.end(); ++it)
    if (std::find(fields.begin(), fields.end(), it.key()) == fields.end()
        && (it.value().is_number_integer() || it.value().is_boolean()))
      counted.details[it.key()] = std::min(*integer(it.value()), tokens_max);
  counted.details["reasoning_tokens"] = count(member(usage, "output_tokens_details"), "reasoning_tokens");
  return counted;
}

class decoder final : public body_decoder {
public:
  decoder(const model_query& query, int http_status)
    : body_decoder(query, http_status, provider_name(query.model)), answer_(provider_) {}

protected:
  void take_event(const server_sent_event& event) override;
  void take_json(const json& body) override;
  outcome take_error(std::string_view body) override;
  model_response build(bool whole) const override;

  // The last event says that it is one; a stream that ends without it broke off, however politely.
  bool complete(bool) const override {
    return done_;
  }

private:
  void take_response(const json& response);
  void take_end(const json& response);
  void take_names(const json& response);

  answer answer_;
  token_usage usage_;
  bool done_ = false;
};

bool is_error_object(const json& error) {
  return error.is_object() || (error.is_string() && !error.get_ref<const std::string&>().empty());
}

void decoder::take_event(const server_sent_event& event) {
  if (event.data == "[DONE]") {
    done_ = done_ || answer_.has_content();
    return;
  }
  const auto value = parse_vendor_json(event.data);
  if (!value || !value->is_object()) {
    if (event.type == "error")
      fail_with(read_stream_error(json{{"message", event.data}}, secret()));
    else if (event.data.find('{') != std::string::npos)
      fail_with(malformed_error("an event of the stream is not valid JSON."));
    return;
  }
  // Some servers write the type only into the data, others only into the event's line.
  auto type = text_member(*value, "type");
  if (type.empty())
    type = event.type;
  const auto& response = member(*value, "response");
  if (type == "error" || (type.compare(0, 9, "response.") != 0 && is_error_object(member(*value, "error"))))
    return fail_with(read_stream_error(*value, secret()));
  if (type == "response.failed")
    return take_end(response);
  if (type == "response.completed" || type == "response.incomplete" || type == "response.cancelled") {
    if (!answer_.complete_with(member(response, "output")))
      fail_with(malformed_error("it has too many parts."));
    return take_end(response);
  }
  if (response.is_object())
    take_response(response);
  if (!answer_.add_event(type, *value))
    return fail_with(malformed_error("it has too many parts."));
  if (answer_.has_content())
    mark_content();
}

void decoder::take_json(const json& body) {
  if (is_error_object(member(body, "error")))
    return fail_with(read_stream_error(body, secret()));
  if (!member(body, "output").is_array())
    return fail_with(malformed_error("it has no output."));
  if (!answer_.add_output(body["output"]))
    return fail_with(malformed_error("it has too many parts."));
  take_end(body);
}

// Azure refuses what its filter finds in a prompt with status 400; that is an answer, as it is on the other wires.
response_decoder::outcome decoder::take_error(std::string_view text) {
  json body = nullptr;
  if (provider_ == "azure" && http_status() == 400)
    body = parse_vendor_json(text).value_or(json(nullptr));
  const auto& error = member(body, "error");
  if (text_member(error, "code") != "content_filter") {
    auto failure = body_decoder::take_error(text);
    if (failure.error && failure.error->needs == vendor_error::remedy::none && is_missing_route(*failure.error))
      failure.error->needs = vendor_error::remedy::chat_completions;
    return failure;
  }
  outcome end;
  end.response = build(true);
  end.response->finish_reason = "content_filter";
  end.response->provider_details = json{{"finish_reason", "content_filter"}};
  if (const auto& found = member(member(error, "innererror"), "content_filter_result"); found.is_object())
    end.response->provider_details["content_filter_result"] = found;
  return end;
}

void decoder::take_names(const json& response) {
  if (auto id = text_member(response, "id"); !id_ && !id.empty())
    id_ = std::move(id);
  if (auto model = text_member(response, "model"); !model_ && !model.empty())
    model_ = std::move(model);
  if (!details_.contains("timestamp"))
    if (auto created = created_timestamp(member(response, "created_at")); !created.is_null())
      details_["timestamp"] = std::move(created);
  if (const auto conversation = string_member(member(response, "conversation"), "id"))
    details_["conversation_id"] = *conversation;
}

void decoder::take_response(const json& response) {
  take_names(response);
  // Each report replaces the one before.
  if (const auto& usage = member(response, "usage"); usage.is_object())
    usage_ = read_usage(usage);
}

void decoder::take_end(const json& response) {
  take_response(response);
  if (answer_.has_content())
    mark_content();
  if (const auto& error = member(response, "error"); is_error_object(error))
    return fail_with(read_stream_error(json{{"error", error}}, secret()));
  done_ = true;
  auto reason = text_member(member(response, "incomplete_details"), "reason");
  if (reason.empty())
    reason = text_member(response, "status");
  if (reason.empty())
    return;
  details_["finish_reason"] = reason;
  for (const auto& row : finish_rows)
    if (row.reason == reason)
      finish_reason_ = std::string(row.finish_reason);
}

model_response decoder::build(bool whole) const {
  auto response = response_so_far();
  response.parts = answer_.parts(whole);
  response.usage = usage_;
  if (answer_.refused())
    mark_refused(response, answer_.refusal());
  return response;
}

} // namespace

std::unique_ptr<response_decoder> make_decoder(const model_query& query, int http_status) {
  return std::make_unique<decoder>(query, http_status);
}

} // namespace varro::openai_responses
