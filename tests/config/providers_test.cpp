#include "config/providers.hpp"
#include "tests/config/support.hpp"

#include <utility>

using namespace varro;
using namespace varro::test;

namespace {

std::vector<std::string> ids(const config& settings) {
  std::vector<std::string> result;
  for (const auto& model : settings.models)
    result.push_back(model.id);
  return result;
}

const model_config& model_of(const config& settings, const std::string& id) {
  auto found = settings.find_model(id);
  REQUIRE_MESSAGE(found, id);
  return *found;
}

// Loads without a file, with these variables and --model.
caf::expected<config> load_with(std::map<std::string, std::string> environment, const std::string& model = "") {
  written_config given{""};
  given.sources.environment = std::move(environment);
  if (!model.empty())
    given.sources.command_line.push_back({"default_model", model, "--model"});
  return load_config(given.sources);
}

const provider_config& only_provider(const config& settings) {
  REQUIRE(settings.providers.size() == 1);
  return settings.providers.front();
}

constexpr auto groq = "[provider.groq]\nkind = \"openai\"\nbase_url = \"https://api.groq.com/openai/v1/\"\n"
                      "api_key_env = \"GROQ_KEY\"\n";

} // namespace

TEST_CASE("a vendor's key has its list asked for at the vendor's address, and no model is named") {
  auto loaded = load_with({{"ANTHROPIC_API_KEY", "sk-ant-1"}});
  REQUIRE(loaded);
  CHECK(ids(*loaded) == std::vector<std::string>{"offline"});
  CHECK(loaded->offer_lists);
  CHECK(loaded->default_model.empty());
  const auto& from = only_provider(*loaded);
  CHECK(from.name == "anthropic");
  CHECK(from.kind == provider_kind::anthropic);
  CHECK(from.api_key == "sk-ant-1");
  CHECK(from.base_url == "https://api.anthropic.com");
}

TEST_CASE("each of the three keys suffices, and all together ask all three with Anthropic first") {
  auto openai = load_with({{"OPENAI_API_KEY", "sk-1"}});
  REQUIRE(openai);
  CHECK(only_provider(*openai).kind == provider_kind::openai_responses);
  CHECK(only_provider(*openai).either_openai_api);
  CHECK(only_provider(*openai).base_url == "https://api.openai.com/v1");
  auto google = load_with({{"GEMINI_API_KEY", "g-1"}});
  REQUIRE(google);
  CHECK(only_provider(*google).kind == provider_kind::google);
  CHECK(only_provider(*google).base_url == "https://generativelanguage.googleapis.com/v1beta");
  auto all = load_with({{"OPENAI_API_KEY", "sk-1"}, {"ANTHROPIC_API_KEY", "sk-2"}, {"GEMINI_API_KEY", "g-1"}});
  REQUIRE(all);
  REQUIRE(all->providers.size() == 3);
  CHECK(all->providers[0].name == "anthropic");
  CHECK(all->providers[0].api_key == "sk-2");
  CHECK(all->providers[1].api_key == "sk-1");
  CHECK(all->providers[2].api_key == "g-1");
}

TEST_CASE("an empty key is no key") {
  auto loaded = load_with({{"OPENAI_API_KEY", ""}, {"ANTHROPIC_API_KEY", ""}, {"OPENAI_BASE_URL", ""}});
  REQUIRE(loaded);
  CHECK(ids(*loaded) == std::vector<std::string>{"offline"});
  CHECK(loaded->providers.empty());
}

TEST_CASE("a base URL without a key has its list asked for, for servers that need none") {
  auto loaded = load_with({{"OPENAI_BASE_URL", "http://127.0.0.1:9/v1"}});
  REQUIRE(loaded);
  CHECK(only_provider(*loaded).base_url == "http://127.0.0.1:9/v1");
  CHECK(only_provider(*loaded).kind == provider_kind::openai);
  CHECK(only_provider(*loaded).api_key.empty());
  auto anthropic = load_with({{"ANTHROPIC_BASE_URL", "http://127.0.0.1:9"}});
  REQUIRE(anthropic);
  CHECK(only_provider(*anthropic).kind == provider_kind::anthropic);
}

TEST_CASE("the vendor's own address written down does not replace the key") {
  auto loaded = load_with({{"OPENAI_BASE_URL", "https://api.openai.com/v1/"}});
  REQUIRE(loaded);
  CHECK(ids(*loaded) == std::vector<std::string>{"offline"});
  CHECK(loaded->providers.empty());
}

