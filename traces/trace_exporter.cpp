#include "traces/trace_exporter.hpp"

#include "base/log.hpp"
#include "config/trace_checks.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace varro {

using reason = transport_end::reason;

trace_verdict verdict_on(const transport_end& end, int attempts) {
  const bool answered = end.why == reason::complete;
  const bool may_pass = answered
    ? is_sent_again(end.http_status)
    : end.why == reason::connect_failed || end.why == reason::dropped || end.why == reason::timed_out;
  if (!may_pass || attempts > trace_retries_max)
    return {};
  const auto usual = trace_backoff_first * (1 << (attempts - 1));
  return {true,
          std::clamp<std::chrono::milliseconds>(end.retry_after.value_or(usual), std::chrono::milliseconds{0},
                                                trace_retry_after_max)};
}

// What the transport's thread and the exporter's share of one attempt.
struct trace_exporter::transfer {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::string answer;               // of the transport's thread until it has ended
  std::optional<transport_end> end; // GUARDED_BY(mutex)
};

trace_exporter::trace_exporter(run_traces& traces, std::shared_ptr<http_transport> transport,
                               const trace_config& settings, std::string version)
  : traces_(traces), transport_(std::move(transport)), settings_(settings),
    source_{std::move(version), hex_of(new_trace_id())} {
  request_.url = settings.otlp_url;
  request_.headers.emplace_back("Content-Type", "application/json");
  request_.headers.emplace_back("User-Agent", "varro/" + source_.version);
  if (auto fields = otlp_headers(settings.otlp_headers))
    std::move(fields->begin(), fields->end(), std::back_inserter(request_.headers));
}

trace_exporter::~trace_exporter() {
  stop();
}

void trace_exporter::start() {
  thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

void trace_exporter::stop() {
  thread_.request_stop();
  if (thread_.joinable())
    thread_.join();
}

void trace_exporter::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto batch = traces_.take(settings_.batch_spans_max, false);
    if (batch.empty())
      pause(trace_period, stop);
    else
      send_with_retries(batch, stop);
  }
  flush();
}

void trace_exporter::pause(std::chrono::milliseconds max, const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, stop, max, [] { return false; });
}

void trace_exporter::send_with_retries(const std::vector<run_trace_ptr>& batch, const std::stop_token& stop) {
  const auto body = otlp_request(batch, source_);
  std::string answer;
  for (int attempt = 1;; ++attempt) {
    const auto end = send(body, settings_.export_max, stop, answer);
    const auto verdict = verdict_on(end, attempt);
    if (!verdict.again || stop.stop_requested()) {
      settle(end, answer, spans_of(batch));
      return;
    }
    pause(verdict.pause, stop);
  }
}

void trace_exporter::flush() {
  const auto deadline = std::chrono::steady_clock::now() + trace_flush_max;
  for (auto batch = traces_.take(settings_.batch_spans_max, true); !batch.empty();
       batch = traces_.take(settings_.batch_spans_max, true)) {
    const auto left
      = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    std::string answer;
    transport_end end;
    end.why = reason::cancelled;
    if (left.count() > 0)
      end = send(otlp_request(batch, source_), std::min(left, settings_.export_max), {}, answer);
    settle(end, answer, spans_of(batch));
  }
}

transport_end trace_exporter::send(const std::string& body, std::chrono::milliseconds max, const std::stop_token& stop,
                                   std::string& answer) {
  auto shared = std::make_shared<transfer>();
  transport_limits limits;
  limits.connect_max = limits.first_byte_max = limits.silence_max = limits.total_max = max;
  limits.response_bytes_max = trace_answer_bytes_max;
  transport_callbacks callbacks;
  callbacks.on_head = [](int, std::string_view) {};
  callbacks.on_bytes = [shared](std::string_view bytes) { shared->answer += bytes; };
  callbacks.on_end = [shared](const transport_end& end) {
    std::lock_guard guard{shared->mutex};
    shared->end = end;
    shared->changed.notify_all();
  };
  auto request = request_;
  request.body = body;
  const auto id = transport_->start(std::move(request), limits, std::move(callbacks));
  std::unique_lock lock{shared->mutex};
  const auto ended = [&] { return shared->end.has_value(); };
  // A stop does not wait out a collector that is slow: what it has not taken by then is given up.
  if (!shared->changed.wait(lock, stop, ended)) {
    shared->changed.wait_for(lock, trace_flush_max, ended);
    if (!ended()) {
      lock.unlock();
      transport_->cancel(id);
      lock.lock();
    }
    shared->changed.wait(lock, ended); // each request has its end, also a cancelled one
  }
  answer = std::move(shared->answer);
  return *shared->end;
}

void trace_exporter::settle(const transport_end& end, std::string_view answer, size_t spans) {
  const bool taken = end.why == reason::complete && end.http_status >= 200 && end.http_status <= 299;
  const auto rejected = taken ? rejected_spans(answer, spans) : spans;
  traces_.note_exported(spans - rejected);
  traces_.note_refused(rejected);
  if (taken)
    told_failure_ = false;
  else if (end.why != reason::cancelled && !std::exchange(told_failure_, true))
    log(log_level::warning,
        "traces could not be sent to trace.otlp_url: "
          + (end.why == reason::complete ? "status " + std::to_string(end.http_status) : end.detail)
          + "; this is told once until it works again");
}

} // namespace varro
