#include "config/metrics_checks.hpp"
#include "tests/config/support.hpp"

using namespace varro;
using namespace varro::test;

TEST_CASE("by default only this machine may read the metrics, and nobody by a token") {
  written_config written{""};
  const auto settings = written.load().metrics;
  CHECK(settings.token.empty());
  const auto ranges = metrics_ranges(settings);
  REQUIRE(ranges.size() == 2);
  CHECK(ranges[0].contains(*parse_address("127.1.2.3")));
  CHECK(ranges[1].contains(*parse_address("::1")));
  for (const auto& range : ranges)
    for (auto other : {"128.0.0.1", "10.0.0.1", "::2"})
      CHECK_FALSE(range.contains(*parse_address(other)));
}

TEST_CASE("addresses that may read the metrics are addresses or ranges, and not everybody's") {
  CHECK(error_of("[metrics]\nallowed_addresses = [\"10.1.0.0/16\", \"2001:db8::7\"]\n") == "no error");
  CHECK(error_of("[metrics]\nallowed_addresses = []\n") == "no error");
  CHECK(contains(error_of("[metrics]\nallowed_addresses = [\"prometheus.example\"]\n"),
                 "test.toml:2: metrics.allowed_addresses: \"prometheus.example\" is no address"));
  CHECK(contains(error_of("[metrics]\nallowed_addresses = [\"0.0.0.0/0\"]\n"), "metrics.allowed_addresses"));
}

TEST_CASE("the token of the metrics comes from the environment or a file, and is long enough not to be guessed") {
  const auto refused = error_of("[metrics]\ntoken = \"0123456789abcdef\"\n");
  CHECK(contains(refused, "VARRO_METRICS_TOKEN"));
  CHECK_FALSE(contains(refused, "0123456789abcdef"));

  written_config with{""};
  with.sources.environment["VARRO_METRICS_TOKEN"] = std::string(metrics_token_bytes_min, 'a');
  CHECK(with.load().metrics.token == std::string(metrics_token_bytes_min, 'a'));
  CHECK(with.load().oidc.client_secret.empty());
  with.sources.environment["VARRO_METRICS_TOKEN"] = std::string(metrics_token_bytes_min - 1, 'a');
  CHECK(contains(with.error(), "expected 16 characters at least"));
  CHECK_FALSE(contains(with.error(), "aaaa"));
  with.sources.environment.erase("VARRO_METRICS_TOKEN");

  scratch_dir place;
  with.sources.environment["VARRO_METRICS_TOKEN_FILE"] = place.write("token", "out-of-a-secret-file\n").string();
  CHECK(with.load().metrics.token == "out-of-a-secret-file");
}

TEST_CASE("logs have one of three forms") {
  written_config written{""};
  CHECK(written.load().log_format == "text");
  CHECK(error_of("log_format = \"json\"\n") == "no error");
  CHECK(contains(error_of("log_format = \"xml\"\n"), "log_format"));
}