TEST_CASE("base URLs lose trailing slashes, and Anthropic's its /v1") {
  auto url = [](const char* text, provider_kind kind) {
    auto result = normalised_base_url(text, kind);
    REQUIRE(result);
    return *result;
  };
  CHECK(url("https://a.example//", provider_kind::anthropic) == "https://a.example");
  CHECK(url("https://a.example/v1/", provider_kind::anthropic) == "https://a.example");
  CHECK(url("https://a.example/proxy/v1", provider_kind::anthropic) == "https://a.example/proxy");
  CHECK(url("https://a.example/v1/", provider_kind::openai) == "https://a.example/v1");
  CHECK(url("http://[::1]:8080/v1", provider_kind::openai) == "http://[::1]:8080/v1");
}

TEST_CASE("Google's address may stand with its version or without, as its own clients take it") {
  auto url = [](const char* text) { return normalised_base_url(text, provider_kind::google).value(); };
  CHECK(url("http://127.0.0.1:8080") == "http://127.0.0.1:8080/v1beta");
  CHECK(url("https://proxy.example/gemini/") == "https://proxy.example/gemini/v1beta");
  CHECK(url("https://v1.example") == "https://v1.example/v1beta");
  CHECK(url("https://generativelanguage.googleapis.com/v1beta") == "https://generativelanguage.googleapis.com/v1beta");
  CHECK(url("https://a.example/v1") == "https://a.example/v1");
  CHECK(url("https://a.example/v1/projects/p/publishers/google")
        == "https://a.example/v1/projects/p/publishers/google");
}

TEST_CASE("what is not a base URL is refused") {
  for (auto text : {"", "api.example", "ftp://a.example", "http://", "https:///v1", "http://user:pw@a.example",
                    "https://a.example/v1?x=1", "https://a.example/#x", "https://a example", "https://a\r\nx: y"}) {
    CAPTURE(text);
    CHECK_FALSE(normalised_base_url(text, provider_kind::openai));
  }
  auto loaded = load_with({{"OPENAI_BASE_URL", "localhost:8080"}});
  REQUIRE_FALSE(loaded);
  CHECK(contains(text_of(loaded.error()), "environment variable OPENAI_BASE_URL: not a base URL: it must begin with"));
}

TEST_CASE("--model makes a model the default and one of the choices") {
  auto added = load_with({{"ANTHROPIC_API_KEY", "k"}}, "anthropic:claude-next");
  REQUIRE(added);
  CHECK(added->default_model == "anthropic:claude-next");
  CHECK(ids(*added) == std::vector<std::string>{"anthropic:claude-next", "offline"});
  CHECK(model_of(*added, "anthropic:claude-next").name == "claude-next");
  CHECK(added->offer_lists);
  auto with_colon = load_with({}, "ollama:llama3:8b");
  REQUIRE(with_colon);
  CHECK(model_of(*with_colon, "ollama:llama3:8b").name == "llama3:8b");
  CHECK(model_of(*with_colon, "ollama:llama3:8b").base_url == "http://127.0.0.1:11434/v1");
}

TEST_CASE("--model offline keeps the others to choose from") {
  auto loaded = load_with({{"ANTHROPIC_API_KEY", "k"}}, "offline");
  REQUIRE(loaded);
  CHECK(loaded->default_model == "offline");
  CHECK(only_provider(*loaded).name == "anthropic");
  CHECK(loaded->offer_lists);
}

TEST_CASE("an unknown provider of --model is refused with the known ones") {
  auto loaded = load_with({}, "antropic:claude");
  REQUIRE_FALSE(loaded);
  CHECK(contains(text_of(loaded.error()),
                 "--model: no provider is called antropic; known are: anthropic, openai, google, ollama, "
                 "llamacpp, offline"));
  for (auto text : {"claude", ":x", "openai:"}) {
    auto bare = load_with({{"OPENAI_API_KEY", "k"}}, text);
    REQUIRE_FALSE(bare);
    CHECK(contains(text_of(bare.error()), "--model: no model is called " + std::string{text}));
  }
}

TEST_CASE("a model at a vendor's address without a key is refused with how to set it") {
  auto loaded = load_with({}, "anthropic:claude-sonnet-4-5");
  REQUIRE_FALSE(loaded);
  CHECK(contains(text_of(loaded.error()),
                 "--model: the provider anthropic needs a key: set the environment variable "
                 "ANTHROPIC_API_KEY"));
}

