// One run as a trace: what it did and waited for, as spans, from the request that asked for it to its end.
//
// Values, with the ids and relations of OpenTelemetry's data model (opentelemetry-proto 1.x, trace.proto) and of W3C
// Trace Context. No span holds anything that people, models or code said: names are words of this program, and
// attributes are ids, counts, names of models and words for outcomes. Pure functions but for the drawing of ids; any
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace varro {

// It never steps back, so that spans are nested as what they tell of was.
using trace_clock = std::chrono::steady_clock;

struct trace_id {
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const trace_id&) const = default;
};

// Random, never 0.
trace_id new_trace_id();
uint64_t new_span_id();

// As OTLP's JSON and traceparent write them: 32 and 16 lower-case hexadecimal digits.
std::string hex_of(const trace_id& id);
std::string hex_of(uint64_t span);

// Whether this trace belongs to a share of all, 0 to 1: by the 56 random bits of its id (W3C Trace Context, level 2),
// so that everybody who looks at the id says the same.
bool is_sampled(const trace_id& id, double share);

// The span of somebody else that a request came from.
struct trace_parent {
  trace_id trace;
  uint64_t span = 0;
  bool sampled = false; // they keep the trace
};

// The value of the field traceparent (https://www.w3.org/TR/trace-context/, "traceparent"); nullopt: it is none.
std::optional<trace_parent> parse_traceparent(std::string_view field);

// Where a turn comes from.
struct turn_origin {
  trace_clock::time_point asked_at = {};   // a worker took the request up; the epoch: nobody says when
  std::optional<trace_parent> parent = {}; // only of a request by a trusted proxy
};

// Texts that vendors choose, such as the name of the model that answered, are cut here.
inline constexpr size_t attribute_bytes_max = 200;
std::string attribute_text(std::string_view text);

struct span_attribute {
  std::string_view key; // a literal
  std::variant<int64_t, std::string, std::vector<std::string>> value;
};

// The numbers are OTLP's (Span.SpanKind).
enum class span_kind { internal = 1, server = 2, client = 3 };

// The names of spans, which are literals. What follows a name in a trace ("chat gpt-5") is span::target.
namespace span_name {
inline constexpr std::string_view run = "invoke_agent";      // the root; GenAI's name for it
inline constexpr std::string_view accept = "accept message"; // from the request to the committed message
inline constexpr std::string_view commit = "commit";         // asked for, until the database has it
inline constexpr std::string_view queue = "wait in queue";   // for a place among all runs
inline constexpr std::string_view model = "chat";            // one answer of a model, with all attempts; GenAI's name
inline constexpr std::string_view attempt = "model attempt"; // one request on the wire
inline constexpr std::string_view tool = "execute_tool";     // one tool call; GenAI's name
inline constexpr std::string_view shell_wait = "wait for shell"; // a tool call that waits for the chat's shell
inline constexpr std::string_view shell_start = "start shell";   // of a fresh one, with waiting for room
inline constexpr std::string_view restore = "restore variables"; // from the snapshot, or by running cells again
inline constexpr std::string_view cell = "run cell";             // from the shell's having it to its result
inline constexpr std::string_view publish = "publish";           // handing a committed step on to the viewers' side
inline constexpr std::string_view render = "render";             // making what viewers read of it
} // namespace span_name

struct span {
  std::string_view name; // of span_name
  uint64_t id = 0;
  uint64_t parent = 0; // 0: the root
  trace_clock::time_point begin = {};
  trace_clock::time_point end = {};
  span_kind kind = span_kind::internal;
  std::string target = {};
  std::string error = {}; // error.type; empty: it went well
  std::vector<span_attribute> attributes = {};
};

// Whose run it is.
struct traced_run {
  int64_t run = 0;
  int64_t chat = 0;
  int64_t user = 0;
  std::string model = {};       // model_config::id
  std::string provider = {};    // as the conventions name it
  std::string agent_model = {}; // the vendor's name of the model
  int64_t resumes = 0;          // how often it was taken up after a crash: the trace begins with the newest time
};

struct run_trace {
  trace_id id;
  uint64_t root = 0; // the root's span id
  std::optional<trace_parent> parent;
  bool exported = false; // it is one of those that go to the collector
  traced_run about;
  trace_clock::time_point begin = {};
  trace_clock::time_point end = {}; // the epoch: it is on
  int64_t began_at_ns = 0;          // Unix time of `begin`
  std::string status;               // of run_status; empty: it is on
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  std::vector<span> spans; // without the root, in the order in which they ended
  int64_t left_out = 0;    // spans beyond spans_of_run_max

  // Unix time in nanoseconds of a moment of this trace.
  int64_t unix_ns(trace_clock::time_point moment) const {
    return began_at_ns + std::chrono::duration_cast<std::chrono::nanoseconds>(moment - begin).count();
  }
};

// Memory that the trace takes, about.
size_t bytes_of(const run_trace& trace);

} // namespace varro
