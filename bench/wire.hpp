// An answer in the vendors' wire formats: event streams, JSON bodies and errors, as their servers write them.
//
// Pure functions but for the ids they make; one thread at a time.
#pragma once

#include "bench/script.hpp"

#include <optional>
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
wire_answer responses_answer(const answer& what, const request_facts& facts);
wire_answer google_answer(const answer& what, const request_facts& facts);

wire_answer error_on_wire(vendor api, const answer_error& what);

// A problem that a validator found: HTTP status, the vendor's type, its words, and for OpenAI the parameter and code.
struct request_problem {
  int status = 400;
  std::string type = "invalid_request_error";
  std::string message;
  std::string param;
  std::string code;
};
wire_answer problem_on_wire(vendor api, const request_problem& what);

// The vendor's type for this status: "rate_limit_error" for 429 at Anthropic.
std::string error_type(vendor api, int status);

// --- shared by the formats -------------------------------------------------------------------------------------------

// Twenty letters and digits that stand for a text.
std::string mark_of(std::string_view text);

// A new id: `prefix` and `length` letters and digits, never the same twice in one process.
std::string new_id(std::string_view prefix, size_t length);

// Tool calls carry marks in their ids: those after thinking, so that a request that lost the thinking is noticed, and
// those whose arguments are no JSON, of which every client makes something else.
std::string new_tool_id(bool after_thinking, bool broken_input = false);
bool follows_thinking(std::string_view tool_id);
bool has_broken_input(std::string_view tool_id);

// A text that only this program can have made, as the vendors' encrypted ones: `prefix`, a mark of what it is bound to,
// random characters, and a check over them all.
std::string sealed(std::string_view prefix, std::string_view bound_to);
bool is_sealed(std::string_view text, std::string_view prefix); // unchanged since it was made
bool is_bound(std::string_view text, std::string_view prefix, std::string_view to);

inline constexpr std::string_view reasoning_seal = "gAAAAAB"; // OpenAI's encrypted reasoning, bound to the item's id
inline constexpr std::string_view thought_seal = "EvMBCvAB";  // Google's thought signature, bound to the model
// What a script chooses instead of a made seal or signature; it is not checked when it comes back.
inline constexpr std::string_view scripted_seal = "scripted";

// The id of an item of a response: whether it is stored, and whether it needs the reasoning item with the same `tail`
// before it, can be read from it when it comes back.
struct item_id {
  bool follows_reasoning = false;
  bool stored = true;
  std::string tail;
};
std::string text_of(const item_id& id, std::string_view prefix); // prefix "rs_", "msg_" or "fc_"
std::optional<item_id> read_item_id(std::string_view id);        // nullopt: not made by this program

// `count` pieces (fewer if the text is short, one if it is empty), cut between characters and never inside now_marker.
std::vector<std::string> split_text(std::string_view text, int count);

struct token_counts {
  int64_t input = 0;
  int64_t output = 0;
};
token_counts counted(const answer& what, const request_facts& facts);

} // namespace varro::bench
