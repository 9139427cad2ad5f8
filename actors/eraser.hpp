// Erases users while the server runs: looks for erasures that `varro user erase` has noted, or a crash has cut off, and
// has the owners of what is to go do each step.
//
// A thread of its own (job_thread.hpp), and a connection of its own to the database, as a command has one.
#pragma once

#include "actors/chat_registry.hpp"
#include "actors/chat_search.hpp"
#include "actors/job_thread.hpp"
#include "actors/store.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace varro {

// How soon an erasure is noticed, and a step that failed is tried again for the first time.
inline constexpr std::chrono::seconds erasures_looked_for{1};

struct eraser_parts {
  chat_registry_impl_actor registry;
  chat_search_impl_actor search;
  store_impl_actor store;
};

class eraser {
public:
  eraser(caf::actor_system& system, std::filesystem::path data_dir, std::unique_ptr<chat_database> book,
         eraser_parts parts);
  ~eraser(); // stops

  // Call once.
  void start();
  // After the step that is under way. The actors have to be there until then.
  void stop();

private:
  // Why something is left, which is tried again; empty: nothing is.
  std::string erase_all(caf::scoped_actor& self, const std::stop_token& stop);

  const std::filesystem::path data_dir_;
  std::unique_ptr<chat_database> book_; // the thread's, after start()
  eraser_parts parts_;
  job_thread thread_; // the last member: it uses the others
};

} // namespace varro
