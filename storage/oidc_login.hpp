// What is kept of a login at a provider of OpenID Connect beside its browser session, as values.
//
// Such a session lasts until the provider has not confirmed it for a time, however it is used
// (login_record::expires_at); each confirmation moves that on.
#pragma once

#include "storage/identity.hpp"

#include <optional>
#include <string>

namespace varro {

struct oidc_login {
  std::string token_hash; // of the browser session, with which this row goes
  identity_key key;
  std::string session; // the provider's own name of the login ("sid"); may be empty
  std::string sealed;  // the provider's tokens, which only this server can read
  unix_us checked_at = 0;
};

// Somebody comes in. Errors are those of identity_seen and login_record.
struct oidc_login_begun {
  identity_seen seen; // with the login
  oidc_login login;   // token_hash and key are those of `seen`
};

// The provider was asked whether a login still holds, and said that it does. A session that is over meanwhile is no
// error, and stays over: nothing is written.
struct oidc_login_checked {
  std::string token_hash;
  std::string sealed;                // the tokens may be new ones
  unix_us at = 0;                    // 0: it was not said who this is now; nothing but `sealed` is written
  unix_us expires_at = 0;            // unless it is confirmed again before
  int64_t idle_us = 0;               // nor longer than this after its last use
  std::optional<identity_seen> seen; // who it is now
};

// The provider takes a login back, or orders its end. A session that is over is no error.
struct oidc_login_ended {
  std::string token_hash;
  std::string because; // for the audit
  // The provider confirms the login no more, and does not tell whether it is over or the person is: after the last of
  // their sessions that could be asked about, tokens of their programs end as well, which nobody would look at again.
  bool with_tokens = false;
  unix_us at = 0;
  audit_origin by = {};
};

// The server starts: browser sessions that the present auth.mode would not have made end.
struct foreign_logins_ended {
  std::string issuer = {}; // of --auth oidc: those that it did not vouch for end; empty: those of any provider do
};

} // namespace varro
