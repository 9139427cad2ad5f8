// What is asked of a provider of OpenID Connect: logins, whether somebody still may come in, logouts.
//
// Its description and its keys are fetched when they are needed first and kept for a time; keys that a token names and
// that are not there are fetched again, at most once in oidc_keys_retry. Thread-safe. Functions that ask the provider
// wait for it, each request for at most oidc.request_max_ms.
#pragma once

#include "accounts/oidc_discovery.hpp"
#include "accounts/oidc_flow.hpp"
#include "accounts/oidc_keys.hpp"
#include "accounts/oidc_requests.hpp"
#include "accounts/oidc_token.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

inline constexpr std::chrono::minutes oidc_description_max{60}; // so long a provider's description is kept
inline constexpr std::chrono::minutes oidc_keys_age_max{10};    // and its keys: one that it withdraws is soon not used
inline constexpr std::chrono::seconds oidc_keys_retry{5};
inline constexpr std::chrono::seconds oidc_failure_max{5}; // so long what could not be had is not asked for

// A larger one is not kept: as a hint at logout it would make an address that servers refuse.
inline constexpr size_t oidc_hint_bytes_max = 4u << 10;

// The tokens of one login. Secrets: they are never logged, and stored sealed only.
struct oidc_tokens {
  std::string id;      // as it came, for the logout; empty: too large
  std::string access;  // only kept where there is no refresh token
  std::string refresh; // empty: the provider gave none

  std::string to_text() const;
  static std::optional<oidc_tokens> from_text(std::string_view text);
};

// What the provider says of somebody now.
struct oidc_answer_about {
  std::string subject;
  std::string session;        // its own name of the login there; may be empty
  std::optional<json> claims; // nothing: it only said that the login still holds
  oidc_tokens tokens;
  caf::error incomplete; // the login holds and the tokens are new ones, but its claims could not be had
};

class oidc_client {
public:
  // `settings` outlive it.
  oidc_client(std::shared_ptr<http_transport> transport, const oidc_config& settings);

  // Where the browser goes to log in. `back`: where it shall return.
  caf::expected<std::string> login_address(const oidc_flow& flow, std::string_view back);
  // Whether the provider that sent the browser back is ours (RFC 9207). `issuer`: as the address says; nothing: it does
  // not.
  caf::error check_sender(const std::optional<std::string>& issuer);

  // All three: errc::unauthorized: the provider says no, or what it says is not to be believed; another error: nobody
  // can tell at the moment.

  // Somebody's code for tokens, checked.
  caf::expected<oidc_answer_about> redeem(std::string_view code, const oidc_flow& flow, std::string_view back);
  // Whether a login still holds: by its refresh token, else by userinfo, else by introspection.
  caf::expected<oidc_answer_about> look_again(const oidc_tokens& tokens, const std::string& subject);
  // A logout token that was not seen before.
  caf::expected<logout_order> logout_order_of(std::string_view token);

  // Where the browser goes to log out at the provider as well; empty: the provider has no such address, or it is not
  // known yet. Asks nobody.
  std::string logout_address(std::string_view id_token, std::string_view back) const;

  // Ends requests that are under way, and all further ones.
  void stop();

private:
  using clock = std::chrono::steady_clock;

  // What the provider was asked for last, and whether it could be had.
  template <class T>
  struct fetched {
    std::optional<T> value;
    clock::time_point at;
    caf::error failure;
    clock::time_point failed_at;
  };
  // That value while it is younger than `age_max`, else what `read` makes of the body at this address. What could not
  // be had is not asked for again before oidc_failure_max is over. `what`: as errors call it.
  template <class T, class Read>
  caf::expected<T> fetch(fetched<T>& known, clock::duration age_max, const std::string& url, const char* what,
                         Read read);

  caf::expected<oidc_endpoints> provider();
  caf::expected<std::shared_ptr<const oidc_keys>> keys(const oidc_endpoints& at, bool anew);
  caf::expected<verified_token> verify(const oidc_endpoints& at, std::string_view token);
  http_request post(const oidc_endpoints& at, const std::string& url,
                    std::vector<std::pair<std::string_view, std::string_view>> fields) const;
  // The object that the token endpoint answers.
  caf::expected<json> ask_for_tokens(http_request request);
  caf::expected<json> userinfo(const oidc_endpoints& at, const std::string& access_token, const std::string& subject);
  caf::error introspect(const oidc_endpoints& at, const std::string& access_token);
  // What came with a renewed refresh token.
  caf::error take_renewed(const oidc_endpoints& at, const json& told, oidc_answer_about& answer);
  // Claims of an ID token and, where configured ones are not in it, of userinfo.
  caf::error complete(const oidc_endpoints& at, const std::string& access_token, oidc_answer_about& answer);

  const oidc_config& settings_;
  oidc_requests requests_;
  seen_marks logout_ids_{oidc_marks_max};

  std::mutex fetching_;      // one thread at a time fetches what all need
  mutable std::mutex known_; // guards what follows
  fetched<oidc_endpoints> endpoints_;
  fetched<std::shared_ptr<const oidc_keys>> keys_;
};

} // namespace varro
