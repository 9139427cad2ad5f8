#include "config/oidc_checks.hpp"
#include "tests/config/support.hpp"

using namespace varro;
using namespace varro::test;

namespace {

const std::string good
  = "[auth]\nmode = \"oidc\"\n[oidc]\nissuer = \"https://login.example/realm\"\nclient_id = \"varro\"\n";

} // namespace

TEST_CASE("the oidc mode needs an issuer, a client and scopes that make sense") {
  CHECK(error_of(good) == "no error");
  CHECK(contains(error_of("[auth]\nmode = \"oidc\"\n"), "oidc.issuer: is missing"));
  CHECK(contains(error_of("[auth]\nmode = \"oidc\"\n[oidc]\nissuer = \"https://a.example\"\n"),
                 "oidc.client_id: is missing"));
  CHECK(contains(error_of(good + "scopes = [\"email\"]\n"), "test.toml:6: oidc.scopes: \"openid\""));
  CHECK(contains(error_of(good + "allowed_groups = [\"x\"]\n"), "needs oidc.groups_claim"));
  CHECK(error_of(good + "allowed_groups = [\"x\"]\ngroups_claim = \"groups\"\n") == "no error");
  CHECK(contains(error_of(good + "admin_values = [\"x\"]\n"), "needs oidc.role_claim or oidc.groups_claim"));
  CHECK(error_of(good + "admin_values = [\"x\"]\nrole_claim = \"roles\"\n") == "no error");
  // In another mode nothing of it is needed.
  CHECK(error_of("[oidc]\nlabel = \"x\"\n") == "no error");
}

TEST_CASE("signatures are by public keys only") {
  for (const char* name : {"none", "HS256", "HS512", "rs256", "EdDSA", "RSA1_5"})
    CHECK_MESSAGE(contains(error_of(good + "algorithms = [\"RS256\", \"" + name + "\"]\n"), "is none of RS256"), name);
  CHECK(contains(error_of(good + "algorithms = []\n"), "oidc.algorithms: expected a list"));
  CHECK(error_of(good + "algorithms = [\"ES512\"]\n") == "no error");
}

TEST_CASE("a provider is asked over https, or on this machine") {
  for (const char* url : {"https://a.example", "https://a.example:8443/x", "http://127.0.0.1:9", "http://[::1]:9/x",
                          "http://localhost/x"})
    CHECK_MESSAGE(is_provider_url(url), url);
  for (const char* url : {"", "a.example", "http://a.example", "http://127.0.0.1.evil.example", "http://localhost.evil",
                          "http://127.0.0.1@evil.example", "https://user:pass@a.example", "ftp://a.example", "https://",
                          "https:///x", "https://a.example\\b", "https://a.example/ b", "javascript:alert(1)",
                          "HTTPS://a.example", "http://[::1].evil", "http://localhost:80x", "https://a.example/\n"})
    CHECK_FALSE_MESSAGE(is_provider_url(url), url);
}

TEST_CASE("browsers have to be sent back to an address that is known") {
  const std::string open = "[server]\nhost = \"0.0.0.0\"\n";
  CHECK(contains(error_of(open + good), "server.public_url: is missing"));
  CHECK(error_of(open + "public_url = \"https://varro.example\"\n" + good) == "no error");
}

TEST_CASE("the secret comes from the environment or a file, and is not written into the configuration") {
  const auto refused = error_of(good + "client_secret = \"hush\"\n");
  CHECK(contains(refused, "VARRO_OIDC_CLIENT_SECRET"));
  CHECK_FALSE(contains(refused, "hush"));

  written_config with{good};
  with.sources.environment["VARRO_OIDC_CLIENT_SECRET"] = "hush";
  CHECK(with.load().oidc.client_secret == "hush");
  with.sources.environment["VARRO_OIDC_CLIENT_SECRET"] = "hu sh";
  CHECK(contains(with.error(), "visible ASCII"));
  with.sources.environment.erase("VARRO_OIDC_CLIENT_SECRET");
  CHECK(with.load().oidc.client_secret.empty());

  scratch_dir place;
  with.sources.environment["VARRO_OIDC_CLIENT_SECRET_FILE"] = place.write("secret", "from a file\n").string();
  CHECK(contains(with.error(), "visible ASCII"));
  with.sources.environment["VARRO_OIDC_CLIENT_SECRET_FILE"] = place.write("secret", "from-a-file\n").string();
  CHECK(with.load().oidc.client_secret == "from-a-file");
  with.sources.environment["VARRO_OIDC_CLIENT_SECRET"] = "hush";
  CHECK(contains(with.error(), "keep one"));
  with.sources.environment.erase("VARRO_OIDC_CLIENT_SECRET");
  with.sources.environment["VARRO_OIDC_CLIENT_SECRET_FILE"] = (place.path() / "absent").string();
  CHECK(contains(with.error(), "cannot be read"));
}
