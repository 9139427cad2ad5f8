// Logins that are under way at a provider: what the browser has to bring back with it.
//
// Nothing is kept of a login that has begun: the browser carries it, sealed, in a cookie, so that nobody can fill the
// server with logins that they never finish, and no other browser can finish one. What is kept are the marks of those
// that came back, so that none does twice.
#pragma once

#include "accounts/sealing.hpp"
#include "base/clock.hpp"
#include "base/errors.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace varro {

// From the redirect to the provider until the way back.
inline constexpr std::chrono::seconds oidc_flow_max{600};
inline constexpr size_t oidc_flow_cookie_bytes_max = 3'000;
inline constexpr size_t oidc_marks_max = 10'000;

struct oidc_flow {
  std::string state;    // comes back with the address
  std::string nonce;    // and in the ID token
  std::string verifier; // of PKCE: goes to the provider with the code
  std::string page;     // where the browser wanted to go
  unix_us begun_at = 0;
};

// S256 of a flow's verifier (RFC 7636).
std::string code_challenge(std::string_view verifier);

// Ids that may be seen once, each until a time. Thread-safe; beyond `at_most` the oldest are forgotten.
class seen_marks {
public:
  explicit seen_marks(size_t at_most) : at_most_(at_most) {}
  // False: it was seen.
  bool add(const std::string& id, unix_us until, unix_us now);

private:
  const size_t at_most_;
  std::mutex mutex_;
  std::unordered_set<std::string> ids_;                    // GUARDED_BY(mutex_)
  std::deque<std::pair<unix_us, std::string>> by_arrival_; // GUARDED_BY(mutex_); until when
};

// Thread-safe.
class oidc_flows {
public:
  oidc_flows();

  struct begun {
    oidc_flow flow;
    std::string cookie; // the value
  };
  // `page` is one of our own.
  begun begin(std::string page, unix_us now) const;

  // The flow that this browser began and whose state came back. errc::unauthorized: there is none, it is another
  // browser's, or it took too long.
  caf::expected<oidc_flow> find(std::string_view cookie, std::string_view state, unix_us now) const;
  // The same, once: errc::unauthorized also where it has come back already.
  caf::expected<oidc_flow> finish(std::string_view cookie, std::string_view state, unix_us now);

private:
  const sealing_key key_;
  seen_marks finished_{oidc_marks_max};
};

} // namespace varro
