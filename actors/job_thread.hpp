// A thread that looks for work again and again, with an actor of its own to ask others by, until it is stopped.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

namespace varro {

// The longest pause after looks that failed, which doubles with each. Something may fail for long: as long as a backup
// reads an earlier state, the database cannot be written anew.
inline constexpr std::chrono::seconds job_pause_max{64};

class job_thread {
public:
  // One look at what is to be done, and its doing. What it returns is why something is left, in one sentence for the
  // log, or nothing. It looks at the token between two steps, and leaves the rest for later.
  using look = std::function<std::string(caf::scoped_actor& self, const std::stop_token& stop)>;

  job_thread(caf::actor_system& system, std::chrono::seconds looked_for);
  ~job_thread(); // stops

  // Call once. The first look is at once. The same failure is told once, until a look went well.
  void start(look work);
  // After the step that is under way.
  void stop();

private:
  void run(const look& work, const std::stop_token& stop);

  caf::actor_system& system_;
  const std::chrono::seconds looked_for_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_; // the last member: it uses the others
};

// Asks an actor and waits for its answer, however long that takes.
template <class Result, class Actor, class... Arguments>
caf::expected<Result> ask_and_wait(caf::scoped_actor& self, const Actor& actor, const Arguments&... arguments) {
  caf::expected<Result> result{caf::error{}};
  self->request(actor, caf::infinite, arguments...)
    .receive([&](Result& answer) { result = std::move(answer); },
             [&](caf::error& error) { result = std::move(error); });
  return result;
}

} // namespace varro
