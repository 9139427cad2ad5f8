// Asks the provider of --auth oidc again and again whether those who are logged in still may be, a few at a time.
//
// Each login is asked about twice within oidc.recheck, and by one thread at a time: where a refresh token is renewed by
// its use, a second use of the former one would end the login.
#pragma once

#include "http/oidc_service.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace varro {

inline constexpr int oidc_rechecks_at_once = 4; // each on a thread of its own
inline constexpr int oidc_due_max = 100;        // logins that are taken out of the database at a time

class oidc_rechecks {
public:
  // `service` outlives it.
  oidc_rechecks(oidc_service& service, const oidc_config& settings);
  ~oidc_rechecks(); // stops

  void start();
  // Waits for those under way: end what the service asks first.
  void stop();

private:
  void run(const std::stop_token& stop);
  // Fills waiting_ where it is empty. REQUIRES: mutex_ is held.
  void look_for_due();
  void tell(const std::string& problem);

  oidc_service& service_;
  const std::chrono::microseconds step_;  // an eighth of oidc.recheck: how often is looked
  const std::chrono::microseconds after_; // the half of it: what was confirmed so long ago is due

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<oidc_login> waiting_;                      // GUARDED_BY(mutex_)
  std::set<std::string> under_way_;                     // GUARDED_BY(mutex_): token hashes, waiting ones too
  std::unordered_map<std::string, unix_us> not_before_; // GUARDED_BY(mutex_): of those about which nobody could tell
  std::string last_told_;                               // GUARDED_BY(mutex_)
  std::vector<std::jthread> threads_;
};

} // namespace varro
