#include "base/utf8.hpp"
#include "models/google.hpp"

#include "models/body_decoder.hpp"
#include "models/google_answer.hpp"
#include "models/google_usage.hpp"
#include "models/timestamp.hpp"
#include "models/vendor_errors.hpp"
#include "models/vendor_json.hpp"

#include <array>

namespace varro::google {

namespace {

// Source: ai.google.dev/api/generate-content#FinishReason.
struct finish_row {
  std::string_view reason;
  std::string_view finish_reason;
};
constexpr std::array<finish_row, 19> finish_rows = {{
  {"STOP", "stop"},
  {"MAX_TOKENS", "length"},
  {"SAFETY", "content_filter"},
  {"RECITATION", "content_filter"},
  {"BLOCKLIST", "content_filter"},
  {"PROHIBITED_CONTENT", "content_filter"},
  {"SPII", "content_filter"},
  {"IMAGE_SAFETY", "content_filter"},
  {"IMAGE_PROHIBITED_CONTENT", "content_filter"},
  {"IMAGE_RECITATION", "content_filter"},
  {"MODEL_ARMOR", "content_filter"},
  {"LANGUAGE", "error"},
  {"MALFORMED_FUNCTION_CALL", "error"},
  {"UNEXPECTED_TOOL_CALL", "error"},
  {"TOO_MANY_TOOL_CALLS", "error"},
  {"MISSING_THOUGHT_SIGNATURE", "error"},
  {"MALFORMED_RESPONSE", "error"},
  {"NO_IMAGE", "error"},
  {"IMAGE_OTHER", "error"},
}};

constexpr std::array<const char*, 7> rating_keys
  = {"blocked", "category", "overwrittenThreshold", "probability", "probabilityScore", "severity", "severityScore"};

// All fields, as pydantic-ai prints a rating.
json ratings_of(const json& list) {
  auto ratings = json::array();
  if (list.is_array())
    for (const auto& one : list) {
      json rating = json::object();
      for (const auto* key : rating_keys)
        rating[key] = member(one, key);
      ratings.push_back(std::move(rating));
    }
  return ratings;
}

class decoder final : public body_decoder {
public:
  decoder(const model_query& query, int http_status)
    : body_decoder(query, http_status, provider_name(query.model)), answer_(provider_) {}

protected:
  void take_event(const server_sent_event& event) override;
  void take_json(const json& body) override;
  void take_json_list(const json& list) override;
  model_response build(bool whole) const override;

  // There is no end mark but the finish reason: a stream without one was cut off, however it ended.
  bool complete(bool) const override {
    return finished_ || blocked_;
  }

private:
  void take_chunk(const json& chunk, bool whole);
  void take_candidate(const json& candidate, bool whole);
  void take_block(const json& feedback);
  void take_finish(const json& candidate);
  void take_names(const json& chunk, bool whole);

  answer answer_;
  token_usage usage_;
  bool finished_ = false;
  bool blocked_ = false;
};

void decoder::take_event(const server_sent_event& event) {
  if (event.data == "[DONE]")
    return; // a proxy's mark
  if (const auto chunk = parse_vendor_json(event.data); chunk && chunk->is_object())
    take_chunk(*chunk, false);
  else if (chunk && chunk->is_array())
    take_json_list(*chunk);
  else if (event.data.find('{') != std::string::npos && !finished_)
    fail_with(malformed_error("a chunk of the stream is not valid JSON."));
}

void decoder::take_json(const json& body) {
  const bool is_ours = member(body, "error").is_object() || member(body, "candidates").is_array()
    || member(body, "promptFeedback").is_object() || member(body, "usageMetadata").is_object();
  if (!is_ours)
    return fail_with(read_unexpected_body(body, secret()));
  take_chunk(body, true);
  finished_ = true;
}

// Without `alt=sse`, which a proxy may take away, a stream is one list of chunks; an error is a list of one.
void decoder::take_json_list(const json& list) {
  for (const auto& chunk : list)
    if (!failed())
      take_chunk(chunk, false);
}

void decoder::take_chunk(const json& chunk, bool whole) {
  if (member(chunk, "error").is_object()) {
    if (!finished_) // what was said to its end is an answer, whatever follows
      fail_with(read_stream_error(chunk, secret()));
    return;
  }
  take_names(chunk, whole);
  add_usage(member(chunk, "usageMetadata"), usage_);
  if (const auto traffic = string_member(member(chunk, "usageMetadata"), "trafficType"))
    details_["traffic_type"] = *traffic;
  const auto& candidates = member(chunk, "candidates");
  if (candidates.is_array() && !candidates.empty())
    take_candidate(candidates.front(), whole); // one is asked for
  else
    take_block(member(chunk, "promptFeedback"));
}

void decoder::take_names(const json& chunk, bool whole) {
  const auto& candidates = member(chunk, "candidates");
  const bool says_something = whole || (candidates.is_array() && !candidates.empty());
  if (auto id = string_member(chunk, "responseId");
      id && !id->empty() && (says_something || member(chunk, "promptFeedback").is_object()))
    id_ = std::move(id);
  if (auto model = string_member(chunk, "modelVersion"); model && !model->empty() && !model_)
    model_ = std::move(model);
  if (const auto& created = member(chunk, "createTime"); created.is_string() && !details_.contains("timestamp"))
    if (const auto time = read_timestamp(created))
      details_["timestamp"] = *time;
}

void decoder::take_candidate(const json& candidate, bool whole) {
  if (!answer_.add(candidate, whole))
    return fail_with(malformed_error("it has too many parts."));
  if (answer_.has_content())
    mark_content();
  take_finish(candidate);
}

void decoder::take_finish(const json& candidate) {
  const auto reason = text_member(candidate, "finishReason");
  if (reason.empty() || blocked_)
    return;
  finished_ = true;
  details_["finish_reason"] = reason;
  if (auto ratings = ratings_of(member(candidate, "safetyRatings")); !ratings.empty())
    details_["safety_ratings"] = std::move(ratings);
  finish_reason_.reset();
  for (const auto& row : finish_rows)
    if (row.reason == reason)
      finish_reason_ = std::string(row.finish_reason);
  // With a stop it only says that there are calls; else it says what went wrong.
  const auto words = text_member(candidate, "finishMessage");
  if (!words.empty() && finish_reason_ != "stop" && finish_reason_ != "length")
    details_["finish_message"] = std::string(clip_utf8(words, vendor_message_bytes_max));
}

// The prompt itself was refused: there is no candidate then.
void decoder::take_block(const json& feedback) {
  const auto reason = text_member(feedback, "blockReason");
  if (reason.empty())
    return;
  blocked_ = true;
  finish_reason_ = "content_filter";
  details_["block_reason"] = reason;
  if (const auto words = text_member(feedback, "blockReasonMessage"); !words.empty())
    details_["block_reason_message"] = std::string(clip_utf8(words, vendor_message_bytes_max));
  if (auto ratings = ratings_of(member(feedback, "safetyRatings")); !ratings.empty())
    details_["safety_ratings"] = std::move(ratings);
}

model_response decoder::build(bool whole) const {
  auto response = response_so_far();
  response.parts = answer_.parts(whole);
  response.usage = usage_;
  return response;
}

} // namespace

std::unique_ptr<response_decoder> make_decoder(const model_query& query, int http_status) {
  return std::make_unique<decoder>(query, http_status);
}

} // namespace varro::google
