#include "actors/model_failures.hpp"

#include "models/catalog.hpp"

#include <algorithm>

namespace varro {

std::chrono::milliseconds backoff(const model_client_config& limits, int attempts, double jitter) {
  auto exponent = std::clamp(attempts - 1, 0, 20);
  auto ceiling = std::min<double>(limits.backoff_max.count(), limits.backoff_first.count() * double(1 << exponent));
  // "Equal jitter": at least half of the ceiling, so that a vendor in trouble is never asked again at once.
  return std::chrono::milliseconds{static_cast<int64_t>(ceiling * (0.5 + 0.5 * jitter))};
}

bool is_retryable(const attempt_outcome& outcome) {
  if (!outcome.decoded.error)
    return false;
  const auto& error = *outcome.decoded.error;
  // What was mended and still refused is so for good: some servers say it with status 500.
  if (error.needs != vendor_error::remedy::none)
    return false;
  auto status = error.http_status;
  if (status == 0 || (status >= 200 && status < 300))
    return error.retryable;
  // Some are final whatever their status says: an account without credit answers 429.
  return error.retryable && (status == 408 || status == 409 || status == 429 || status >= 500);
}

void ask_without_stream(model_query& query) {
  if (!query.settings.is_object())
    query.settings = json::object();
  query.settings["stream"] = false;
}

std::optional<model_query> remedied(const model_query& query, const vendor_error& error) {
  using remedy = vendor_error::remedy;
  auto better = query;
  auto to_kind = [&](provider_kind from, provider_kind kind) -> std::optional<model_query> {
    if (query.model.kind != from)
      return std::nullopt;
    better.model.kind = kind;
    better.model.either_openai_api = true; // who was sent there may be sent back
    return better;
  };
  switch (error.needs) {
  case remedy::none:
    return std::nullopt;
  case remedy::responses_api:
    return to_kind(provider_kind::openai, provider_kind::openai_responses);
  case remedy::chat_completions:
    // Who wrote down that a server speaks Responses shall hear that it does not.
    return query.model.either_openai_api ? to_kind(provider_kind::openai_responses, provider_kind::openai)
                                         : std::nullopt;
  case remedy::no_thinking:
    better.without_thinking = true;
    return better;
  case remedy::no_pictures:
    better.without_pictures = true;
    return better;
  case remedy::no_summary:
    better.without_summary = true;
    return better;
  case remedy::no_stream:
    ask_without_stream(better);
    return better;
  case remedy::shorter:
    return better;
  }
  return std::nullopt;
}

namespace {

std::string sentence(std::string words) {
  if (!words.empty() && words.find_last_of(".!?") + 1 != words.size())
    words += '.';
  return words;
}

// The model is not there, by the vendors' own types: OpenAI's, Anthropic's, Google's.
bool names_no_model(const vendor_error& error) {
  return error.http_status == 404
    && (error.type == "model_not_found" || error.type == "not_found_error" || error.type == "NOT_FOUND"
        || error.type == "404");
}

} // namespace

caf::error describe_failure(const model_config& model, const attempt_outcome& outcome, int attempts) {
  const auto& error = *outcome.decoded.error;
  auto words = error.message; // the decoders took the key out of it
  auto tries = attempts > 1 ? " (tried " + std::to_string(attempts) + " times)" : std::string{};
  auto who = model.provider + " (" + model.name + ")";
  if (outcome.timed_out)
    return fail(errc::model_unreachable,
                who + " did not answer in time" + tries + ": " + sentence(words)
                  + " How long to wait is set by model_client.connect_max_ms, first_byte_max_ms and silence_max_ms.");
  if (error.needs == vendor_error::remedy::shorter)
    return fail(errc::model_rejected,
                "This chat is longer than " + who + " can hold, also without its older results: " + sentence(words)
                  + " Begin a new chat, fork an earlier turn of this one, or choose a model with a larger context.");
  if (outcome.had_content)
    return fail(errc::model_unreachable, who + " broke off in the middle of its answer" + tries + ": " + words);
  if (error.http_status == 0)
    return fail(errc::model_unreachable, who + " could not be reached" + tries + ": " + words);
  if (error.http_status >= 200 && error.http_status < 300)
    return fail(error.retryable ? errc::model_unreachable : errc::model_malformed,
                who + " reported an error" + tries + ": " + words);
  auto code = error.http_status == 429 || error.http_status >= 500 ? errc::model_unreachable : errc::model_rejected;
  auto verb = code == errc::model_rejected ? " refused the request" : " is unavailable";
  if (error.retry_after && *error.retry_after > std::chrono::seconds{1})
    words = sentence(words) + " It may be asked again in "
      + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*error.retry_after).count()) + " s.";
  if (names_no_model(error))
    if (auto proposal = proposal_for(model); !proposal.empty())
      words = sentence(words) + " " + proposal;
  if (error.http_status == 401 || error.http_status == 403)
    words += " Check the API key that is configured for " + model.provider + ".";
  return fail(code,
              who + verb + tries + ": HTTP " + std::to_string(error.http_status) + (words.empty() ? "" : ", " + words));
}

} // namespace varro
