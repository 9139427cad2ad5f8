#include "accounts/oidc_keys.hpp"

#include "base/base64.hpp"
#include "base/json.hpp"
#include "base/utf8.hpp"
#include "config/oidc_checks.hpp"

#include <cjose/cjose.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace varro {

struct oidc_keys::key {
  std::string id;
  std::string algorithm; // the only one that it is for; empty: any of its kind
  std::string kind;      // "RSA" or "EC"
  std::string curve;
  std::shared_ptr<cjose_jwk_t> value;
};

namespace {

std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

bool is_for_signatures(const json& key) {
  const auto use = key.find("use");
  if (use != key.end() && *use != "sig")
    return false;
  const auto operations = key.find("key_ops");
  return operations == key.end()
    || (operations->is_array()
        && std::find(operations->begin(), operations->end(), json("verify")) != operations->end());
}

bool is_long_enough(const json& key) {
  auto modulus = base64_decode(text_at(key, "n"));
  if (!modulus)
    return false;
  const auto first = std::min(modulus->find_first_not_of('\0'), modulus->size());
  return modulus->size() - first >= rsa_bytes_min;
}

// What of a key says that it is public.
json public_part(const json& key) {
  json part = json::object();
  for (const char* name : {"kty", "n", "e", "crv", "x", "y"})
    if (auto text = text_at(key, name); !text.empty())
      part[name] = std::move(text);
  return part;
}

std::string_view curve_of(std::string_view algorithm) {
  return algorithm == "ES256" ? "P-256" : algorithm == "ES384" ? "P-384" : "P-521";
}

caf::error refused(const std::string& why) {
  return fail(errc::unauthorized, "the login provider's token is refused: " + why);
}

struct jws_release {
  void operator()(cjose_jws_t* jws) const {
    cjose_jws_release(jws);
  }
};
using jws_ptr = std::unique_ptr<cjose_jws_t, jws_release>;

std::string header_text(cjose_header_t* header, const char* name) {
  cjose_err problem{};
  const char* text = cjose_header_get(header, name, &problem);
  return text == nullptr ? std::string{} : std::string{text};
}

// cjose gives texts and objects of a header only; "b64" (RFC 7797) is neither.
bool asks_for_extensions(std::string_view token) {
  std::string text{token.substr(0, token.find('.'))};
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  const auto decoded = base64_decode(text);
  const auto header = decoded ? json::parse(*decoded, nullptr, false) : json{};
  return !header.is_object() || header.contains("crit") || header.contains("b64");
}

} // namespace

oidc_keys::oidc_keys() = default;

size_t oidc_keys::size() const noexcept {
  return keys_.size();
}

caf::expected<oidc_keys> oidc_keys::read(std::string_view document) {
  const auto told = parse_json(document, oidc_claims_depth_max);
  const auto list = told && told->is_object() ? told->find("keys") : json::const_iterator{};
  if (!told || !told->is_object() || list == told->end() || !list->is_array())
    return fail(errc::model_malformed, "the login provider's keys are no JSON object with \"keys\"");
  oidc_keys result;
  for (const auto& each : *list) {
    if (result.keys_.size() == oidc_keys_max)
      break;
    if (!each.is_object() || !is_for_signatures(each))
      continue;
    key one{text_at(each, "kid"), text_at(each, "alg"), text_at(each, "kty"), text_at(each, "crv"), nullptr};
    const bool usable = one.kind == "EC" || (one.kind == "RSA" && is_long_enough(each));
    if (!usable)
      continue;
    const auto text = dump_json(public_part(each));
    cjose_err problem{};
    auto* imported = cjose_jwk_import(text.data(), text.size(), &problem);
    if (imported == nullptr)
      continue;
    one.value = {imported, [](cjose_jwk_t* jwk) { cjose_jwk_release(jwk); }};
    result.keys_.push_back(std::make_shared<const key>(std::move(one)));
  }
  return result;
}

caf::expected<verified_token> oidc_keys::verify(std::string_view token,
                                                const std::vector<std::string>& algorithms) const {
  if (token.size() > oidc_token_bytes_max)
    return refused("it is larger than " + std::to_string(oidc_token_bytes_max) + " bytes");
  cjose_err problem{};
  const jws_ptr jws{cjose_jws_import(token.data(), token.size(), &problem)};
  if (!jws)
    return refused("it is not signed, or malformed");
  auto* header = cjose_jws_get_protected(jws.get());
  const auto algorithm = header_text(header, CJOSE_HDR_ALG);
  const bool allowed = is_signature_algorithm(algorithm)
    && std::find(algorithms.begin(), algorithms.end(), algorithm) != algorithms.end();
  if (!allowed)
    return refused("its signature is by an algorithm that is not among oidc.algorithms");
  // Extensions that the sender says must be understood: none is.
  if (asks_for_extensions(token))
    return refused("it uses an extension that is not known here");
  const auto id = header_text(header, CJOSE_HDR_KID);
  const std::string kind = algorithm.starts_with("ES") ? "EC" : "RSA";
  const key* chosen = nullptr;
  for (const auto& each : keys_) {
    const bool fits = each->kind == kind && (kind == "RSA" || each->curve == curve_of(algorithm))
      && (each->algorithm.empty() || each->algorithm == algorithm) && (id.empty() || each->id == id);
    if (!fits)
      continue;
    if (chosen != nullptr)
      return refused("it does not tell which of several keys has signed it");
    chosen = each.get();
  }
  if (chosen == nullptr)
    return fail(errc::not_found, "the login provider's token is signed by a key that the provider does not list");
  if (!cjose_jws_verify(jws.get(), chosen->value.get(), &problem))
    return refused("its signature is wrong");
  uint8_t* bytes = nullptr; // belongs to jws
  size_t size = 0;
  if (!cjose_jws_get_plaintext(jws.get(), &bytes, &size, &problem))
    return refused("it is malformed");
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  auto claims = is_utf8(text) ? parse_json(text, oidc_claims_depth_max) : std::nullopt;
  if (!claims || !claims->is_object())
    return refused("it holds no JSON object");
  return verified_token{std::move(*claims), algorithm};
}

} // namespace varro
