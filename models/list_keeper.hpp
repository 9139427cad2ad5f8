// Keeps the catalog fresh: the cache file at first, then the providers' lists at the start and once in a while.
//
// One thread of its own. A list that cannot be had changes nothing but the log.
#pragma once

#include "models/catalog.hpp"
#include "models/list_fetch.hpp"

#include <condition_variable>
#include <filesystem>
#include <map>
#include <thread>

namespace varro {

inline constexpr std::chrono::minutes list_retry{10}; // after a fetch in which a list could not be had

class list_keeper {
public:
  list_keeper(std::shared_ptr<model_catalog> catalog, std::shared_ptr<http_transport> transport,
              const config& settings);
  ~list_keeper(); // stops

  // Publishes what the cache file has and begins to ask. Call once.
  void start();
  // Until every provider has a list, or has failed to give one; at most so long.
  void wait(std::chrono::milliseconds max);
  // Goes on with another configuration: at once with the lists that are known of its providers, which are then asked
  // anew. Breaks off what is under way. By the thread that starts and stops.
  void exchange(const config& settings);
  // Breaks off what is under way.
  void stop();

private:
  void begin();
  void forget_others();
  void run(const std::stop_token& stop);
  bool fetch_all(const std::stop_token& stop); // false: a list is missing
  bool take(list_answer&& answer);             // false: it is no list
  void tell_failure(const provider_config& from, const caf::error& problem);
  bool has_all() const;

  const std::shared_ptr<model_catalog> catalog_;
  const std::shared_ptr<http_transport> transport_;
  std::vector<provider_config> providers_;
  model_lists_config limits_;
  const std::filesystem::path file_;
  std::vector<cached_list> lists_;               // the thread's, after start()
  std::map<std::string, std::string> last_told_; // by provider: the same failure is told once
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool settled_ = false; // GUARDED_BY(mutex_): there is a list of each, or the first round is over
  std::jthread thread_;  // the last member: it uses the others
};

} // namespace varro
