#include "config/shown_settings.hpp"

#include "config/keys.hpp"
#include "tests/config/support.hpp"

#include <algorithm>

using namespace varro;
using namespace varro::test;

namespace {

const shown_setting* find(const std::vector<shown_setting>& all, std::string_view key) {
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.key == key; });
  return found == all.end() ? nullptr : &*found;
}

} // namespace

TEST_CASE("each key is shown with its value and where it came from") {
  written_config written{"[server]\nworkers = 3\n"};
  written.sources.environment["VARRO_SERVER_PORT"] = "8123";
  written.sources.command_line.push_back({"auth.mode", "accounts", "--auth"});
  std::map<std::string, std::string> origins;
  auto settings = load_config(written.sources, &origins);
  REQUIRE(settings);
  const auto shown = shown_settings(*settings, origins);
  CHECK(find(shown, "server.workers")->value == "3");
  CHECK(find(shown, "server.workers")->origin.ends_with("test.toml:2"));
  CHECK(find(shown, "server.port")->value == "8123");
  CHECK(find(shown, "server.port")->origin == "environment variable VARRO_SERVER_PORT");
  CHECK(find(shown, "auth.mode")->origin == "--auth");
  CHECK(find(shown, "auth.users_max")->origin.empty());
  CHECK_FALSE(find(shown, "server.port")->by_reload);
  CHECK(find(shown, "log_level")->by_reload);
  for (const auto& row : config_keys())
    CHECK_MESSAGE(find(shown, row.path) != nullptr, row.path);
}

TEST_CASE("no secret is shown, only that it is set") {
  config settings;
  provider_config provider;
  provider.name = "vendor";
  provider.base_url = "https://name:password-1@vendor.example/v1";
  provider.api_key = "sk-secret-2";
  settings.providers = {provider};
  model_config model;
  model.id = "vendor:model";
  model.base_url = provider.base_url;
  model.api_key = "sk-secret-3";
  settings.models = {model};
  settings.server.public_url = "https://name:password-4@chat.example";
  settings.oidc.client_secret = "secret-5";
  std::string text;
  for (const auto& each : shown_settings(settings, {}))
    text += each.key + " " + each.value + " " + each.origin + "\n";
  for (auto secret : {"password-1", "secret-2", "secret-3", "password-4", "secret-5"})
    CHECK_MESSAGE(text.find(secret) == std::string::npos, secret);
  CHECK(text.find("provider.vendor https://…@vendor.example/v1, key set") != std::string::npos);
  CHECK(text.find("model vendor:model https://…@vendor.example/v1, key set") != std::string::npos);
  provider.api_key.clear();
  settings.providers = {provider};
  CHECK(find(shown_settings(settings, {}), "provider.vendor")->value.ends_with(", without a key"));
}
