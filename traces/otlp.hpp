// Traces as OTLP has them over HTTP, in JSON: the body of a POST to /v1/traces, and what its answer means.
//
// opentelemetry-proto 1.x (trace.proto, trace_service.proto) in the JSON of
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: names in lowerCamelCase, ids in hexadecimal digits,
// 64-bit integers as decimal strings, enumerations as numbers. Pure functions, any thread.
#pragma once

#include "base/kept_traces.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Who sends them, told once in each request.
struct trace_source {
  std::string version;  // service.version
  std::string instance; // service.instance.id: this process
};

// The spans that these traces have together, with their roots.
size_t spans_of(std::span<const run_trace_ptr> traces);

// An ExportTraceServiceRequest.
std::string otlp_request(std::span<const run_trace_ptr> traces, const trace_source& from);

// How many spans a collector that answered 200 did not take (partialSuccess.rejectedSpans); at most `sent`.
size_t rejected_spans(std::string_view answer, size_t sent);

// Statuses after which the same request may be sent again (OTLP, "Retryable Response Codes").
bool is_sent_again(int http_status);

} // namespace varro
