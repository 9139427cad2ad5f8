// An answer in the vendors' wire formats: event streams, JSON bodies and errors, as their servers write them.
//
// Pure functions but for the ids they make; one thread at a time.
#pragma once

#include "bench/script.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro::bench {

struct wire_answer {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  bool stream = false;             // pieces are sent chunked, `between_chunks` apart
  std::vector<std::string> pieces; // the body; now_marker inside is replaced when a piece is sent
};

// The answer to a request that was accepted; its error, if it has one, is error_on_wire().
wire_answer answer_on_wire(const answer& what, const request_facts& facts);
wire_answer anthropic_answer(const answer& what, const request_facts& facts);
wire_answer openai_answer(const answer& what, const request_facts& facts);

wire_answer error_on_wire(vendor api, const answer_error& what);

// A problem that a validator found: HTTP status, the vendor's type, its words, and for OpenAI the parameter.
struct request_problem {
  int status = 400;
  std::string type = "invalid_request_error";
  std::string message;
  std::string param;
};
wire_answer problem_on_wire(vendor api, const request_problem& what);

// The vendor's type for this status: "rate_limit_error" for 429 at Anthropic.
std::string error_type(vendor api, int status);

// --- shared by the two formats
// -----------------------------------------------------------------------------------------

// The signature that belongs to a thinking text; a request that sends back another is refused.
std::string signature_of(std::string_view thinking);

// A new id: `prefix` and `length` letters and digits, never the same twice in one process.
std::string new_id(std::string_view prefix, size_t length);

// Tool calls after thinking carry a mark in their id, so that a request that lost the thinking is noticed.
std::string new_tool_id(bool after_thinking);
bool follows_thinking(std::string_view tool_id);

// `count` pieces (fewer if the text is short, one if it is empty), cut between characters and never inside now_marker.
std::vector<std::string> split_text(std::string_view text, int count);

struct token_counts {
  int64_t input = 0;
  int64_t output = 0;
};
token_counts counted(const answer& what, const request_facts& facts);

} // namespace varro::bench
