// A provider that answers what each test scripts.
#include "accounts/oidc_client.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/signed_tokens.hpp"

#include <algorithm>
#include <mutex>

using namespace varro;
using namespace varro::test;

namespace {

const std::string back = "https://varro.example/login/oidc/callback";

struct provider_world {
  provider_world() {
    settings.issuer = "http://127.0.0.1:" + std::to_string(server.port());
    settings.client_id = "varro";
    settings.client_secret = "hush hush";
    settings.request_max = std::chrono::milliseconds{20'000};
    settings.groups_claim.clear();
    description = {{"issuer", settings.issuer},
                   {"authorization_endpoint", settings.issuer + "/auth"},
                   {"token_endpoint", settings.issuer + "/token"},
                   {"jwks_uri", settings.issuer + "/jwks"},
                   {"userinfo_endpoint", settings.issuer + "/me"}};
    listed = json::array({key.listed()});
    claims = {{"iss", settings.issuer},
              {"sub", "ada"},
              {"aud", "varro"},
              {"exp", now_us() / 1'000'000 + 300},
              {"iat", now_us() / 1'000'000},
              {"nonce", "n1"},
              {"preferred_username", "ada"},
              {"email", "ada@example.com"}};
  }

  std::vector<server_step> answer(const std::string& request) {
    std::lock_guard lock{mutex};
    requests.push_back(request);
    auto path = request.substr(request.find(' ') + 1);
    path = path.substr(0, path.find_first_of(" ?"));
    if (auto found = instead.find(path); found != instead.end())
      return {send_bytes(found->second)};
    auto good
      = [](const json& body) { return std::vector{send_bytes(http_response(200, "application/json", body.dump()))}; };
    if (path == "/.well-known/openid-configuration")
      return good(description);
    if (path == "/jwks")
      return good({{"keys", listed}});
    if (path == "/me")
      return good({{"sub", "ada"}, {"groups", {"staff"}}});
    if (path == "/token")
      return good({{"id_token", signer.sign(claims, "RS256")},
                   {"access_token", "a1"},
                   {"refresh_token", "r2"},
                   {"token_type", "Bearer"}});
    return {send_bytes(http_response(404, "text/plain", ""))};
  }
  size_t asked(const std::string& path) {
    std::lock_guard lock{mutex};
    return static_cast<size_t>(std::count_if(requests.begin(), requests.end(), [&](const std::string& each) {
      return each.find(" " + path + " ") != std::string::npos;
    }));
  }
  std::string last(const std::string& path) {
    std::lock_guard lock{mutex};
    for (auto each = requests.rbegin(); each != requests.rend(); ++each)
      if (each->find(" " + path + " ") != std::string::npos)
        return *each;
    return "";
  }
  errc redeem(oidc_client& client) {
    auto about = client.redeem("c1", flow, back);
    return about ? errc::none : code_of(about.error());
  }
  // By a client that knows nothing yet.
  errc redeem() {
    oidc_client client{transport, settings};
    return redeem(client);
  }

  signing_key key = signing_key::rsa("k1");
  signing_key signer = key; // of ID tokens
  std::mutex mutex;
  json description, listed, claims;
  std::map<std::string, std::string> instead; // whole responses, by path
  std::vector<std::string> requests;
  scripted_server server{[this](const std::string& request) { return answer(request); }};
  oidc_config settings;
  std::shared_ptr<http_transport> transport = make_curl_transport();
  const oidc_flow flow{"s1", "n1", "v1", "/", 0};
};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

} // namespace

TEST_CASE("a code becomes a person, by the client's secret and the login's verifier") {
  provider_world world;
  oidc_client client{world.transport, world.settings};
  auto about = client.redeem("c1", world.flow, back);
  REQUIRE_MESSAGE(about, text_of(about.error()));
  CHECK(about->subject == "ada");
  CHECK(about->tokens.refresh == "r2");
  CHECK(about->tokens.access.empty());
  const auto request = world.last("/token");
  CHECK(has(request, "Authorization: Basic " + base64_encode("varro:hush%20hush")));
  CHECK(has(request, "code_verifier=v1"));
  CHECK(has(request, "redirect_uri=https%3A%2F%2Fvarro.example%2Flogin%2Foidc%2Fcallback"));
  CHECK_FALSE(has(request.substr(request.find("\r\n\r\n")), "hush"));
  CHECK(world.asked("/me") == 0);
  // What is known is not asked for again.
  CHECK(world.redeem(client) == errc::none);
  CHECK(world.asked("/jwks") == 1);
  CHECK(world.asked("/.well-known/openid-configuration") == 1);
}

TEST_CASE("a login begins with PKCE, state and nonce") {
  provider_world world;
  oidc_client client{world.transport, world.settings};
  auto address = client.login_address(world.flow, back);
  REQUIRE(address);
  CHECK(address->starts_with(world.settings.issuer + "/auth?"));
  for (auto part : {"response_type=code", "client_id=varro", "scope=openid%20profile%20email", "state=s1", "nonce=n1",
                    "code_challenge_method=S256"})
    CHECK_MESSAGE(has(*address, part), part);
  CHECK(has(*address, "code_challenge=" + code_challenge("v1")));
  CHECK_FALSE(has(*address, "code_verifier"));
}

TEST_CASE("a token that is not for this login is no login") {
  provider_world world;
  world.claims["nonce"] = "another";
  CHECK(world.redeem() == errc::unauthorized);
  world.claims["nonce"] = "n1";
  CHECK(world.redeem() == errc::none);
  world.claims["iss"] = "https://other.example";
  CHECK(world.redeem() == errc::unauthorized);
  world.claims["iss"] = world.settings.issuer;
  world.signer = signing_key::rsa("k1");
  CHECK(world.redeem() == errc::unauthorized);
}

TEST_CASE("a provider that changes its keys is asked for the new ones, and seldom for keys that it has not") {
  provider_world world;
  oidc_client client{world.transport, world.settings};
  CHECK(world.redeem(client) == errc::none);
  CHECK(world.asked("/jwks") == 1);
  world.signer = signing_key::rsa("k2");
  // Just asked: not again for what may be nonsense. Nor is it refused for good.
  CHECK(world.redeem(client) == errc::model_unreachable);
  CHECK(world.redeem(client) == errc::model_unreachable);
  CHECK(world.asked("/jwks") == 1);
  // A key that is not listed now is none.
  CHECK(world.redeem() == errc::unauthorized);
  world.listed = json::array({world.signer.listed()});
  oidc_client other{world.transport, world.settings};
  CHECK(world.redeem(other) == errc::none);
}

TEST_CASE("a description that is another issuer's, or of a provider that cannot do what is needed, is not used") {
  provider_world world;
  const auto good = world.description;
  auto refused = [&](const char* name, const json& value) {
    world.description = good;
    world.description[name] = value;
    const bool is_refused = world.redeem() == errc::model_malformed;
    world.description = good;
    return is_refused;
  };
  CHECK(refused("issuer", "https://other.example"));
  CHECK(refused("issuer", world.settings.issuer + "/"));
  CHECK(refused("authorization_endpoint", "http://other.example/auth"));
  CHECK(refused("token_endpoint", "file:///etc/passwd"));
  CHECK(refused("jwks_uri", nullptr));
  CHECK(refused("end_session_endpoint", "javascript:alert(1)"));
  CHECK(refused("userinfo_endpoint", "http://other.example"));
  CHECK(refused("response_types_supported", {"id_token"}));
  CHECK(refused("code_challenge_methods_supported", {"plain"}));
  CHECK(refused("id_token_signing_alg_values_supported", {"HS256"}));
  CHECK_FALSE(refused("code_challenge_methods_supported", {"plain", "S256"}));
  CHECK(world.redeem() == errc::none);
}

TEST_CASE("redirects are not followed, large answers not read, and failures soon told again without asking") {
  provider_world world;
  const std::string description = "/.well-known/openid-configuration";
  world.instead[description] = http_response(302, "text/plain", "", "Location: " + world.settings.issuer + "/else\r\n");
  oidc_client client{world.transport, world.settings};
  CHECK(world.redeem(client) == errc::model_unreachable);
  CHECK(world.asked("/else") == 0);
  CHECK(world.redeem(client) == errc::model_unreachable);
  CHECK(world.asked(description) == 1);
  auto padded = world.description;
  padded["x"] = std::string(oidc_answer_bytes_max, 'x');
  world.instead[description] = http_response(200, "application/json", padded.dump());
  CHECK(world.redeem() == errc::model_unreachable);
  world.instead.erase(description);
  CHECK(world.redeem() == errc::none);
}

TEST_CASE("what the provider refuses for good is told apart from what it cannot answer now") {
  provider_world world;
  auto answers = [&](int status, const char* body) {
    world.instead["/token"] = http_response(status, "application/json", body);
    return world.redeem();
  };
  CHECK(answers(400, R"({"error": "invalid_grant"})") == errc::unauthorized);
  CHECK(answers(403, R"({"error": "access_denied"})") == errc::unauthorized);
  CHECK(answers(401, R"({"error": "invalid_client"})") == errc::model_unreachable);
  CHECK(answers(503, R"({"error": "invalid_grant"})") == errc::model_unreachable);
  CHECK(answers(429, "") == errc::model_unreachable);
  CHECK(answers(200, "nonsense") == errc::model_unreachable);
  CHECK(answers(200, "{}") == errc::unauthorized);
}

TEST_CASE("a login that still holds has new tokens, and claims of now") {
  provider_world world;
  oidc_client client{world.transport, world.settings};
  world.claims.erase("nonce");
  auto about = client.look_again({"i1", "", "r1"}, "ada");
  REQUIRE_MESSAGE(about, text_of(about.error()));
  CHECK(about->tokens.refresh == "r2");
  CHECK(about->claims->at("preferred_username") == "ada");
  CHECK_FALSE(about->incomplete);
  CHECK(has(world.last("/token"), "grant_type=refresh_token&refresh_token=r1"));
  CHECK(code_of(client.look_again({"", "", "r1"}, "bob").error()) == errc::unauthorized);
  world.instead["/token"] = http_response(400, "application/json", R"({"error": "invalid_grant"})");
  CHECK(code_of(client.look_again({"", "", "r1"}, "ada").error()) == errc::unauthorized);
  world.instead["/token"] = http_response(500, "application/json", "");
  CHECK(code_of(client.look_again({"", "", "r1"}, "ada").error()) == errc::model_unreachable);
}

TEST_CASE("new tokens are not lost where the claims cannot be had") {
  provider_world world;
  world.settings.groups_claim = "groups";
  oidc_client client{world.transport, world.settings};
  auto whole = client.look_again({"", "", "r1"}, "ada");
  REQUIRE(whole);
  CHECK(whole->claims->at("groups") == json{"staff"});
  CHECK(has(world.last("/me"), "Authorization: Bearer a1"));
  world.instead["/me"] = http_response(503, "text/plain", "");
  auto partly = client.look_again({"", "", "r1"}, "ada");
  REQUIRE(partly);
  CHECK(partly->tokens.refresh == "r2");
  CHECK(code_of(partly->incomplete) == errc::model_unreachable);
  world.instead["/me"] = http_response(200, "application/json", R"({"sub": "bob", "groups": ["staff"]})");
  CHECK(code_of(client.look_again({"", "", "r1"}, "ada").error()) == errc::unauthorized);
}

TEST_CASE("a renewed token that cannot be believed neither confirms a login nor ends it") {
  provider_world world;
  oidc_client client{world.transport, world.settings};
  auto undecided = [&] {
    auto about = client.look_again({"i1", "", "r1"}, "ada");
    REQUIRE_MESSAGE(about, text_of(about.error()));
    CHECK(about->tokens.refresh == "r2"); // the former one may be void
    CHECK(about->tokens.id == "i1");
    CHECK_FALSE(about->claims);
    return code_of(about->incomplete);
  };
  world.claims["iat"] = now_us() / 1'000'000 + 3'600; // the clock of this machine is an hour late
  CHECK(undecided() == errc::model_malformed);
  world.claims["iat"] = now_us() / 1'000'000;
  world.claims["exp"] = now_us() / 1'000'000 - 3'600;
  CHECK(undecided() == errc::model_malformed);
  world.claims["exp"] = now_us() / 1'000'000 + 300;
  world.signer = signing_key::rsa("k1"); // by the name of a key that is listed, but another one
  CHECK(undecided() == errc::model_malformed);
}

TEST_CASE("without a refresh token userinfo tells, else introspection, and without both there is no login") {
  provider_world world;
  world.instead["/token"] = http_response(
    200, "application/json", json{{"id_token", world.key.sign(world.claims, "RS256")}, {"access_token", "a1"}}.dump());
  oidc_client client{world.transport, world.settings};
  auto about = client.redeem("c1", world.flow, back);
  REQUIRE(about);
  CHECK(about->tokens.access == "a1");
  CHECK(client.look_again(about->tokens, "ada")->claims->at("sub") == "ada");
  world.instead["/me"] = http_response(401, "text/plain", "");
  CHECK(code_of(client.look_again(about->tokens, "ada").error()) == errc::unauthorized);
  world.instead["/me"] = http_response(500, "text/plain", "");
  CHECK(code_of(client.look_again(about->tokens, "ada").error()) == errc::model_unreachable);

  world.description.erase("userinfo_endpoint");
  CHECK(world.redeem() == errc::unauthorized);
  world.description["introspection_endpoint"] = world.settings.issuer + "/introspect";
  CHECK(world.redeem() == errc::none);
  oidc_client other{world.transport, world.settings};
  auto introspected = [&](int status, const char* body) {
    world.instead["/introspect"] = http_response(status, "application/json", body);
    auto again = other.look_again({"", "a1", ""}, "ada");
    return again ? errc::none : code_of(again.error());
  };
  CHECK(introspected(200, R"({"active": true})") == errc::none);
  CHECK(introspected(200, R"({"active": false})") == errc::unauthorized);
  CHECK(introspected(200, "{}") == errc::model_malformed);
  CHECK(introspected(500, R"({"active": true})") == errc::model_unreachable);
}

TEST_CASE("the sender of an answer has to be ours where it says who it is, and has to say it where it promised to") {
  provider_world world;
  {
    oidc_client client{world.transport, world.settings};
    CHECK_FALSE(client.check_sender(std::nullopt));
    CHECK_FALSE(client.check_sender(world.settings.issuer));
    CHECK(code_of(client.check_sender("https://other.example")) == errc::unauthorized);
    CHECK(client.check_sender(""));
  }
  world.description["authorization_response_iss_parameter_supported"] = true;
  oidc_client client{world.transport, world.settings};
  CHECK(code_of(client.check_sender(std::nullopt)) == errc::unauthorized);
  CHECK_FALSE(client.check_sender(world.settings.issuer));
}

TEST_CASE("a logout token is taken once") {
  provider_world world;
  oidc_client client{world.transport, world.settings};
  auto order = world.claims;
  order.erase("nonce");
  order["jti"] = "l1";
  order["events"] = {{"http://schemas.openid.net/event/backchannel-logout", json::object()}};
  const auto token = world.key.sign(order, "RS256");
  auto taken = client.logout_order_of(token);
  REQUIRE_MESSAGE(taken, text_of(taken.error()));
  CHECK(taken->subject == "ada");
  CHECK(code_of(client.logout_order_of(token).error()) == errc::unauthorized);
  order["jti"] = "l2";
  CHECK(client.logout_order_of(world.key.sign(order, "RS256")));
  CHECK(code_of(client.logout_order_of(signing_key::rsa("k1").sign(order, "RS256")).error()) == errc::unauthorized);
  CHECK(code_of(client.logout_order_of(world.key.sign(world.claims, "RS256")).error()) == errc::unauthorized);
  CHECK(code_of(client.logout_order_of("").error()) == errc::unauthorized);
}

TEST_CASE("a logout at the provider goes where its description says, with what it handed out") {
  provider_world world;
  world.description["end_session_endpoint"] = world.settings.issuer + "/end?x=1";
  oidc_client client{world.transport, world.settings};
  CHECK(client.logout_address("t", back).empty()); // not known yet
  CHECK(world.redeem(client) == errc::none);
  const auto address = client.logout_address("t", "https://varro.example/login");
  CHECK(
    address.starts_with(world.settings.issuer + "/end?x=1&client_id=varro&post_logout_redirect_uri=https%3A%2F%2F"));
  CHECK(address.ends_with("id_token_hint=t"));
  CHECK_FALSE(has(client.logout_address("", back), "id_token_hint"));
}

TEST_CASE("a provider that is silent is given up, and a stop ends the waiting") {
  provider_world world;
  scripted_server silent{[](const std::string&) { return std::vector{hold()}; }};
  world.settings.issuer = "http://127.0.0.1:" + std::to_string(silent.port());
  world.settings.request_max = std::chrono::milliseconds{100};
  CHECK(world.redeem() == errc::model_unreachable);
  oidc_client client{world.transport, world.settings};
  client.stop();
  CHECK(world.redeem(client) == errc::model_unreachable);
  silent.release();
}

TEST_CASE("tokens are kept as text and read back") {
  const oidc_tokens tokens{"i", "a", "r"};
  const auto read = oidc_tokens::from_text(tokens.to_text());
  REQUIRE(read);
  CHECK(read->id == "i");
  CHECK(read->access == "a");
  CHECK(read->refresh == "r");
  CHECK_FALSE(oidc_tokens::from_text("x"));
}
