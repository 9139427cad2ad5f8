// What --auth oidc needs besides accounts: the provider, logins under way, and what is kept of those that hold.
//
// One object per server; methods: any worker, and the threads of oidc_rechecks.hpp. Those that ask the provider wait
// for it.
#pragma once

#include "accounts/accounts.hpp"
#include "accounts/claims.hpp"
#include "accounts/hash_gate.hpp"
#include "accounts/oidc_client.hpp"
#include "accounts/sealing.hpp"
#include "actors/interfaces.hpp"
#include "storage/chat_database.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// While the provider confirms nothing, because it cannot be reached or answers nonsense, a browser session lasts so
// many times oidc.recheck from the last confirmation on; then it ends.
inline constexpr int oidc_outage_factor = 10;

// Logins that this server began and that failed on their way back from the provider, and likewise failed logout orders,
// that one address may cause within auth.attempts_window_seconds: each makes the provider work.
inline constexpr int oidc_failures_max = 30;

// Until when a session holds that the provider confirmed at `at`.
unix_us confirmed_until(const oidc_config& settings, unix_us at);

// What became of a login. `refused`: why somebody may not come in, for the audit (refusal_reason::…); null where they
// do, or where the store could not say.
struct oidc_begun {
  caf::error error;
  const char* refused = nullptr;
};

class oidc_service {
public:
  // `reader`: a connection of its own. The settings outlive it.
  oidc_service(caf::actor_system& system, const config& settings, std::shared_ptr<http_transport> transport,
               std::shared_ptr<chat_reader> reader, store_actor store, http_gateway_actor gateway);

  oidc_client client;
  oidc_flows flows;
  hash_gate exchanges;             // of workers with the provider at once, so that it cannot hold all of them
  address_throttle failures;       // of logins
  address_throttle order_failures; // of orders to log out, which keep nobody from logging in

  // Stores a login that the provider answered for; `record` is its browser session, whose user this finds or makes.
  // errc::unauthorized: this person may not come in; other errors are the store's.
  // Then all that this person had here ends, and the tokens of their programs.
  oidc_begun begin(login_record record, const oidc_answer_about& about, const audit_origin& by);

  // Where the browser of this session goes to log out at the provider as well; empty: nowhere.
  std::string logout_address(std::string_view token_hash, std::string_view back);

  // The provider says that sessions are over: they end, and their streams.
  caf::error end(const logout_order& order, const audit_origin& by);

  // Asks the provider whether this login still holds, and writes what it says. A session that it takes back ends, and
  // so do all of somebody whom the rules do not let in any more. Errors: nobody could tell; nothing has changed.
  caf::error look_again(const oidc_login& login);

  caf::expected<std::vector<oidc_login>> due(unix_us checked_until, unix_us now, int limit);

private:
  std::string sealed(const oidc_tokens& tokens, std::string_view token_hash) const;
  caf::expected<std::vector<std::string>> sessions_of(const identity_key& key, std::string_view session);
  caf::error write(const account_write& change);
  caf::error end_session(oidc_login_ended ended);
  // The provider confirms it no more.
  caf::error end_lost(const std::string& token_hash);
  caf::error end_person(const identity_key& key, const audit_origin& by);
  caf::error take_confirmed(const oidc_login& login, const oidc_answer_about& about);

  caf::actor_system& system_;
  const config& settings_;
  const sealing_key key_;
  store_actor store_;
  http_gateway_actor gateway_;
  std::mutex mutex_;
  std::shared_ptr<chat_reader> reader_; // GUARDED_BY(mutex_)
};

} // namespace varro
