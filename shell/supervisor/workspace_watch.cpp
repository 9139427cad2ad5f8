#include "shell/supervisor/process_tree.hpp"
#include "shell/supervisor/watched_place.hpp"

#include <algorithm>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace varro {

namespace {

using namespace std::chrono_literals;

constexpr size_t fastest_writer = size_t{4} << 30; // bytes a second
constexpr auto pause_min = 2ms;                    // while something that may write runs
constexpr auto quiet_pause_min = 10ms;             // while nothing does
constexpr auto pause_max = 250ms;
constexpr auto measured_every = 1'000ms; // a running shell, or ten times what measuring takes
constexpr size_t fall_min = 1u << 20;    // of free bytes: less is not looked into
constexpr size_t fall_files_min = 64;

void raise(const descriptor& event) {
  uint64_t one = 1;
  (void)!write(event.get(), &one, sizeof one);
}

void lower(const descriptor& event) {
  uint64_t count = 0;
  (void)!read(event.get(), &count, sizeof count);
}

} // namespace

workspace_watch::workspace_watch(std::filesystem::path workspaces, const shell_config& limits)
  : workspaces_(std::move(workspaces)), limits_(limits),
    processes_max_(static_cast<size_t>(limits.processes_max) + own_processes),
    reported_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), changed_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
    thread_([this] { run(); }) {
  // nop
}

workspace_watch::~workspace_watch() {
  {
    std::lock_guard guard{mutex_};
    ending_ = true;
  }
  raise(changed_);
  thread_.join();
}

std::vector<workspace_report> workspace_watch::take() {
  lower(reported_);
  std::lock_guard guard{mutex_};
  return std::exchange(reports_, {});
}

void workspace_watch::change(std::function<void()> what) {
  {
    std::lock_guard guard{mutex_};
    changes_.push_back(std::move(what));
  }
  raise(changed_);
}

