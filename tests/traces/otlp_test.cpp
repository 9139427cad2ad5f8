#include "traces/otlp.hpp"
#include "traces/trace_exporter.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace std::chrono_literals;

namespace {

run_trace_ptr small_trace() {
  run_trace trace;
  trace.id = {0x0af7651916cd43dd, 0x8448eb211c80319c};
  trace.root = 0x11;
  trace.begin = trace_clock::time_point{} + 1h;
  trace.end = trace.begin + 5us;
  trace.began_at_ns = 1'790'000'000'000'000'000;
  trace.about = {7, 42, 3, "anthropic:claude", "anthropic", "claude", 0};
  trace.status = "failed";
  trace.input_tokens = 10;
  trace.output_tokens = 20;
  span chat{span_name::model,  0x22,         0,        trace.begin + 1us, trace.begin + 3us,
            span_kind::client, "say \"hi\"", "refused"};
  chat.attributes.push_back({"gen_ai.response.finish_reasons", std::vector<std::string>{"stop", "length"}});
  span attempt{span_name::attempt, 0x33, 0x22, trace.begin + 1us, trace.begin + 2us};
  attempt.attributes.push_back({"varro.attempt", int64_t{1}});
  trace.spans = {chat, attempt};
  return std::make_shared<const run_trace>(std::move(trace));
}

transport_end answered(int status) {
  transport_end end;
  end.http_status = status;
  return end;
}

} // namespace

TEST_CASE("a trace is written exactly as OTLP's JSON has it") {
  const std::vector<run_trace_ptr> traces{small_trace()};
  CHECK(spans_of(traces) == 3);
  CHECK(
    otlp_request(traces, {"1.2", "me"})
    == R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"varro"}},)"
       R"({"key":"service.version","value":{"stringValue":"1.2"}},{"key":"service.instance.id","value":{"stringValue":"me"}}]},)"
       R"("scopeSpans":[{"scope":{"name":"varro","version":"1.2"},"spans":[)"
       R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"0000000000000011","flags":1,"name":"invoke_agent varro","kind":1,)"
       R"("startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000000000005000","attributes":[)"
       R"({"key":"gen_ai.operation.name","value":{"stringValue":"invoke_agent"}},{"key":"gen_ai.agent.name","value":{"stringValue":"varro"}},)"
       R"({"key":"gen_ai.provider.name","value":{"stringValue":"anthropic"}},{"key":"gen_ai.request.model","value":{"stringValue":"claude"}},)"
       R"({"key":"gen_ai.conversation.id","value":{"stringValue":"42"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"10"}},)"
       R"({"key":"gen_ai.usage.output_tokens","value":{"intValue":"20"}},{"key":"user.id","value":{"stringValue":"3"}},)"
       R"({"key":"varro.run.id","value":{"intValue":"7"}},{"key":"varro.run.status","value":{"stringValue":"failed"}},)"
       R"({"key":"varro.run.resumes","value":{"intValue":"0"}},{"key":"error.type","value":{"stringValue":"failed"}}],"status":{"code":2}},)"
       R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"0000000000000022","parentSpanId":"0000000000000011","flags":1,)"
       R"("name":"chat say \"hi\"","kind":3,"startTimeUnixNano":"1790000000000001000","endTimeUnixNano":"1790000000000003000",)"
       R"("attributes":[{"key":"gen_ai.response.finish_reasons","value":{"arrayValue":{"values":[{"stringValue":"stop"},{"stringValue":"length"}]}}},)"
       R"({"key":"error.type","value":{"stringValue":"refused"}}],"status":{"code":2}},)"
       R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"0000000000000033","parentSpanId":"0000000000000022","flags":1,)"
       R"("name":"model attempt","kind":1,"startTimeUnixNano":"1790000000000001000","endTimeUnixNano":"1790000000000002000",)"
       R"("attributes":[{"key":"varro.attempt","value":{"intValue":"1"}}]}]}]}]})");
}

TEST_CASE("a root with a parent of somebody else names it") {
  auto trace = *small_trace();
  trace.parent = trace_parent{trace.id, 0x99, true};
  const std::vector<run_trace_ptr> traces{std::make_shared<const run_trace>(std::move(trace))};
  CHECK(otlp_request(traces, {}).find(R"("spanId":"0000000000000011","parentSpanId":"0000000000000099")")
        != std::string::npos);
}

TEST_CASE("what a collector did not take is counted, and no more than was sent") {
  CHECK(rejected_spans("{}", 5) == 0);
  CHECK(rejected_spans("", 5) == 0);
  CHECK(rejected_spans("[1]", 5) == 0);
  CHECK(rejected_spans(R"({"partialSuccess":{"rejectedSpans":"3"}})", 5) == 3);
  CHECK(rejected_spans(R"({"partialSuccess":{"rejectedSpans":3}})", 5) == 3);
  CHECK(rejected_spans(R"({"partialSuccess":{"rejectedSpans":"99999999999999999999999"}})", 5) == 5);
  CHECK(rejected_spans(R"({"partialSuccess":{"rejectedSpans":-1}})", 5) == 0);
  CHECK(rejected_spans(R"({"partialSuccess":{"rejectedSpans":"many"}})", 5) == 0);
}

TEST_CASE("what may pass is tried again with growing pauses, a few times, and what is refused is not") {
  CHECK(verdict_on(answered(503), 1).pause == trace_backoff_first);
  CHECK(verdict_on(answered(429), 3).pause == 4 * trace_backoff_first);
  CHECK(verdict_on(answered(504), trace_retries_max).again);
  CHECK_FALSE(verdict_on(answered(504), trace_retries_max + 1).again);
  for (const int final_status : {200, 400, 401, 404, 413, 500})
    CHECK_FALSE(verdict_on(answered(final_status), 1).again);
  auto away = answered(0);
  away.why = transport_end::reason::connect_failed;
  CHECK(verdict_on(away, 1).again);
  away.why = transport_end::reason::cancelled;
  CHECK_FALSE(verdict_on(away, 1).again);
}

TEST_CASE("a collector's Retry-After is kept to, within a bound") {
  auto busy = answered(429);
  busy.retry_after = 7s;
  CHECK(verdict_on(busy, 1).pause == 7s);
  busy.retry_after = trace_retry_after_max;
  CHECK(verdict_on(busy, 1).pause == trace_retry_after_max);
  busy.retry_after = trace_retry_after_max + 1ms;
  CHECK(verdict_on(busy, 1).pause == trace_retry_after_max);
}
