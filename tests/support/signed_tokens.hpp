// A provider's keys and tokens, really signed.
#pragma once

#include "base/base64.hpp"
#include "base/json.hpp"

#include <cjose/cjose.h>
#include <doctest/doctest.h>
#include <jansson.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro::test {

class signing_key {
public:
  static signing_key rsa(std::string id, size_t bits = 2048) {
    cjose_err problem{};
    return {std::move(id), cjose_jwk_create_RSA_random(bits, nullptr, 0, &problem)};
  }
  static signing_key ec(std::string id, cjose_jwk_ec_curve curve = CJOSE_JWK_EC_P_256) {
    cjose_err problem{};
    return {std::move(id), cjose_jwk_create_EC_random(curve, &problem)};
  }
  static signing_key symmetric(std::string id, std::string_view bytes) {
    cjose_err problem{};
    auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
    return {std::move(id), cjose_jwk_create_oct_spec(data, bytes.size(), &problem)};
  }

  // Its public part, as a provider lists it. `more` are further members.
  json listed(const json& more = json::object()) const {
    cjose_err problem{};
    char* text = cjose_jwk_to_json(key_.get(), false, &problem);
    REQUIRE(text != nullptr);
    auto result = json::parse(text);
    std::free(text);
    if (!id_.empty())
      result["kid"] = id_;
    for (const auto& [name, value] : more.items())
      result[name] = value;
    return result;
  }

  // `header`: further members, such as crit.
  std::string sign(const json& claims, const std::string& algorithm, const json& header = json::object()) const {
    cjose_err problem{};
    auto* head = cjose_header_new(&problem);
    cjose_header_set(head, CJOSE_HDR_ALG, algorithm.c_str(), &problem);
    if (!id_.empty())
      cjose_header_set(head, CJOSE_HDR_KID, id_.c_str(), &problem);
    for (const auto& [name, value] : header.items())
      // A header is jansson's object; cjose's own way in takes texts and objects only.
      json_object_set_new(reinterpret_cast<json_t*>(head), name.c_str(),
                          json_loads(value.dump().c_str(), JSON_DECODE_ANY, nullptr));
    const auto text = claims.dump();
    auto* jws = cjose_jws_sign(key_.get(), head, reinterpret_cast<const uint8_t*>(text.data()), text.size(), &problem);
    REQUIRE(jws != nullptr);
    const char* compact = nullptr;
    REQUIRE(cjose_jws_export(jws, &compact, &problem));
    std::string result{compact};
    cjose_jws_release(jws);
    cjose_header_release(head);
    return result;
  }

private:
  signing_key(std::string id, cjose_jwk_t* key)
    : id_(std::move(id)), key_(key, [](cjose_jwk_t* each) { cjose_jwk_release(each); }) {
    REQUIRE(key != nullptr);
  }
  std::string id_;
  std::shared_ptr<cjose_jwk_t> key_;
};

inline std::string key_set(const std::vector<json>& keys) {
  return json{{"keys", keys}}.dump();
}

// Base64url without padding, as in tokens.
inline std::string token_part(std::string_view text) {
  auto part = base64url_encode(text);
  while (part.ends_with('='))
    part.pop_back();
  return part;
}

} // namespace varro::test
