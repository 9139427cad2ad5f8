// Requests to language models: encodes, sends through the transport, decodes on the transport's thread, tries again.
//
// What is retried: no connection, a connection that drops or falls silent, HTTP 408, 409, 429, 5xx (529 too), and what
// the vendor calls overloaded inside a 200 stream. Also in the middle of an answer: viewers see whole nodes only, so
// nothing of it was shown. A time limit that ended an attempt is no reason to pay more than once more. An answer that
// only stops, without its API's sign that it is whole, is asked for again once; where that comes to the same, it is the
// server's way of ending. Between attempts: the vendor's retry-after, else exponential back-off with jitter. Errors
// hold the vendor's words and never a key.
//
// What is mended: a refusal whose words say what the same question would need (vendor_error::needs) is asked once more
// in that way, at once: a shorter history, OpenAI's other API, without pictures or thinking that the vendor does not
// take back. Each remedy is tried once for a request, shortening a few times. A refusal in words that nobody knows, of
// a request with pictures or documents, is tried once without them, and one of a long history once with half of it.
//
// Each request that is asked for takes the configuration that is in force then, for itself and for those under way:
// their next attempt goes by its times and numbers. Which server is asked, and with which key, is of the query: a
// request, and a run, keeps the model that it began with. What was learned of models is forgotten with a reload, after
// which other servers may stand behind their names.
#pragma once

#include "actors/interfaces.hpp"
#include "base/run_traces.hpp"
#include "config/config_in_force.hpp"
#include "models/context_window.hpp"
#include "models/transport.hpp"

#include <map>
#include <optional>
#include <random>
#include <set>

namespace varro {

// Times that one request is made shorter and asked again: the vendor's count may be far from ours.
inline constexpr int shortenings_max = 3;

// Estimated tokens of a request from which on a refusal in unknown words may be about its length.
inline constexpr int64_t guessed_length_min = 8'000;

struct pending_query {
  model_query query; // as it was asked
  model_query sent;  // as it was sent last: fitted into the model's context, with remedies
  fitted_history fitted;
  agent_run_actor asker; // may be of another kind in tests: only told of what failed attempts used
  caf::typed_response_promise<model_response> promise;
  const model_provider* provider = nullptr;
  int64_t ticket = 0; // of the current attempt; what comes for an older one is dropped
  http_transport::request_id request = 0;
  int attempts = 0;
  int timeouts = 0;                        // attempts that a time limit ended
  int unmarked_ends = 0;                   // answers that stopped without their API's sign that they are whole
  std::set<vendor_error::remedy> remedies; // those that were tried
  int64_t tokens_max = 0;                  // that the request may hold; 0: not known
  provider_kind usual_kind = provider_kind::offline; // the wire of this model, if nothing else was learned
  bool guessed_length = false;                       // a refusal in unknown words was taken for one of the length
  int shortenings = 0;                               // of a request that is too long
  int64_t refused_tokens = 0; // by our estimate, of the request that the vendor refused as too long
  caf::error refusal;         // and what the user reads if it cannot be made shorter
  unix_us sent_at = 0;        // the current attempt
  open_span traced;           // it
  bool in_flight = false;     // an attempt is with the transport, and not between two of them
  bool cancelled = false;     // the answer is what was received until then
};

// Chats whose requests were refused as too long and that are remembered; beyond it all are forgotten, and are refused
// once more.
inline constexpr size_t learned_estimates_max = 10'000;

struct model_client_state {
  static inline const char* name = "model_client";
  std::shared_ptr<const config_in_force> in_force;
  std::shared_ptr<const config> settings; // in force when something was asked for last
  std::shared_ptr<http_transport> transport;
  picture_scaler_actor pictures;            // null: histories go as they are
  std::map<int64_t, pending_query> pending; // by run
  // Which of OpenAI's two APIs a model turned out to need, by its id: the next request begins with that.
  std::map<std::string, provider_kind> learned_kinds;
  // What vendors said about models whose context is not known, by the model's id: tokens of a request.
  std::map<std::string, int64_t> learned_limits;
  // What a request of a chat may be by our own estimate, after one was refused as too long; by model and conversation.
  std::map<std::pair<std::string, std::string>, int64_t> learned_estimates;
  // Models, by id, whose streams do not say that they are whole: what they send is taken for it. The others are asked
  // once more, as after any stream that broke.
  std::set<std::string> without_end_marks;
  std::set<std::string> without_streams;   // models, by id, that refused to stream: OpenAI wants verified organizations
  std::set<std::string> without_summaries; // providers that refused to sum up the reasoning, so are not asked to again
  int64_t last_ticket = 0;
  std::mt19937 random{std::random_device{}()};
};

model_client_actor::behavior_type model_client(model_client_actor::stateful_pointer<model_client_state> self,
                                               std::shared_ptr<const config_in_force> in_force,
                                               std::shared_ptr<http_transport> transport,
                                               picture_scaler_actor pictures);

} // namespace varro
