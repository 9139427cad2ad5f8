#include "accounts/oidc_keys.hpp"
#include "tests/support/signed_tokens.hpp"

using namespace varro;
using namespace varro::test;

namespace {

const std::vector<std::string> usual{"RS256", "PS256", "ES256"};
const json claims{{"sub", "ada"}};

oidc_keys keys_of(const std::vector<json>& listed) {
  auto keys = oidc_keys::read(key_set(listed));
  REQUIRE(keys);
  return *keys;
}

errc verdict(const oidc_keys& keys, std::string_view token, const std::vector<std::string>& algorithms = usual) {
  auto verified = keys.verify(token, algorithms);
  if (verified)
    CHECK(verified->claims == claims);
  return verified ? errc::none : code_of(verified.error());
}

const signing_key& rsa() {
  static const auto key = signing_key::rsa("r1");
  return key;
}

const signing_key& ec() {
  static const auto key = signing_key::ec("e1");
  return key;
}

} // namespace

TEST_CASE("a token that a listed key has signed is read, whichever of the allowed algorithms it is") {
  const auto keys = keys_of({rsa().listed(), ec().listed()});
  CHECK(keys.size() == 2);
  CHECK(verdict(keys, rsa().sign(claims, "RS256")) == errc::none);
  CHECK(verdict(keys, rsa().sign(claims, "PS256")) == errc::none);
  CHECK(verdict(keys, ec().sign(claims, "ES256")) == errc::none);
  CHECK(keys.verify(ec().sign(claims, "ES256"), usual)->algorithm == "ES256");
}

TEST_CASE("an algorithm that is not allowed is refused, though the key could check it") {
  const auto keys = keys_of({rsa().listed()});
  const auto token = rsa().sign(claims, "RS512");
  CHECK(verdict(keys, token) == errc::unauthorized);
  CHECK(verdict(keys, token, {"RS512"}) == errc::none);
}

TEST_CASE("a token without a signature is refused, also where somebody allowed it") {
  const auto keys = keys_of({rsa().listed()});
  for (const char* name : {"none", "None", "NONE", ""}) {
    CAPTURE(name);
    const auto head = token_part(json{{"alg", name}, {"kid", "r1"}}.dump());
    const auto body = token_part(claims.dump());
    CHECK(verdict(keys, head + "." + body + ".", {"RS256", name}) == errc::unauthorized);
    CHECK(verdict(keys, head + "." + body + "." + token_part("x"), {"RS256", name}) == errc::unauthorized);
  }
}

TEST_CASE("the public key is no secret of HMAC, also where somebody allowed that") {
  const auto listed = rsa().listed();
  const auto keys = keys_of({listed});
  for (const auto& secret :
       {listed.dump(), listed.at("n").get<std::string>(), *base64_decode(listed.at("n").get<std::string>())}) {
    const auto token = signing_key::symmetric("r1", secret).sign(claims, "HS256");
    CHECK(verdict(keys, token) == errc::unauthorized);
    CHECK(verdict(keys, token, {"RS256", "HS256"}) == errc::unauthorized);
  }
  // Nor is one that the provider should list.
  const json symmetric{{"kty", "oct"}, {"k", token_part(std::string(32, 'k'))}, {"kid", "r1"}};
  CHECK(keys_of({symmetric}).size() == 0);
}

TEST_CASE("a wrong signature is refused") {
  const auto keys = keys_of({rsa().listed()});
  CHECK(verdict(keys, signing_key::rsa("r1").sign(claims, "RS256")) == errc::unauthorized);
  const auto token = rsa().sign(claims, "RS256");
  const auto body = token.find('.') + 1;
  const auto signature = token.rfind('.') + 1;
  const auto other = token.substr(0, body) + token_part(json{{"sub", "bob"}}.dump()) + token.substr(signature - 1);
  CHECK(verdict(keys, other) == errc::unauthorized);
  CHECK(verdict(keys, token.substr(0, signature)) == errc::unauthorized);
  auto changed = token;
  changed[signature + 10] = changed[signature + 10] == 'A' ? 'B' : 'A';
  CHECK(verdict(keys, changed) == errc::unauthorized);
}

TEST_CASE("a key that is not listed may be a newer one; what is no token never will be") {
  const auto keys = keys_of({rsa().listed()});
  CHECK(verdict(keys, signing_key::rsa("r2").sign(claims, "RS256")) == errc::not_found);
  CHECK(verdict(oidc_keys{}, rsa().sign(claims, "RS256")) == errc::not_found);
  for (const char* token : {"", ".", "..", "a.b.c", "eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJSUzI1NiJ9.e30"})
    CHECK_MESSAGE(verdict(keys, token) == errc::unauthorized, token);
}

