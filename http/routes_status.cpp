// Liveness, readiness, metrics: for machines, without a login, numbers only.
#include "http/routes.hpp"

#include <fstream>

namespace varro {

namespace {

reply plain(int status, std::string text) {
  reply result;
  result.status = status;
  result.content_type = "text/plain; charset=utf-8";
  result.body = std::move(text);
  return result;
}

// Fields of /proc/self/status: "Threads", "VmRSS" (KiB).
int64_t process_number(std::string_view field) {
  std::ifstream file{"/proc/self/status"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(field) && line.size() > field.size() && line[field.size()] == ':')
      return std::atoll(line.c_str() + field.size() + 1);
  return 0;
}

void gauge(std::string& out, std::string_view name, std::string_view help, int64_t value) {
  out += "# HELP " + std::string{name} + " " + std::string{help} + "\n# TYPE " + std::string{name} + " gauge\n"
    + std::string{name} + " " + std::to_string(value) + "\n";
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

reply show_metrics(application& app, const route_call&) {
  std::string out;
  if (auto counts = app.ask<actor_counts>(app.services.registry, count_atom_v)) {
    gauge(out, "varro_sessions", "Chat sessions in memory.", counts->sessions);
    gauge(out, "varro_runs", "Runs that are on or wait for a place.", counts->runs);
    gauge(out, "varro_runs_waiting", "Runs that wait for a place.", counts->waiting_runs);
  }
  if (auto viewers = app.ask<int64_t>(app.services.gateway, count_atom_v))
    gauge(out, "varro_viewers", "Open event streams.", *viewers);
  if (auto counts = app.ask<actor_counts>(app.services.shells, stats_atom_v)) {
    gauge(out, "varro_shells", "Live Python shells.", counts->shells);
    gauge(out, "varro_shells_waiting", "Python shells that wait for room.", counts->waiting_shells);
  }
  gauge(out, "varro_connections", "Open HTTP connections without event streams.",
        static_cast<int64_t>(app.open_connections()));
  gauge(out, "varro_threads", "Threads of the server process.", process_number("Threads"));
  gauge(out, "varro_resident_bytes", "Resident memory of the server process.", process_number("VmRSS") * 1024);
  out += "# HELP varro_requests_total Answered requests.\n# TYPE varro_requests_total counter\n";
  for (size_t status = 0; status < app.counts.by_status.size(); ++status)
    if (auto count = app.counts.by_status[status].load(); count > 0)
      out += "varro_requests_total{status=\"" + std::to_string(status) + "\"} " + std::to_string(count) + "\n";
  auto result = plain(200, std::move(out));
  result.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return result;
}

} // namespace varro
