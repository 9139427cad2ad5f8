#include "config/proxy_checks.hpp"

#include "tests/config/support.hpp"

using namespace varro;
using namespace varro::test;

namespace {

// With auth.mode = "proxy", a trusted proxy, and these further lines of [proxy].
std::string with_proxy(const std::string& lines) {
  return "[server]\ntrusted_proxies = [\"10.0.0.0/8\"]\n[auth]\nmode = \"proxy\"\n[proxy]\n" + lines;
}

} // namespace

TEST_CASE("trusted proxies are addresses and ranges") {
  written_config written{"[server]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\", \"2001:db8::/32\"]\n"};
  auto ranges = trusted_ranges(written.load().server);
  REQUIRE(ranges.size() == 3);
  CHECK(ranges[1].contains(*parse_address("10.1.2.3")));
  CHECK_FALSE(ranges[0].contains(*parse_address("127.0.0.2")));
}

TEST_CASE("a range that is none stops the start, with its place") {
  CHECK(contains(error_of("[server]\ntrusted_proxies = [\"127.0.0.1\", \"10.1.0.0/8\"]\n"),
                 "test.toml:2: server.trusted_proxies: \"10.1.0.0/8\" is not the first address of its range"));
  CHECK(contains(error_of("[server]\ntrusted_proxies = [\"proxy.example\"]\n"), "\"proxy.example\" is no address"));
  config settings;
  settings.server.trusted_proxies = {"x", "::1"}; // not loaded: believed is only what is a range
  CHECK(trusted_ranges(settings.server).size() == 1);
}

TEST_CASE("the proxy mode needs proxies that it believes") {
  CHECK(contains(error_of("[auth]\nmode = \"proxy\"\n"), "server.trusted_proxies: is empty, and --auth proxy"));
  CHECK(written_config{with_proxy("")}.load().auth.mode == auth_mode::proxy);
}

TEST_CASE("the proxy's fields are names of fields, each for one purpose") {
  auto loaded = written_config{with_proxy("user_header = \"Remote-User\"\nmail_header = \"Remote-Email\"\n"
                                          "groups_header = \"Remote-Groups\"\nadmin_values = [\"admins\"]\n"
                                          "allowed_groups = [\"staff\"]\nlogout_url = \"/sign_out\"\n")}
                  .load();
  CHECK(loaded.proxy.user_header == "Remote-User");
  CHECK(loaded.proxy.claims.admin_values == std::vector<std::string>{"admins"});
  for (const auto* wrong : {"user_header = \"Remote_User\"", "user_header = \"\"", "user_header = \"Remote User\"",
                            "mail_header = \"X-Mail:\"", "groups_header = \"Gr\xc3\xbcppen\""}) {
    CAPTURE(wrong);
    CHECK(error_of(with_proxy(wrong)) != "no error");
  }
  CHECK(contains(error_of(with_proxy("mail_header = \"x-forwarded-USER\"")),
                 "proxy.mail_header: x-forwarded-USER is the field of another setting already"));
}

TEST_CASE("rules about groups need the field that tells them, and a logout an address") {
  CHECK(contains(error_of(with_proxy("admin_values = [\"a\"]")), "proxy.admin_values: needs proxy.groups_header"));
  CHECK(contains(error_of(with_proxy("allowed_groups = [\"a\"]")), "proxy.allowed_groups: needs proxy.groups_header"));
  CHECK(contains(error_of(with_proxy("logout_url = \"javascript:alert(1)\"")), "proxy.logout_url: expected a path"));
}

TEST_CASE("without the proxy mode its section stops nothing") {
  CHECK(error_of("[proxy]\nadmin_values = [\"a\"]\n") == "no error");
}
