// Recorded exchanges with real model APIs, replayed through an adapter: what it makes of the vendor's answers, and
// whether the requests that it builds mean the same as the recorded ones.
//
// The recordings stand beside the source tree (../shared/wire) or where VARRO_WIRE_DIR says. One thread.
#pragma once

#include "models/provider.hpp"

#include <optional>
#include <string>
#include <vector>

namespace varro::test {

struct recorded_exchange {
  json request; // the body
  std::string path;
  int status = 0;
  std::string content_type;
  std::string response; // the body's bytes: an event stream, or JSON text
};

struct recording {
  std::string name; // of the file
  std::string vendor;
  provider_kind kind = provider_kind::anthropic;
  std::vector<recorded_exchange> exchanges;
  json parsed = nullptr; // messages/parsed of the same name, or null
};

// Where the recordings are, or nothing when they are not there.
std::optional<std::string> wire_directory();

// The recordings of one kind, "anthropic", "openai-chat" or "google", by name.
std::vector<recording> recordings_of(const std::string& kind);

// The model that an exchange asked, as a configuration of ours.
model_config model_of(const recording& file, const recorded_exchange& exchange);

// How a body is cut into pieces on its way into a decoder.
enum class cuts { none, every_byte, random };
response_decoder::outcome decode(const recording& file, const recorded_exchange& exchange, cuts how);

// A response with everything that differs from one decoding to the next (clock, made ids) replaced.
json steady(const model_response& response);

// Where `actual` differs from `expected`, "" when it does not. In `expected`, texts like "$IsStr" stand for any text.
std::string difference(const json& expected, const json& actual, const std::string& path = "");

// The same for a response of messages/parsed: what depends on the run (ids of run and conversation, clock, URL) is left
// out.
std::string response_difference(const json& expected, const json& actual);

// The query whose encoding should mean what exchange `index` recorded. Its history holds our own decoding of the
// earlier exchanges' answers, and everything else from the recorded request.
model_query query_for(const recording& file, size_t index);

// Whether that history goes on from an answer of our own decoding (else the request starts a conversation).
bool goes_on(const recording& file, size_t index);

// A request's body without what means nothing or the same. The rules stand beside their code.
json canonical_request(provider_kind kind, json body);

} // namespace varro::test
