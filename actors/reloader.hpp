// Takes up a changed configuration while the server runs: for SIGHUP.
//
// The file is read as at the start, from the same place, with the same environment and command line, and checked as a
// whole. Where anything is wrong nothing changes, and the log says what, as a start would. Else what a reload can
// change (config/config_changes.hpp) is in force for the next turn, request or job; each name of what waits for the
// next start is a warning. Nothing is ended or dropped.
//
// A run that is on keeps its model, that model's server and key, and the limits of a turn ([agent]) that it began with.
// Limits of users hold for its next request or cell. What a request costs is by the prices that are in force when its
// row is written, which is when its answer is there.
#pragma once

#include "actors/interfaces.hpp"
#include "config/config_in_force.hpp"
#include "config/load.hpp"
#include "models/list_keeper.hpp"

#include <memory>

namespace varro {

class reloader {
public:
  // sources: of the start. `lists` is there as long as this object.
  reloader(load_sources sources, std::shared_ptr<config_in_force> in_force, list_keeper& lists, store_actor store);

  // Blocks for the file, for models on this machine where none is configured (local_models.hpp), and until a request
  // for a list of models is broken off. Not on an actor's thread; by the thread that starts and stops `lists`.
  void reload();

private:
  const load_sources sources_;
  const std::shared_ptr<config_in_force> in_force_;
  list_keeper& lists_;
  const store_actor store_;
};

} // namespace varro
