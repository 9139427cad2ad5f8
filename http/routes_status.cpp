// Liveness, readiness, metrics: for machines, without a login, numbers only.
#include "actors/live_shell.hpp"
#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/run_traces.hpp"
#include "http/anonymous_forms.hpp"
#include "http/metrics_readers.hpp"
#include "http/routes.hpp"

#include <chrono>
#include <fstream>
#include <map>

#include <sys/resource.h>

namespace varro {

namespace {

constexpr double kib = 1'024;

reply plain(int status, std::string text) {
  reply result;
  result.status = status;
  result.content_type = "text/plain; charset=utf-8";
  result.body = std::move(text);
  return result;
}

// A field of one of the kernel's tables, such as "Threads" of /proc/self/status, or of /proc/meminfo in KiB.
int64_t kernel_number(const char* table, std::string_view field) {
  std::ifstream file{table};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(field) && line.size() > field.size() && line[field.size()] == ':')
      return std::atoll(line.c_str() + field.size() + 1);
  return 0;
}

double processor_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  constexpr double micro = 1e-6;
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
    + static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * micro;
}

class readings {
public:
  explicit readings(application& app) : app_(app) {}

  void gauge(const char* name, const char* help, double value,
             std::vector<std::pair<std::string, std::string>> labels = {}) {
    all.push_back({name, help, std::move(labels), value, false});
  }
  void gauge(const char* name, const char* help, int64_t value) {
    gauge(name, help, static_cast<double>(value));
  }
  void counter(const char* name, const char* help, double value,
               std::vector<std::pair<std::string, std::string>> labels = {}) {
    all.push_back({name, help, std::move(labels), value, true});
  }

  // Asks an actor, and tells how long it had this question wait: CAF does not let others see how long a mailbox is.
  template <class Result, class Handle, class... Ts>
  caf::expected<Result> ask(const char* actor, const Handle& handle, const Ts&... message) {
    const auto begin = std::chrono::steady_clock::now();
    auto answer = app_.ask<Result>(handle, message...);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    gauge("varro_actor_answer_seconds", "How long a question for these numbers waited in an actor's mailbox.",
          took.count(), {{"actor", actor}});
    return answer;
  }

  std::vector<metric_reading> all;

private:
  application& app_;
};

void read_shells(application& app, readings& to) {
  if (auto counts = to.ask<actor_counts>("shell_host", app.services.shells, stats_atom_v)) {
    to.gauge("varro_shells", "Live Python shells.", counts->shells);
    to.gauge("varro_shells_waiting", "Python shells that wait for room.", counts->waiting_shells);
  }
  auto live = app.ask<live_shells>(app.services.shells, list_atom_v);
  if (!live || !*live)
    return;
  std::map<std::string, double> by_state{{"starting", 0}, {"idle", 0}, {"busy", 0}, {"closing", 0}};
  double bytes = 0;
  for (const auto& shell : **live) {
    ++by_state[shell.state];
    bytes += static_cast<double>(shell.files_bytes);
  }
  for (const auto& [state, count] : by_state)
    to.gauge("varro_shell_states", "Python shells by what they do.", count, {{"state", state}});
  to.gauge("varro_shell_files_bytes", "What the workspaces of live shells hold.", bytes);
}

void read_process(application& app, readings& to) {
  to.gauge("varro_connections", "Open HTTP connections without event streams.",
           static_cast<int64_t>(app.open_connections()));
  to.gauge("varro_threads", "Threads of the server process.", kernel_number("/proc/self/status", "Threads"));
  to.gauge("varro_resident_bytes", "Resident memory of the server process.",
           static_cast<double>(kernel_number("/proc/self/status", "VmRSS")) * kib);
  to.gauge("varro_machine_available_bytes",
           "Memory that is available on the machine, by which shells are put to sleep.",
           static_cast<double>(kernel_number("/proc/meminfo", "MemAvailable")) * kib);
  to.counter("varro_processor_seconds_total", "Processor time of the server process, without shells.",
             processor_seconds());
  to.gauge("varro_build_info", "Always 1; the label says which version runs.", 1.0, {{"version", VARRO_VERSION}});
}

void read_traces(readings& to) {
  auto& traces = process_traces();
  const auto counts = traces.counts();
  const auto count = [&](const char* result, uint64_t spans) {
    to.counter("varro_trace_spans_total", "Spans of sampled turns by what became of them.", static_cast<double>(spans),
               {{"result", result}});
  };
  count("exported", counts.exported);
  count("refused", counts.refused);
  count("queue_full", counts.queue_full);
  to.gauge("varro_trace_spans_waiting", "Spans that wait to be sent to the collector.",
           static_cast<int64_t>(traces.queued_spans()));
}

} // namespace

reply show_health(application&, const route_call&) {
  return plain(200, "ok\n");
}

reply show_readiness(application& app, const route_call&) {
  auto store = app.ask<done_atom>(app.services.reader, ready_atom_v);
  if (!store)
    return plain(503, "the database cannot be read\n");
  auto shells = app.ask<int64_t>(app.services.shells, count_atom_v);
  if (!shells)
    return plain(503, "Python shells cannot be started\n");
  return plain(200, "ready\n");
}

namespace {

std::optional<reply> refuse_metrics(application& app, const received_request& request) {
  switch (right_to_metrics(request, app.settings_now()->metrics)) {
  case metrics_right::granted:
    return std::nullopt;
  case metrics_right::refused:
    return plain(403,
                 "Numbers are told to metrics.allowed_addresses, without a proxy between, and to whoever sends the "
                 "token (docs/metrics.md).\n");
  case metrics_right::wrong_token:
    break;
  }
  const auto now = now_us();
  const bool too_many = !app.token_failures.allowed(request.peer, now);
  app.token_failures.count(request.peer, now);
  if (too_many)
    return with_retry_after(plain(429, "Too many tokens that are not that of metrics. Wait a few minutes.\n"),
                            app.settings.auth.attempts_window);
  auto result = plain(401, "This is not the token of metrics.\n");
  result.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"varro\", error=\"invalid_token\"");
  return result;
}

} // namespace

reply show_metrics(application& app, const route_call& call) {
  if (auto refused = refuse_metrics(app, call.request))
    return std::move(*refused);
  readings now{app};
  if (auto counts = now.ask<actor_counts>("chat_registry", app.services.registry, count_atom_v)) {
    now.gauge("varro_sessions", "Chat sessions in memory.", counts->sessions);
    now.gauge("varro_runs", "Runs that are on or wait for a place.", counts->runs);
    now.gauge("varro_runs_waiting", "Runs that wait for a place.", counts->waiting_runs);
  }
  if (auto viewers = now.ask<int64_t>("http_gateway", app.services.gateway, count_atom_v))
    now.gauge("varro_viewers", "Open event streams.", *viewers);
  (void)now.ask<done_atom>("store_reader", app.services.reader, ready_atom_v);
  read_shells(app, now);
  read_process(app, now);
  read_traces(now);
  for (size_t status = 0; status < app.counts.by_status.size(); ++status)
    if (auto count = app.counts.by_status[status].load(); count > 0)
      now.counter("varro_requests_total", "Answered requests.", static_cast<double>(count),
                  {{"status", std::to_string(status)}});
  auto result = plain(200, process_metrics().text(now.all));
  result.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return result;
}

} // namespace varro