TEST_CASE("a provider and its models come from the file, the key from the environment") {
  written_config given{std::string{groq} + R"([[model]]
provider = "groq"
name = "openai/gpt-oss-120b"
label = "GPT-OSS"
vision = false
thinking = "budget"
thinking_budget_tokens = 2000
output_tokens_max = 4000
temperature = 1
[[model]]
id = "fast"
provider = "groq"
name = "llama"
tools = false
temperature = 0.5
)"};
  given.sources.environment = {{"GROQ_KEY", "gsk-1"}, {"ANTHROPIC_API_KEY", "unused"}};
  auto loaded = given.load();
  CHECK(ids(loaded) == std::vector<std::string>{"groq:openai/gpt-oss-120b", "fast", "offline"});
  const auto& first = loaded.models[0];
  CHECK(first.kind == provider_kind::openai);
  CHECK(first.base_url == "https://api.groq.com/openai/v1");
  CHECK(first.api_key == "gsk-1");
  CHECK(first.label == "GPT-OSS");
  CHECK_FALSE(first.vision);
  CHECK(first.thinking == "budget");
  CHECK(first.thinking_budget_tokens == 2000);
  CHECK(first.output_tokens_max == 4000);
  CHECK(first.temperature == 1.0);
  CHECK(loaded.models[1].label == "fast");
  CHECK_FALSE(loaded.models[1].tools);
  CHECK(loaded.models[1].temperature == 0.5);
  given.sources.command_line = {{"default_model", "fast", "--model"}};
  CHECK(given.load().default_model == "fast");
  given.sources.command_line = {{"default_model", "groq:other", "--model"}};
  CHECK(model_of(given.load(), "groq:other").api_key == "gsk-1");
}

TEST_CASE("wrong keys, types and values of providers and models name file, line and key") {
  CHECK(contains(error_of("[provider.x]\nkind = \"gogle\"\n"),
                 "test.toml:2: provider.x.kind: expected one of: anthropic, openai, openai-responses, google, got the "
                 "text \"gogle\""));
  CHECK(contains(error_of("[provider.x]\nbase_ulr = \"http://a\"\n"),
                 "test.toml:2: provider.x.base_ulr: no such key; did you mean base_url? Allowed: kind, base_url,"));
  CHECK(contains(error_of("[[model]]\nnmae = \"a\"\n"), "test.toml:2: model.nmae: no such key; did you mean name?"));
  CHECK(contains(error_of("\n[[model]]\nname = \"a\"\n"), "test.toml:2: model: needs provider and name"));
  CHECK(contains(error_of("[[model]]\nvision = 1\n"), "test.toml:2: model.vision: expected true or false, got 1"));
  CHECK(
    contains(error_of("[[model]]\ntemperature = 2.5\n"), "model.temperature: expected a number from 0 to 2, got 2.5"));
  CHECK(contains(error_of("[[model]]\ntemperature = nan\n"), "model.temperature: expected a number from 0 to 2"));
  CHECK(contains(error_of("[model]\nname = \"a\"\n"), "model: expected sections, each written [[model]]"));
  CHECK(contains(error_of("[provider]\nkind = \"openai\"\n"), "provider.kind: expected a section"));
  CHECK(contains(error_of("provider = 1\n"), "provider: expected sections, written [provider.NAME]"));
  CHECK(contains(error_of("[provider.x]\nkind = \"openai\"\n"),
                 "test.toml:1: provider.x: needs kind (anthropic, openai, "
                 "openai-responses or google) and base_url"));
  CHECK(contains(error_of("[provider.anthropic]\nkind = \"openai\"\n"), "provider.anthropic.kind: is fixed"));
  CHECK(contains(error_of("[provider.offline]\nkind = \"openai\"\n"), "and not offline"));
  CHECK(contains(error_of("[provider.\"a b\"]\nkind = \"openai\"\n"), "a provider's name is 1 to 64 of"));
}

TEST_CASE("a model of an unknown provider is refused with the known ones, and a double id with the id") {
  auto unknown = error_of("[[model]]\nprovider = \"gorq\"\nname = \"a\"\n");
  CHECK(contains(unknown, "test.toml:1: model: no provider is called gorq; known are: anthropic,"));
  auto twice
    = error_of("[[model]]\nprovider = \"ollama\"\nname = \"a\"\n[[model]]\nprovider = \"ollama\"\nname = \"a\"\n");
  CHECK(contains(twice, "test.toml:4: model: there is another model with the id ollama:a"));
  CHECK(contains(error_of("[[model]]\nid = \"offline\"\nprovider = \"ollama\"\nname = \"a\"\n"), "ids are unique"));
}

TEST_CASE("a thinking budget that leaves no tokens for an answer is refused") {
  std::string text
    = "[[model]]\nprovider = \"ollama\"\nname = \"a\"\nthinking = \"budget\"\noutput_tokens_max = 8000\n";
  CHECK(contains(error_of(text), "thinking_budget_tokens must be less than output_tokens_max"));
  text += "thinking_budget_tokens = 7999\n";
  CHECK(error_of(text) == "no error");
}

