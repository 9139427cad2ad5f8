// Sends traces to a collector: batches of whole traces, one request at a time, on a thread of its own.
//
// What the collector refuses for the moment, or what does not reach it, is sent again a few times with pauses (OTLP,
// "Retryable Response Codes"; its Retry-After is kept to). Meanwhile further traces wait in the recorder's queue, which
// drops what it has no room for. Nobody else ever waits for a collector.
#pragma once

#include "base/run_traces.hpp"
#include "config/config.hpp"
#include "models/transport.hpp"
#include "traces/otlp.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace varro {

inline constexpr std::chrono::milliseconds trace_period{1'000};        // from one look at the queue to the next
inline constexpr int trace_retries_max = 4;                            // of one batch; then it is dropped
inline constexpr std::chrono::milliseconds trace_backoff_first{1'000}; // doubles with each
inline constexpr std::chrono::milliseconds trace_retry_after_max{60'000};
inline constexpr std::chrono::milliseconds trace_flush_max{1'000}; // of a stop, for all that is left
inline constexpr size_t trace_answer_bytes_max = 64u << 10;

// What becomes of a batch after an attempt. Pure; for tests.
struct trace_verdict {
  bool again = false;
  std::chrono::milliseconds pause{0}; // before that
};
trace_verdict verdict_on(const transport_end& end, int attempts);

class trace_exporter {
public:
  // REQUIRES: settings.otlp_url is not empty. `traces` and the transport outlive it.
  trace_exporter(run_traces& traces, std::shared_ptr<http_transport> transport, const trace_config& settings,
                 std::string version);
  ~trace_exporter(); // stops

  void start();
  // Waits for what is on its way and sends what is left, for at most trace_flush_max each, and ends the thread.
  void stop();

private:
  struct transfer;

  void run(const std::stop_token& stop);
  void flush();
  void send_with_retries(const std::vector<run_trace_ptr>& batch, const std::stop_token& stop);
  // One attempt, which ends after `max` or, where `stop` is given, with it.
  transport_end send(const std::string& body, std::chrono::milliseconds max, const std::stop_token& stop,
                     std::string& answer);
  void settle(const transport_end& end, std::string_view answer, size_t spans);
  void pause(std::chrono::milliseconds max, const std::stop_token& stop);

  run_traces& traces_;
  const std::shared_ptr<http_transport> transport_;
  const trace_config settings_;
  const trace_source source_;
  http_request request_;      // without its body
  bool told_failure_ = false; // the same trouble is told once
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_; // the last member: it uses the others
};

} // namespace varro
