// How a model vendor is spoken to: encode a query into one HTTP request, decode what comes back into one response.
//
// Providers are pure: no network, no clock but timestamp_now(), no shared state. Any thread may call. The transport and
// the retries are models/transport.hpp and actors/model_client.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"
#include "models/message.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro {

struct tool_definition {
  std::string name;
  std::string description;
  json parameters = json::object(); // JSON Schema of the arguments, an object schema
};

// Everything that one request to a model depends on.
struct model_query {
  model_config model;   // which model of which provider, and what it can do
  message_list history; // ends with a request, or with a response that paused (`pause_turn`)
  std::string instructions;
  std::vector<tool_definition> tools;
  json settings
    = nullptr; // per-query overrides in pydantic-ai's ModelSettings names (max_tokens, temperature, top_p,
               // stop_sequences, tool_choice, parallel_tool_calls, thinking…); null means the model's defaults
  std::string conversation_id;
  // Left out of this request because the vendor refused it with them (vendor_error::needs).
  bool without_thinking = false; // thinking of earlier answers
  bool without_pictures = false; // pictures and documents: their notes stand in their place
  bool without_summary = false;  // the wish for a summary of the reasoning
};

struct http_request {
  std::string method = "POST";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers; // may hold a key: never log
  std::string body;
};

// One failed attempt, as the vendor told it.
struct vendor_error {
  int http_status = 0;    // 0 when the connection failed; that of the response also when a stream carried the error
  std::string type;       // the vendor's own type or code, may be empty
  std::string message;    // the vendor's words, without keys and headers; at most 2,000 bytes
  bool retryable = false; // by the vendor's meaning (overloaded_error in a stream…), beside the status rule
  // What the same question would need to be answered, where the vendor's words tell it.
  enum class remedy {
    none,
    shorter,          // the request does not fit the model's context
    responses_api,    // OpenAI: this model, or tools with this model, only there
    chat_completions, // the server knows no Responses API
    no_thinking,      // thinking of earlier answers was not accepted back
    no_pictures,      // a picture or document in the history was not accepted
    no_summary,       // OpenAI: summaries of the reasoning are for verified organizations only
    no_stream,        // OpenAI: the same of streams, for some models
  };
  remedy needs = remedy::none;
  std::optional<std::chrono::milliseconds> retry_after = {};
};

// Reads one HTTP response incrementally. Not thread-safe: one thread feeds it.
class response_decoder {
public:
  virtual ~response_decoder() = default;

  // Bytes of the body, cut anywhere. Never throws; a malformed body shows in finish().
  virtual void feed(std::string_view bytes) = 0;

  // True once content (not only a header, ping or comment) has arrived: it was probably billed.
  virtual bool has_content() const = 0;

  // The body is complete, or (`connection_lost`) broke off. Exactly one of response and error is set in the outcome.
  struct outcome {
    std::optional<model_response> response;
    std::optional<vendor_error> error;
    bool unmarked_end = false; // of a response: it stopped without the sign by which its API says that it is whole
  };
  virtual outcome finish(bool connection_lost) = 0;

  // What was received so far as a response in state "interrupted", with its usage, without tool calls (nobody will run
  // them); for a cancelled request.
  virtual model_response partial() const = 0;
};

class model_provider {
public:
  virtual ~model_provider() = default;

  // REQUIRES: query.history is not null. Requests always stream, unless settings has "stream": false (tests).
  virtual caf::expected<http_request> encode(const model_query& query) const = 0;

  // A decoder for a response with this status and content type (with or without parameters): an event stream, a whole
  // JSON body (servers that ignore `stream`), or an error body.
  virtual std::unique_ptr<response_decoder> decoder(const model_query& query, int http_status,
                                                    std::string_view content_type) const
    = 0;
};

// The adapter for a kind of wire; offline has no wire and is not here (models/offline/offline.hpp).
const model_provider& anthropic_provider();
const model_provider& openai_chat_provider();
const model_provider& openai_responses_provider();
const model_provider& google_provider();
const model_provider& provider_for(provider_kind kind); // REQUIRES: kind is not offline

} // namespace varro