TEST_CASE("a key in the file is refused with where to put it, and not repeated") {
  for (auto text : {"[provider.x]\napi_key = \"sk-verysecret\"\n", "[[model]]\napi_key = \"sk-verysecret\"\n"}) {
    auto error = error_of(text);
    CHECK(contains(error, "test.toml:2: "));
    CHECK(contains(error, "api_key_env"));
    CHECK(contains(error, "api_key_file"));
    CHECK_FALSE(contains(error, "verysecret"));
  }
}

TEST_CASE("a key that is named but not there is refused") {
  CHECK(
    contains(error_of(groq), "test.toml:1: provider.groq.api_key_env: the environment variable GROQ_KEY is not set"));
  written_config given{groq};
  given.sources.environment = {{"GROQ_KEY", "two words"}};
  CHECK(contains(given.error(), "does not hold a key: only visible ASCII characters"));
  CHECK_FALSE(contains(given.error(), "two words"));
  given.sources.environment = {{"GROQ_KEY", "k"}};
  CHECK(given.error() == "no error");
}

TEST_CASE("a key file holds one key and may end with a line break") {
  scratch_dir keys;
  auto given = [&](const std::string& file) {
    return written_config{"[provider.x]\nkind = \"openai\"\nbase_url = \"https://a.example/v1\"\napi_key_file = \""
                          + (keys.path() / file).string() + "\"\n[[model]]\nprovider = \"x\"\nname = \"m\"\n"};
  };
  keys.write("good", "sk-file\n");
  CHECK(given("good").load().models[0].api_key == "sk-file");
  keys.write("two", "sk-a\nsk-b\n");
  CHECK(contains(given("two").error(), "provider.x.api_key_file: "));
  CHECK_FALSE(contains(given("two").error(), "sk-a"));
  keys.write("none", "");
  CHECK(contains(given("none").error(), "must hold only the key"));
  CHECK(contains(given("missing").error(), "cannot be read"));
  CHECK(contains(given(".").error(), "cannot be read"));
  CHECK(
    contains(error_of("[provider.x]\nkind = \"openai\"\nbase_url = \"http://a\"\napi_key_env = \"A\"\napi_key_file = "
                      "\"b\"\n"),
             "has both api_key_env and api_key_file"));
}

TEST_CASE("a section changes a known provider, and the environment changes it last") {
  written_config given{"[provider.openai]\nbase_url = \"https://gateway.example/v1\"\napi_key_env = \"GATEWAY_KEY\"\n"};
  given.sources.environment = {{"GATEWAY_KEY", "g"}, {"OPENAI_API_KEY", "o"}};
  auto loaded = given.load();
  CHECK(only_provider(loaded).base_url == "https://gateway.example/v1");
  CHECK(only_provider(loaded).api_key == "g");
  CHECK(only_provider(loaded).kind == provider_kind::openai);
  given.sources.environment["OPENAI_BASE_URL"] = "http://127.0.0.1:1/v1";
  CHECK(only_provider(given.load()).base_url == "http://127.0.0.1:1/v1");
}

TEST_CASE("with models in the file exactly these are offered, and their providers' lists only complete them") {
  written_config given{"[[model]]\nprovider = \"anthropic\"\nname = \"claude-x\"\n"};
  given.sources.environment = {{"ANTHROPIC_API_KEY", "k"}};
  auto loaded = given.load();
  CHECK_FALSE(loaded.offer_lists);
  CHECK(only_provider(loaded).name == "anthropic");
  CHECK(loaded.default_model == "anthropic:claude-x");
}

TEST_CASE("local models are asked for only when none is configured and none is wanted") {
  int asked = 0;
  model_config found;
  found.id = "ollama:llama3";
  auto load = [&](std::string_view toml, std::map<std::string, std::string> environment, const std::string& model) {
    written_config given{toml};
    given.sources.environment = std::move(environment);
    given.sources.discover = [&] {
      ++asked;
      return std::vector{found};
    };
    if (!model.empty())
      given.sources.command_line.push_back({"default_model", model, "--model"});
    return given.load();
  };
  auto discovered = load("", {}, "");
  CHECK(asked == 1);
  CHECK(ids(discovered) == std::vector<std::string>{"ollama:llama3", "offline"});
  CHECK(discovered.default_model == "ollama:llama3");
  load("discover_local_models = false\n", {}, "");
  load("", {{"OPENAI_API_KEY", "k"}}, "");
  load("[[model]]\nprovider = \"ollama\"\nname = \"a\"\n", {}, "");
  load("", {}, "offline");
  CHECK(asked == 1);
}
