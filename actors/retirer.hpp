// Deletes what nobody uses while the server runs: once a day, and when `varro retention run` asks for it.
//
// A thread of its own (job_thread.hpp), and a connection of its own to the database, as a command has one. A job that a
// crash or a stop has cut off goes on with the next start.
#pragma once

#include "actors/chat_registry.hpp"
#include "actors/job_thread.hpp"
#include "actors/retiring.hpp"
#include "actors/store.hpp"
#include "config/config_in_force.hpp"

#include <memory>
#include <optional>

namespace varro {

// How soon a job that somebody asks for is noticed, and one that failed is tried again for the first time.
inline constexpr std::chrono::seconds retention_looked_for{1};
// From one job's beginning to the next one's.
inline constexpr std::chrono::hours retention_period{24};

struct retirer_parts {
  chat_registry_impl_actor registry;
  store_impl_actor store;
};

class retirer {
public:
  // Each job goes by the rules that are in force when it begins, or goes on after a stop.
  retirer(caf::actor_system& system, std::shared_ptr<const config_in_force> in_force,
          std::unique_ptr<chat_database> book, retirer_parts parts);
  ~retirer(); // stops

  // Call once.
  void start();
  // After the chat that is being deleted. The actors have to be there until then.
  void stop();

private:
  // Looks whether a job is due, and does it.
  caf::error do_what_is_due(caf::scoped_actor& self, const std::stop_token& stop);
  caf::expected<std::optional<retention_job>> due_job(const config& settings);

  const std::shared_ptr<const config_in_force> in_force_;
  std::unique_ptr<chat_database> book_; // the thread's, after start()
  retirer_parts parts_;
  job_thread thread_; // the last member: it uses the others
};

} // namespace varro
