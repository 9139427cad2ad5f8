// The public keys of a provider (JWKS, RFC 7517), and signatures that are checked with them, by libcjose.
//
// A value that does not change: any thread may use one.
#pragma once

#include "base/errors.hpp"
#include "base/json.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

inline constexpr size_t oidc_token_bytes_max = 64u << 10;
inline constexpr size_t oidc_keys_max = 100;     // of one provider; further ones are not looked at
inline constexpr size_t rsa_bytes_min = 256;     // of a modulus
inline constexpr int oidc_claims_depth_max = 32; // nesting of a token's JSON

struct verified_token {
  json claims;
  std::string algorithm; // of the signature
};

class oidc_keys {
public:
  oidc_keys(); // none: every token is refused with errc::not_found

  // Keys that cannot check a signature (of a symmetric kind, too short, for encryption) are left out.
  // errc::model_malformed: this is no set of keys.
  static caf::expected<oidc_keys> read(std::string_view document);

  size_t size() const noexcept;

  // A token that one of these keys has signed, by one of `algorithms`. errc::unauthorized: it is no such token, and
  // never will be; errc::not_found: the key that it names is not here, newer ones may have it.
  //
  // The key must be of the kind that the algorithm needs, whatever the token says: a public key is never a secret of
  // HMAC.
  caf::expected<verified_token> verify(std::string_view token, const std::vector<std::string>& algorithms) const;

private:
  struct key;
  std::vector<std::shared_ptr<const key>> keys_;
};

} // namespace varro
