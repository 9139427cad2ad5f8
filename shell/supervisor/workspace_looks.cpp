// How workspace_watch looks into a workspace, and what follows from it.
#include "shell/shell_process.hpp"
#include "shell/supervisor/nameless_files.hpp"
#include "shell/supervisor/process_tree.hpp"
#include "shell/supervisor/watched_place.hpp"

#include <csignal>

namespace varro {

namespace {

using namespace std::chrono_literals;

constexpr auto slice = 5ms;             // of a walk, before others are looked at
constexpr auto stand_still_max = 50ms;  // until a system call in progress is over
constexpr auto interrupt_max = 1'000ms; // until the server has interrupted a cell
constexpr size_t grace_files = 1'000;

} // namespace

void workspace_watch::begin_walk(place& each, bool stopped) {
  each.walk_is_stopped = stopped;
  if (stopped)
    each.stopped.stop(each.shell.init, processes_max_, stand_still_max);
  look_at_space();
  each.walk_free = free_;
  each.walk_began = clock::now();
  each.processor_time = processor_time_of(each.shell.python);
  each.settles = each.settles || each.is_due;
  each.is_due = false;
  // Beyond the quota, so that a workspace that is over can be seen to grow.
  each.walk.emplace(each.directory, files_counted(limits_));
}

// Whether any is under way.
bool workspace_watch::walk_on() {
  bool any = false;
  for (auto& [number, each] : places_) {
    if (!each.walk)
      continue;
    if (each.walk->step(clock::now() + slice))
      finish_walk(each);
    any = any || each.walk;
  }
  return any;
}

void workspace_watch::set_base(place& each, space free, const workspace_usage& usage) {
  // What it wrote since its former base explains what those have seen to go whose base is older than that.
  auto growth = each.base_look == 0 ? 0 : above(usage.bytes, each.base.bytes);
  for (auto& [number, other] : places_)
    if (&other != &each && other.base_look <= each.base_look)
      other.others_bytes += growth;
  each.base_free = free;
  each.base = usage;
  each.base_look = ++looks_;
  each.others_bytes = 0;
}

void workspace_watch::finish_walk(place& each) {
  auto named = each.walk->usage();
  each.walk.reset();
  each.walk_ended = clock::now();
  each.walk_time = each.walk_ended - each.walk_began;
  std::vector<pid_t> processes;
  if (!each.is_gone)
    processes = processes_of(each.shell.init, processes_max_);
  auto nameless = nameless_files_of(processes, each.device, each.shell.channel);
  // A cell is noted before it can begin. So one that may have written what was just read is known from here on, and
  // `before` is what was there without it.
  take_changes();
  each.usage = {named.bytes + nameless.bytes, named.files + nameless.files};
  bool stopped = each.walk_is_stopped;
  bool still
    = stopped || (!each.running && !each.has_leftovers && processor_time_of(each.shell.python) == each.processor_time);
  if (still) {
    auto unexplained = above(fall_of(each, each.walk_free), above(each.usage.bytes, each.base.bytes));
    each.unseen_bytes = nameless.may_be_more ? each.unseen_bytes + unexplained : 0;
  }
  if (still)
    set_base(each, each.walk_free, each.usage);
  each.usage.bytes += each.unseen_bytes;
  each.has_leftovers = processes.size() > own_processes;
  tell_usage(each, !each.running);
  judge(each, named, stopped);
}

void workspace_watch::judge(place& each, const workspace_usage& named, bool stopped) {
  auto left = left_for(each);
  bool over_own = is_over_quota(each.usage, limits_);
  // A cell that makes room may make a file for that, or write a little while there are too many files.
  bool grew = (each.usage.bytes > each.before.bytes && each.usage.bytes > std::min(limits_.workspace_bytes_max, left))
    || (each.usage.files > each.before.files && each.usage.files > static_cast<size_t>(limits_.workspace_files_max));
  bool is_nameless = !is_over_quota(named, limits_) && !is_over_user_quota(named, left);
  if (each.is_gone || !grew) {
    each.stopped.go_on();
  } else if (!stopped) {
    begin_walk(each, true); // what moves meanwhile may have been counted twice
    return;
  } else if (each.running && !each.stopped_at && !is_nameless) {
    each.stopped_at = each.usage;
    auto why = over_own
      ? quota_text(each.usage, limits_)
      : std::to_string(each.usage.bytes >> 20) + " MiB; " + user_quota_text(left, limits_, each.shell.quota);
    report(each, workspace_report::kind::over,
           "The workspace is over its quota, and the cell was stopped: it holds " + why
             + ". Delete files; the variables are kept.");
    if (!has_server_)
      send_signal(each.shell.python_handle.get(), SIGINT);
    each.held_until = clock::now() + interrupt_max;
    each.held_free = free_.bytes;
  } else if (each.running && each.stopped_at && each.usage.bytes <= each.stopped_at->bytes + grace_bytes
             && each.usage.files <= each.stopped_at->files + grace_files) {
    each.stopped.go_on();
  } else if (!each.running && !is_nameless && (each.settles || each.is_due)) {
    each.stopped.go_on(); // the cell is over, maybe since the look began, and the next one that writes is stopped
  } else {
    each.is_ending = true;
    report(each, workspace_report::kind::end, over_own ? "workspace quota" : "user quota");
    return; // it stands still until it is gone
  }
  each.settles = false;
  if (!each.running)
    each.before = each.usage;
}

// The interrupt is there before the cell goes on; a long system call does not wait for it.
void workspace_watch::hold_on(place& each) {
  bool writes_on = above(each.held_free, free_.bytes) > 2 * grace_bytes && !each.stopped.stand_still();
  if (writes_on) {
    each.held_until.reset();
    each.is_ending = true;
    report(each, workspace_report::kind::end, is_over_quota(each.usage, limits_) ? "workspace quota" : "user quota");
  } else if (!each.running || waits_for_interrupt(each.shell.python) || clock::now() > *each.held_until) {
    each.held_until.reset();
    each.stopped.go_on();
  }
}

} // namespace varro
