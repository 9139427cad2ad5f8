// What workspace_watch knows of one shell and its workspace. Its thread's own.
#pragma once

#include "shell/supervisor/process_tree.hpp"
#include "shell/supervisor/workspace_watch.hpp"

#include <algorithm>

namespace varro {

inline size_t above(size_t one, size_t other) {
  return one - std::min(one, other);
}

struct workspace_watch::place {
  watched_shell shell;
  descriptor directory;
  dev_t device = 0;
  bool running = false;       // a cell
  bool has_leftovers = false; // processes that a cell left
  bool is_gone = false;       // the shell; forgotten after the next walk
  bool is_due = true;         // to be measured, because it began or a cell ended
  bool is_ending = false;     // reported so
  workspace_usage usage{};    // when it was measured last, with files that have no name
  workspace_usage before{};   // when it was measured last before the running cell; or since the last one ended
  bool settles = false;       // the walk, what there is without a cell
  size_t told_bytes = 0;
  size_t first_bytes = 0;               // when it was measured first
  std::map<uint64_t, size_t> counted{}; // of the user's other shells: what `shell.left` knows of

  // When it stood still and was measured: since then it can have written no more than the file system has lost.
  space base_free{};
  workspace_usage base{};
  uint64_t base_look = 0;
  size_t others_bytes = 0; // that others are known to have written since
  size_t unseen_bytes = 0; // that it has written where nobody can look
  uint64_t processor_time = 0;

  std::optional<workspace_walk> walk;
  bool walk_is_stopped = false;
  space walk_free{};
  clock::time_point walk_began{}, walk_ended{};
  clock::duration walk_time{};
  stopped_processes stopped;
  std::optional<workspace_usage> stopped_at; // what it held when its cell was reported
  std::optional<clock::time_point> held_until;
  size_t held_free = 0;
};

} // namespace varro