TEST_CASE("a key serves the algorithms of its own kind only") {
  // The curve belongs to the algorithm.
  const auto long_curve = signing_key::ec("e1", CJOSE_JWK_EC_P_384);
  CHECK(verdict(keys_of({long_curve.listed()}), ec().sign(claims, "ES256")) == errc::not_found);
  // An RSA key under the id of a token of EC, and the other way round.
  CHECK(verdict(keys_of({signing_key::rsa("e1").listed()}), ec().sign(claims, "ES256")) == errc::not_found);
  CHECK(verdict(keys_of({signing_key::ec("r1").listed()}), rsa().sign(claims, "RS256")) == errc::not_found);
  // One that the provider lists for another algorithm, or for encryption.
  CHECK(verdict(keys_of({rsa().listed({{"alg", "RS512"}})}), rsa().sign(claims, "RS256")) == errc::not_found);
  CHECK(verdict(keys_of({rsa().listed({{"alg", "RS256"}})}), rsa().sign(claims, "RS256")) == errc::none);
  CHECK(keys_of({rsa().listed({{"use", "enc"}})}).size() == 0);
  CHECK(keys_of({rsa().listed({{"key_ops", {"encrypt"}}})}).size() == 0);
  CHECK(keys_of({rsa().listed({{"use", "sig"}, {"key_ops", {"verify"}}})}).size() == 1);
  CHECK(keys_of({signing_key::rsa("r1", 1024).listed()}).size() == 0);
}

TEST_CASE("a token that does not name its key is good where there is one that fits") {
  const auto nameless = signing_key::rsa("");
  CHECK(verdict(keys_of({nameless.listed(), ec().listed()}), nameless.sign(claims, "RS256")) == errc::none);
  CHECK(verdict(keys_of({nameless.listed(), rsa().listed()}), nameless.sign(claims, "RS256")) == errc::unauthorized);
}

TEST_CASE("an extension that has to be understood is not") {
  const auto keys = keys_of({rsa().listed()});
  CHECK(verdict(keys, rsa().sign(claims, "RS256", {{"crit", {"exp"}}, {"exp", 1}})) == errc::unauthorized);
  CHECK(verdict(keys, rsa().sign(claims, "RS256", {{"b64", false}})) == errc::unauthorized);
  CHECK(verdict(keys, rsa().sign(claims, "RS256", {{"typ", "JWT"}})) == errc::none);
}

TEST_CASE("a token may have so many bytes and no more, and a set so many keys") {
  const auto keys = keys_of({rsa().listed()});
  auto filled = claims;
  filled["x"] = "";
  const auto least = rsa().sign(filled, "RS256").size();
  auto sized = [&](size_t bytes) {
    filled["x"] = std::string(bytes, 'x');
    return rsa().sign(filled, "RS256");
  };
  size_t bytes = (oidc_token_bytes_max - least) * 3 / 4;
  while (sized(bytes + 1).size() <= oidc_token_bytes_max)
    ++bytes;
  CHECK(keys.verify(sized(bytes), usual));
  CHECK(code_of(keys.verify(sized(bytes + 1), usual).error()) == errc::unauthorized);

  std::vector<json> many(oidc_keys_max, ec().listed());
  many.push_back(rsa().listed());
  CHECK(keys_of(many).size() == oidc_keys_max);
}

TEST_CASE("claims have to be a JSON object of bounded nesting") {
  const auto keys = keys_of({rsa().listed()});
  CHECK_FALSE(keys.verify(rsa().sign(json::array({1}), "RS256"), usual));
  json nested = 1;
  for (int i = 0; i < oidc_claims_depth_max + 1; ++i)
    nested = json{{"x", nested}};
  CHECK_FALSE(keys.verify(rsa().sign(nested, "RS256"), usual));
}

TEST_CASE("what is no set of keys is refused, and a key that cannot be used does not spoil the others") {
  for (const char* text : {"", "[]", "{}", R"({"keys": {}})", R"({"keys": "x"})", "null"})
    CHECK_MESSAGE(code_of(oidc_keys::read(text).error()) == errc::model_malformed, text);
  const json broken{{"kty", "EC"}, {"crv", "P-256"}, {"x", "AA"}, {"y", "AA"}};
  CHECK(keys_of({json("x"), json{{"kty", "RSA"}}, broken, json{{"kty", 7}}, rsa().listed()}).size() == 1);
}
