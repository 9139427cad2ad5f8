#include "traces/otlp.hpp"

#include "base/json.hpp"

#include <algorithm>
#include <utility>

namespace varro {

namespace {

constexpr int status_error = 2; // Status.StatusCode
constexpr int flag_sampled = 1; // SpanFlags: the flags of W3C Trace Context

void append_text(std::string& to, std::string_view text) {
  const bool is_plain
    = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
  if (!is_plain) {
    to += dump_json(json(text));
    return;
  }
  to += '"';
  to += text;
  to += '"';
}

// Written piece by piece: a tree of JSON values would cost more than all else that a trace does.
class attribute_writer {
public:
  explicit attribute_writer(std::string& to) : to_(to) {
    to_ += "\"attributes\":[";
  }
  void end() {
    to_ += ']';
  }
  void add(std::string_view key, int64_t number) {
    begin(key);
    to_ += "{\"intValue\":\"";
    to_ += std::to_string(number);
    to_ += "\"}}";
  }
  void add(std::string_view key, std::string_view text) {
    begin(key);
    append_string(text);
    to_ += '}';
  }
  void add(std::string_view key, const std::vector<std::string>& texts) {
    begin(key);
    to_ += "{\"arrayValue\":{\"values\":[";
    for (size_t i = 0; i < texts.size(); ++i) {
      if (i > 0)
        to_ += ',';
      append_string(texts[i]);
    }
    to_ += "]}}}";
  }

private:
  void begin(std::string_view key) {
    if (!std::exchange(first_, false))
      to_ += ',';
    to_ += "{\"key\":";
    append_text(to_, key);
    to_ += ",\"value\":";
  }
  void append_string(std::string_view text) {
    to_ += "{\"stringValue\":";
    append_text(to_, text);
    to_ += '}';
  }

  std::string& to_;
  bool first_ = true;
};

void append_ids(std::string& to, const run_trace& trace, uint64_t id, uint64_t parent) {
  to += "{\"traceId\":\"";
  to += hex_of(trace.id);
  to += "\",\"spanId\":\"";
  to += hex_of(id);
  if (parent != 0) {
    to += "\",\"parentSpanId\":\"";
    to += hex_of(parent);
  }
  to += "\",\"flags\":";
  to += std::to_string(flag_sampled);
}

void append_times(std::string& to, const run_trace& trace, trace_clock::time_point begin, trace_clock::time_point end) {
  to += ",\"startTimeUnixNano\":\"";
  to += std::to_string(trace.unix_ns(begin));
  to += "\",\"endTimeUnixNano\":\"";
  to += std::to_string(trace.unix_ns(std::max(begin, end)));
  to += "\",";
}

void append_status(std::string& to, bool failed) {
  if (failed) {
    to += ",\"status\":{\"code\":";
    to += std::to_string(status_error);
    to += '}';
  }
  to += '}';
}

void append_name(std::string& to, std::string_view name, std::string_view target, span_kind kind) {
  std::string whole{name};
  if (!target.empty()) {
    whole += ' ';
    whole += target;
  }
  to += ",\"name\":";
  append_text(to, whole);
  to += ",\"kind\":";
  to += std::to_string(static_cast<int>(kind));
}

void append_root(std::string& to, const run_trace& trace) {
  append_ids(to, trace, trace.root, trace.parent ? trace.parent->span : 0);
  append_name(to, span_name::run, "varro", span_kind::internal);
  append_times(to, trace, trace.begin, trace.end);
  attribute_writer attributes{to};
  const auto& about = trace.about;
  attributes.add("gen_ai.operation.name", std::string_view{"invoke_agent"});
  attributes.add("gen_ai.agent.name", std::string_view{"varro"});
  attributes.add("gen_ai.provider.name", about.provider);
  attributes.add("gen_ai.request.model", about.agent_model);
  attributes.add("gen_ai.conversation.id", std::to_string(about.chat));
  attributes.add("gen_ai.usage.input_tokens", trace.input_tokens);
  attributes.add("gen_ai.usage.output_tokens", trace.output_tokens);
  attributes.add("user.id", std::to_string(about.user));
  attributes.add("varro.run.id", about.run);
  attributes.add("varro.run.status", trace.status);
  attributes.add("varro.run.resumes", about.resumes);
  const bool failed = trace.status == "failed";
  if (failed)
    attributes.add("error.type", trace.status);
  if (trace.left_out > 0)
    attributes.add("varro.spans.left_out", trace.left_out);
  attributes.end();
  append_status(to, failed);
}

void append_span(std::string& to, const run_trace& trace, const span& each) {
  append_ids(to, trace, each.id, each.parent == 0 ? trace.root : each.parent);
  append_name(to, each.name, each.target, each.kind);
  append_times(to, trace, each.begin, each.end);
  attribute_writer attributes{to};
  for (const auto& [key, value] : each.attributes)
    std::visit([&, name = key](const auto& one) { attributes.add(name, one); }, value);
  if (!each.error.empty())
    attributes.add("error.type", each.error);
  attributes.end();
  append_status(to, !each.error.empty());
}

} // namespace

size_t spans_of(std::span<const run_trace_ptr> traces) {
  size_t count = 0;
  for (const auto& trace : traces)
    count += trace->spans.size() + 1;
  return count;
}

std::string otlp_request(std::span<const run_trace_ptr> traces, const trace_source& from) {
  constexpr size_t usual_span_bytes = 500;
  std::string body;
  body.reserve((spans_of(traces) + 1) * usual_span_bytes);
  body += "{\"resourceSpans\":[{\"resource\":{";
  attribute_writer resource{body};
  resource.add("service.name", std::string_view{"varro"});
  resource.add("service.version", from.version);
  resource.add("service.instance.id", from.instance);
  resource.end();
  body += "},\"scopeSpans\":[{\"scope\":{\"name\":\"varro\",\"version\":";
  append_text(body, from.version);
  body += "},\"spans\":[";
  bool first = true;
  for (const auto& trace : traces) {
    if (!std::exchange(first, false))
      body += ',';
    append_root(body, *trace);
    for (const auto& each : trace->spans) {
      body += ',';
      append_span(body, *trace, each);
    }
  }
  body += "]}]}]}";
  return body;
}

size_t rejected_spans(std::string_view answer, size_t sent) {
  const auto told = parse_json(answer);
  if (!told || !told->is_object() || !told->contains("partialSuccess") || !told->at("partialSuccess").is_object())
    return 0;
  const auto& partial = told->at("partialSuccess");
  const auto found = partial.find("rejectedSpans");
  if (found == partial.end())
    return 0;
  if (found->is_number_integer())
    return static_cast<size_t>(std::clamp<int64_t>(found->get<int64_t>(), 0, static_cast<int64_t>(sent)));
  if (!found->is_string())
    return 0;
  size_t count = 0; // as a decimal string
  for (const char c : found->get_ref<const std::string&>()) {
    if (c < '0' || c > '9')
      return 0;
    count = std::min(count * 10 + static_cast<size_t>(c - '0'), sent);
  }
  return count;
}

bool is_sent_again(int http_status) {
  return http_status == 429 || http_status == 502 || http_status == 503 || http_status == 504;
}

} // namespace varro