void workspace_watch::begin(watched_shell shell) {
  change([this, made = std::make_shared<watched_shell>(std::move(shell))] {
    auto& each = places_[made->number];
    each.shell = std::move(*made);
    auto path = workspaces_ / each.shell.workspace;
    each.directory = descriptor{open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat status{};
    if (fstat(each.directory.get(), &status) == 0)
      each.device = status.st_dev;
    each.usage = each.before = each.base = each.shell.usage;
    each.first_bytes = each.usage.bytes;
    set_left(each, each.shell.left);
    look_at_space();
    each.base_free = free_;
  });
}

void workspace_watch::allow(uint64_t shell, size_t left, std::string quota) {
  change([=, this, quota = std::move(quota)] {
    auto found = places_.find(shell);
    if (found == places_.end())
      return;
    found->second.shell.quota = quota;
    set_left(found->second, left);
  });
}

void workspace_watch::note_cell(uint64_t shell, bool running) {
  change([=, this] {
    auto found = places_.find(shell);
    if (found == places_.end())
      return;
    auto& each = found->second;
    each.running = running;
    each.stopped_at.reset();
    each.is_due = each.is_due || !running;
    if (each.held_until.has_value()) {
      each.held_until.reset();
      each.stopped.go_on();
    }
    if (!running)
      return;
    // What the last cell wrote may not be measured yet. Then it counts as this one's: a burst in the first moments of
    // a cell must not pass for what was there before.
    each.before = each.usage;
  });
}

void workspace_watch::end(uint64_t shell) {
  change([=, this] {
    if (auto found = places_.find(shell); found != places_.end()) {
      found->second.stopped.go_on();
      found->second.is_gone = found->second.is_due = true;
      found->second.running = found->second.has_leftovers = false;
    }
  });
}

void workspace_watch::note_server(bool is_there) {
  change([=, this] {
    has_server_ = is_there;
    for (auto& [number, each] : places_) {
      each.told_bytes = is_there ? 0 : each.told_bytes;
      if (is_there)
        tell_usage(each, true);
    }
  });
}

void workspace_watch::run() {
  bool is_walking = false;
  for (;;) {
    pollfd one{changed_.get(), POLLIN, 0};
    poll(&one, 1, is_walking ? 0 : places_.empty() ? -1 : static_cast<int>(pause().count()));
    lower(changed_);
    {
      std::lock_guard guard{mutex_};
      if (ending_)
        return;
    }
    take_changes();
    look_at_space();
    for (auto& [number, each] : places_)
      look_at(each);
    is_walking = walk_on();
    std::erase_if(places_, [](const auto& entry) {
      const auto& each = entry.second;
      return each.is_gone && !each.is_due && !each.walk;
    });
  }
}

void workspace_watch::take_changes() {
  std::vector<std::function<void()>> changes;
  {
    std::lock_guard guard{mutex_};
    changes = std::exchange(changes_, {});
  }
  for (auto& each : changes)
    each();
}

void workspace_watch::look_at_space() {
  struct statvfs now{};
  if (statvfs(workspaces_.c_str(), &now) != 0)
    return;
  free_ = {static_cast<size_t>(now.f_bfree) * now.f_frsize, static_cast<size_t>(now.f_ffree)};
  for (auto& [number, each] : places_) {
    each.base_free.bytes = std::max(each.base_free.bytes, free_.bytes);
    each.base_free.files = std::max(each.base_free.files, free_.files);
  }
}

// The time in which the fastest writer uses up what is left of the tightest quota.
std::chrono::milliseconds workspace_watch::pause() const {
  auto shortest = pause_max;
  for (const auto& [number, each] : places_) {
    bool may_write = each.running || each.has_leftovers || each.held_until;
    auto time = std::chrono::milliseconds{above(budget_of(each), fall_of(each, free_)) / (fastest_writer / 1'000)};
    shortest = std::min(shortest, std::max<std::chrono::milliseconds>(time, may_write ? pause_min : quiet_pause_min));
  }
  return shortest;
}

bool workspace_watch::share_quota(const place& one, const place& other) {
  return one.shell.user == other.shell.user && one.shell.chat != other.shell.chat;
}

// What the user's other workspaces have grown by since the server reckoned is not in `left`.
size_t workspace_watch::left_for(const place& each) const {
  auto left = each.shell.left;
  for (const auto& [number, other] : places_) {
    if (!share_quota(each, other))
      continue;
    auto counted = each.counted.find(number);
    left = above(left, above(other.usage.bytes, counted == each.counted.end() ? other.first_bytes : counted->second));
  }
  return left;
}

void workspace_watch::set_left(place& each, size_t left) {
  each.shell.left = left;
  each.counted.clear();
  for (const auto& [number, other] : places_)
    if (share_quota(each, other))
      each.counted[number] = other.told_bytes;
}

size_t workspace_watch::budget_of(const place& each) const {
  if (each.stopped_at)
    return above(each.stopped_at->bytes + grace_bytes, each.base.bytes + each.unseen_bytes);
  return above(std::min(limits_.workspace_bytes_max, left_for(each)), each.base.bytes + each.unseen_bytes);
}

size_t workspace_watch::fall_of(const place& each, space free) const {
  return above(above(each.base_free.bytes, free.bytes), each.others_bytes);
}

bool workspace_watch::may_have_written(place& each) {
  auto time = processor_time_of(each.shell.python);
  return std::exchange(each.processor_time, time) != time || each.running || each.has_leftovers;
}

void workspace_watch::look_at(place& each) {
  if (each.held_until)
    hold_on(each);
  if (each.is_ending || each.held_until || (each.walk && each.walk_is_stopped))
    return;
  auto fall = fall_of(each, free_);
  auto fall_files = above(each.base_free.files, free_.files);
  bool is_suspect = !each.is_gone
    && (fall >= std::max(budget_of(each), fall_min)
        || fall_files >= std::max(above(limits_.workspace_files_max, each.base.files), fall_files_min));
  if (is_suspect && may_have_written(each)) {
    begin_walk(each, true);
  } else if (is_suspect) {
    set_base(each, free_, each.base);
  } else if (!each.walk) {
    auto now = clock::now();
    bool is_late = now - each.walk_ended > std::max<clock::duration>(measured_every, 10 * each.walk_time);
    if (each.is_due || (is_late && (each.running || (each.has_leftovers && fall >= fall_min))))
      begin_walk(each, each.has_leftovers && !each.running);
  }
}

void workspace_watch::tell_usage(place& each, bool at_end) {
  auto changed = std::max(above(each.usage.bytes, each.told_bytes), above(each.told_bytes, each.usage.bytes));
  if (changed == 0 || (!at_end && changed < usage_step_bytes))
    return;
  each.told_bytes = each.usage.bytes;
  report(each, workspace_report::kind::usage);
}

void workspace_watch::report(const place& each, workspace_report::kind what, std::string why) {
  {
    std::lock_guard guard{mutex_};
    reports_.push_back({what, each.shell.number, each.shell.user, each.shell.chat, each.usage.bytes, std::move(why)});
  }
  raise(reported_);
}

} // namespace varro
