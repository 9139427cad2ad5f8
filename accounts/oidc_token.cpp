#include "accounts/oidc_token.hpp"

#include "base/base64.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace varro {

namespace {

caf::error refused(const std::string& why) {
  return fail(errc::unauthorized, "the login provider's token is refused: " + why);
}

// Seconds since 1970; nothing where it is no number.
std::optional<double> time_of(const json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_number())
    return std::nullopt;
  return found->get<double>();
}

bool is_for_us(const json& claims, const std::string& client_id) {
  const auto audience = claims.find("aud");
  if (audience == claims.end())
    return false;
  if (audience->is_string())
    return *audience == client_id;
  return audience->is_array() && std::find(audience->begin(), audience->end(), json(client_id)) != audience->end();
}

bool has_other_audiences(const json& claims) {
  const auto& audience = claims.at("aud");
  return audience.is_array() && audience.size() > 1;
}

// Issuer, audience and times, which both kinds of tokens have.
caf::error check_common(const json& claims, const oidc_config& settings, unix_us now_at) {
  const auto now = static_cast<double>(now_at) / 1e6;
  const auto skew = static_cast<double>(settings.clock_skew.count());
  if (text_of_claim(claims, "iss") != settings.issuer)
    return refused("it is of another issuer");
  if (!is_for_us(claims, settings.client_id))
    return refused("it is for another program");
  const auto party = claims.find("azp");
  if (party == claims.end() ? has_other_audiences(claims) : *party != settings.client_id)
    return refused("it was given to another program");
  const auto expires = time_of(claims, "exp");
  if (!expires || *expires + skew <= now)
    return refused("it has expired");
  const auto issued = time_of(claims, "iat");
  if (!issued || *issued - skew > now)
    return refused("it is from the future; compare the clocks of both machines");
  const auto from = time_of(claims, "nbf");
  if (claims.contains("nbf") && (!from || *from - skew > now))
    return refused("it is not valid yet; compare the clocks of both machines");
  return caf::none;
}

// The left half of the hash that goes with the signature's algorithm; empty: that hash is not at hand.
std::string left_half(std::string_view algorithm, std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (algorithm.ends_with("256")) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256(digest.data(), bytes, text.size());
    return {reinterpret_cast<const char*>(digest.data()), digest.size() / 2};
  }
  if (algorithm.ends_with("512")) {
    std::array<unsigned char, crypto_hash_sha512_BYTES> digest{};
    crypto_hash_sha512(digest.data(), bytes, text.size());
    return {reinterpret_cast<const char*>(digest.data()), digest.size() / 2};
  }
  return {};
}

bool is_subject(std::string_view text) {
  return !text.empty() && text.size() <= oidc_subject_bytes_max;
}

} // namespace

std::string text_of_claim(const json& claims, std::string_view name) {
  const auto found = claims.find(name);
  return found != claims.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

caf::error check_id_token(const json& claims, const oidc_config& settings, const id_token_rules& rules) {
  if (auto problem = check_common(claims, settings, rules.now))
    return problem;
  const auto subject = text_of_claim(claims, "sub");
  if (!is_subject(subject))
    return refused("it does not tell whose it is");
  if (!rules.subject.empty() && subject != rules.subject)
    return refused("it is somebody else's");
  if (!rules.nonce.empty() && text_of_claim(claims, "nonce") != rules.nonce)
    return refused("it is not of this login");
  return caf::none;
}

caf::error check_access_token(const json& claims, std::string_view algorithm, std::string_view access_token) {
  const auto told = claims.find("at_hash");
  const auto half = left_half(algorithm, access_token);
  if (told == claims.end() || half.empty())
    return caf::none;
  if (!told->is_string() || base64_decode(told->get<std::string>()) != half)
    return refused("it came with another token's access");
  return caf::none;
}

caf::expected<logout_order> read_logout_token(const json& claims, const oidc_config& settings, unix_us now) {
  if (auto problem = check_common(claims, settings, now))
    return problem;
  constexpr auto event = "http://schemas.openid.net/event/backchannel-logout";
  const auto events = claims.find("events");
  const bool is_logout
    = events != claims.end() && events->is_object() && events->contains(event) && events->at(event).is_object();
  if (!is_logout)
    return refused("it is no logout token");
  if (claims.contains("nonce"))
    return refused("it has a nonce, which no logout token has");
  logout_order order{text_of_claim(claims, "jti"), text_of_claim(claims, "sub"), text_of_claim(claims, "sid"), 0};
  if (order.id.empty() || order.id.size() > oidc_subject_bytes_max)
    return refused("it has no id of its own");
  if (!is_subject(order.subject) && !is_subject(order.session))
    return refused("it does not tell whose session ends");
  const auto age_max = static_cast<double>((logout_token_age_max + settings.clock_skew).count());
  const auto issued = *time_of(claims, "iat");
  if (issued + age_max <= static_cast<double>(now) / 1e6)
    return refused("it is too old");
  order.remember_until = static_cast<unix_us>((issued + age_max) * 1e6);
  return order;
}

} // namespace varro
