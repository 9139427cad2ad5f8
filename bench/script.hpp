// What varro-model answers: the types of a script, how a script file is read, and which rule a request matches.
//
// The format is described in bench/README.md. Values; one thread at a time.
#pragma once

#include "base/json.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varro::bench {

using std::chrono::milliseconds;

// The wires. `openai` is chat completions, which many servers speak; `google` is generateContent.
enum class vendor { anthropic, openai, openai_responses, google };

// --- an answer -------------------------------------------------------------------------------------------------------

struct thinking_block {
  std::string text;
  std::optional<std::string> signature; // none: one that belongs to the text
};
struct redacted_block {
  std::string data; // on OpenAI's wire nothing is sent
};
struct text_block {
  std::string text;
};
struct tool_block {
  std::string name;
  std::string arguments; // JSON text, or whatever raw text the script wants
  std::string id;        // empty: one is made
};
using answer_block = std::variant<thinking_block, redacted_block, text_block, tool_block>;

struct answer_usage {
  std::optional<int64_t> input; // none: estimated from the request's and the answer's bytes
  std::optional<int64_t> output;
  int64_t cache_read = 0;
  int64_t cache_write = 0;
  int64_t reasoning = 0;
};

struct answer_error {
  int status = 500;
  std::string type; // empty: the vendor's type of this status
  std::string message = "scripted error";
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::string> body; // instead of the vendor's error shape
};

struct answer {
  enum class cut { none, before_head, after_head, middle };

  std::vector<answer_block> blocks;
  answer_usage usage;
  std::string stop;                         // empty: as the blocks say; else a neutral word or the vendor's own
  std::optional<std::string> refusal;       // the model refuses, with this explanation
  std::optional<answer_error> error;        // instead of everything else
  std::optional<answer_error> stream_error; // on a stream: after the blocks, instead of the end
  cut drop = cut::none;                     // closes the connection there
  cut hold = cut::none;                     // waits there for ever, or for POST /__release
  milliseconds first_byte{0};
  milliseconds between_chunks{0};
  int chunks = 3;                                    // pieces of each block's text or arguments
  std::string reasoning_field = "reasoning_content"; // OpenAI's wire: or "reasoning"

  // Only the first `attempts` requests with the same messages meet error, stream_error, drop and hold (0: all do).
  int attempts = 0;

  bool calls_tools() const;
};

// --- a request, as far as rules look at it ---------------------------------------------------------------------------

struct responses_facts {
  json echo;              // the fields of the request that the response repeats
  bool encrypted = false; // asks for `reasoning.encrypted_content`
  bool stored = true;
  bool obfuscated = true; // deltas are padded
};

struct binding_outcome; // anthropic_binding.hpp

struct request_facts {
  vendor api = vendor::anthropic;
  std::string model;
  bool stream = false;
  bool include_usage = true;  // OpenAI: stream_options.include_usage
  bool thinking = false;      // Anthropic: asked for
  bool thoughts_shown = true; // the request's settings let the client see the text of thinking
  bool thinks = true;         // they let the model think at all
  std::string user_text;      // of the last user message that is not only tool results
  int responses = 0;          // model responses since it
  int tool_results = 0;       // tool results since it
  std::string last_result;    // text of the newest tool result of the turn
  std::set<std::string> tools;
  size_t body_bytes = 0;
  uint64_t history_hash = 0; // equal for a repeated attempt
  responses_facts responses_wire;
  bool in_array = false;                          // Google: the stream is one JSON array
  std::shared_ptr<const binding_outcome> binding; // Anthropic: what stands before the response
  bool binding_told = false;                      // it says what became of thinking blocks
};
// Google has the model in the path, and whether to stream.
request_facts facts_of(vendor api, const json& body, size_t body_bytes, const std::string& path_model = "",
                       bool path_streams = false);

// --- rules -----------------------------------------------------------------------------------------------------------

struct condition {
  std::optional<vendor> api;
  std::optional<std::string> model;
  std::optional<std::string> user_contains;
  std::optional<std::regex> user_matches;
  std::optional<int> tool_results;
  std::optional<int> response;
  std::set<uint64_t> requests; // nth request of all, from 1; empty: any
  std::set<uint64_t> matches;  // nth time that everything else holds, from 1; empty: any
};

struct rule {
  condition when;
  answer then;
};

struct script {
  std::vector<rule> rules;
  std::optional<answer> otherwise;
  std::optional<int64_t> context_tokens; // longer requests are refused; 0: none is
};

// The error names the place in the file, as "rules[2].answer.parts[0]: …".
std::optional<script> read_script(const json& value, std::string& error);
std::optional<answer> read_answer(const json& value, const std::string& where, std::string& error);

// Counts requests and matches; the first rule that holds answers.
class script_matcher {
public:
  explicit script_matcher(script rules) : script_(std::move(rules)) {}

  // nth is this request's number, from 1. Null when neither a rule nor `otherwise` answers; rules only if `rules_only`.
  const answer* find_rule(const request_facts& facts, uint64_t nth);
  const answer* otherwise() const;
  std::optional<int64_t> context_tokens() const {
    return script_.context_tokens;
  }

  // Whether this answer's failure is to happen for this request, or has happened often enough.
  bool fails(const answer& what, const request_facts& facts);

private:
  script script_;
  std::map<size_t, uint64_t> matches_;
  std::map<std::pair<uint64_t, int>, int> attempts_; // by history and response number
};

// --- directives inside a prompt, and the built-in answers
// --------------------------------------------------------------

// The answers that `[[text: …]]`, `[[python: …]]` … in a prompt ask for, one for each response of the turn; empty when
// there are none.
std::vector<answer> answers_in(const std::string& prompt);

struct default_script {
  std::string code = "6 * 7"; // of the one python call; empty: texts only
  milliseconds first_byte{0};
  milliseconds between_chunks{0};
};
answer default_answer(const request_facts& facts, const default_script& how);

// Replaces {{user}}, {{result}}, {{model}} and {{request}} in all blocks; {{now_us}} is left for the moment of sending.
void fill_in(answer& what, const request_facts& facts, uint64_t nth);

inline constexpr std::string_view now_marker = "{{now_us}}";
void stamp(std::string& bytes, int64_t now_us); // replaces every now_marker

} // namespace varro::bench
