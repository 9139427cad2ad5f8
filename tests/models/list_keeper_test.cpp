// The lists of models over HTTP, and the file that keeps them.
#include "models/list_keeper.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/scripted_server.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include <sys/stat.h>

using namespace varro;
using namespace varro::test;

namespace {

constexpr std::chrono::seconds patience{20};

std::string json_response(std::string_view body, int status = 200) {
  return http_response(status, "application/json", body);
}

std::string anthropic_page(std::string_view id, bool more = false) {
  return json_response("{\"data\":[{\"type\":\"model\",\"id\":\"" + std::string{id} + "\"}],\"has_more\":"
                       + (more ? "true" : "false") + ",\"last_id\":\"" + std::string{id} + "\"}");
}

provider_config provider_at(const scripted_server& server, std::string name = "anthropic",
                            provider_kind kind = provider_kind::anthropic) {
  return {std::move(name), kind, server.url(""), "sk-secret-1", false};
}

std::vector<list_answer> fetch(const std::vector<provider_config>& providers, const list_limits& limits = {}) {
  auto transport = make_curl_transport();
  std::vector<list_answer> answers;
  fetch_lists(*transport, providers, limits, {}, [&](list_answer&& answer) { answers.push_back(std::move(answer)); });
  return answers;
}

config settings_of(const scratch_dir& scratch, std::vector<provider_config> providers) {
  config settings;
  settings.data_dir = scratch.path();
  settings.offer_lists = true;
  settings.providers = std::move(providers);
  model_config offline;
  offline.id = offline.provider = offline.name = "offline";
  settings.models = {offline};
  return settings;
}

struct kept_catalog {
  explicit kept_catalog(const config& settings)
    : catalog(std::make_shared<model_catalog>(settings)), keeper(catalog, make_curl_transport(), settings) {
    keeper.start();
  }
  bool has(std::string_view id) const {
    return catalog->now()->find(id) != nullptr;
  }
  std::shared_ptr<model_catalog> catalog;
  list_keeper keeper;
};

std::string text_of_file(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

} // namespace

TEST_CASE("a list is read page by page, with the key and the cursor") {
  scripted_server server{[](const std::string& request) -> std::vector<server_step> {
    if (request.find("after_id=claude-a") != std::string::npos)
      return {send_bytes(anthropic_page("claude-b"))};
    return {send_bytes(anthropic_page("claude-a", true))};
  }};
  auto answers = fetch({provider_at(server)});
  REQUIRE(answers.size() == 1);
  REQUIRE(answers[0].models);
  REQUIRE(answers[0].models->size() == 2);
  CHECK((*answers[0].models)[1].name == "claude-b");
  auto requests = server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].find("GET /v1/models?limit=1000 ") == 0);
  CHECK(requests[0].find("x-api-key: sk-secret-1") != std::string::npos);
}

TEST_CASE("pages without an end, or that go round, are cut") {
  std::atomic<int> count{0};
  scripted_server endless{[&](const std::string&) -> std::vector<server_step> {
    return {send_bytes(anthropic_page("claude-" + std::to_string(++count), true))};
  }};
  auto answers = fetch({provider_at(endless)});
  REQUIRE(answers[0].models);
  CHECK(answers[0].models->size() == static_cast<size_t>(list_limits{}.pages_max));
  scripted_server round{
    [](const std::string&) -> std::vector<server_step> { return {send_bytes(anthropic_page("same", true))}; }};
  answers = fetch({provider_at(round)});
  REQUIRE(answers[0].models);
  CHECK(answers[0].models->size() == 2);
}

TEST_CASE("a refused key, a huge answer, garbage and a closed port are errors without the key, each on its own") {
  scripted_server refusing{[](const std::string&) -> std::vector<server_step> {
    return {send_bytes(json_response(
      R"({"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key sk-secret-1"}})", 401))};
  }};
  scripted_server huge{[](const std::string&) -> std::vector<server_step> {
    return {send_bytes(json_response("{\"data\":[" + std::string(200'000, ' ') + "]}"))};
  }};
  scripted_server garbage{
    [](const std::string&) -> std::vector<server_step> { return {send_bytes(json_response("<html>"))}; }};
  scripted_server good{
    [](const std::string&) -> std::vector<server_step> { return {send_bytes(anthropic_page("claude-a"))}; }};
  provider_config closed{"closed", provider_kind::openai, "http://127.0.0.1:1/v1", "sk-secret-1", false};
  list_limits limits;
  limits.page_bytes_max = 100'000;
  std::vector<provider_config> providers{provider_at(refusing, "refusing"), provider_at(huge, "huge"),
                                         provider_at(garbage, "garbage"), closed, provider_at(good, "good")};
  auto answers = fetch(providers, limits);
  REQUIRE(answers.size() == 5);
  std::map<std::string, const list_answer*> by_name;
  for (const auto& answer : answers)
    by_name[answer.provider->name] = &answer;
  CHECK(by_name["good"]->models);
  for (auto name : {"refusing", "huge", "garbage", "closed"}) {
    CAPTURE(name);
    REQUIRE_FALSE(by_name[name]->models);
    auto text = text_of(by_name[name]->models.error());
    CHECK_FALSE(text.empty());
    CHECK(text.find("sk-secret-1") == std::string::npos);
  }
  CHECK(by_name["refusing"]->http_status == 401);
  CHECK(code_of(by_name["refusing"]->models.error()) == errc::model_rejected);
  CHECK(code_of(by_name["closed"]->models.error()) == errc::model_unreachable);
  CHECK(code_of(by_name["garbage"]->models.error()) == errc::model_malformed);
}

TEST_CASE("a silent server uses up its time and no more") {
  scripted_server silent{[](const std::string&) -> std::vector<server_step> { return {hold()}; }};
  list_limits limits;
  limits.total_max = std::chrono::milliseconds{200};
  auto answers = fetch({provider_at(silent)}, limits);
  REQUIRE(answers.size() == 1);
  REQUIRE_FALSE(answers[0].models);
  CHECK(code_of(answers[0].models.error()) == errc::cancelled);
}

TEST_CASE("the catalog has the list once it is there, the file keeps it without the key, and the next start reads it") {
  scratch_dir scratch;
  std::string address;
  {
    scripted_server server{
      [](const std::string&) -> std::vector<server_step> { return {send_bytes(anthropic_page("claude-sonnet-9"))}; }};
    auto settings = settings_of(scratch, {provider_at(server)});
    address = settings.providers[0].base_url;
    kept_catalog kept{settings};
    kept.keeper.wait(patience);
    CHECK(kept.has("anthropic:claude-sonnet-9"));
    kept.keeper.stop();
  }
  auto text = text_of_file(scratch / "models.json");
  CHECK(text.find("claude-sonnet-9") != std::string::npos);
  CHECK(text.find("sk-secret-1") == std::string::npos);
  struct stat info{};
  REQUIRE(stat((scratch / "models.json").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK_FALSE(std::filesystem::exists(scratch / "models.json.new"));
  // The server is gone: the list of the file is offered at once, and stays.
  kept_catalog again{settings_of(scratch, {{"anthropic", provider_kind::anthropic, address, "k", false}})};
  CHECK(again.has("anthropic:claude-sonnet-9"));
  again.keeper.wait(patience);
  again.keeper.stop();
  CHECK(again.has("anthropic:claude-sonnet-9"));
  CHECK(text_of_file(scratch / "models.json") == text);
}

TEST_CASE("without a file and without an answer the well-known names stay, and an empty list changes nothing") {
  scratch_dir scratch;
  scripted_server empty{[](const std::string&) -> std::vector<server_step> {
    return {send_bytes(json_response(R"({"data":[],"has_more":false})"))};
  }};
  kept_catalog kept{settings_of(scratch, {provider_at(empty)})};
  kept.keeper.wait(patience);
  CHECK(kept.catalog->now()->models.size() > 1);
  CHECK(kept.catalog->now()->default_model != "offline");
  CHECK_FALSE(std::filesystem::exists(scratch / "models.json"));
}

TEST_CASE("a damaged, foreign or huge file is passed over and replaced") {
  for (std::string_view damage : {"", "{", "[]", "null", R"({"format":99,"lists":[]})", R"({"format":1})"}) {
    CAPTURE(damage);
    scratch_dir scratch;
    std::ofstream{scratch / "models.json"} << damage;
    CHECK_FALSE(read_list_cache(scratch / "models.json"));
    scripted_server server{
      [](const std::string&) -> std::vector<server_step> { return {send_bytes(anthropic_page("claude-sonnet-9"))}; }};
    kept_catalog kept{settings_of(scratch, {provider_at(server)})};
    kept.keeper.wait(patience);
    kept.keeper.stop();
    CHECK(kept.has("anthropic:claude-sonnet-9"));
    auto lists = read_list_cache(scratch / "models.json");
    REQUIRE(lists);
    CHECK(lists->size() == 1);
  }
  scratch_dir scratch;
  std::filesystem::create_directory(scratch / "models.json");
  CHECK_FALSE(read_list_cache(scratch / "models.json"));
  std::ofstream{scratch / "huge"} << "x";
  std::filesystem::resize_file(scratch / "huge", list_cache_bytes_max + 1);
  CHECK_FALSE(read_list_cache(scratch / "huge"));
}

TEST_CASE("what is written is read again, whole, and with wrong types only what is sound") {
  scratch_dir scratch;
  listed_model model;
  model.name = "claude-sonnet-4-5-20250929";
  model.label = "Claude Sonnet 4.5";
  model.created_at = 1'759'104'000;
  model.context_tokens_max = 200'000;
  model.output_tokens_max = 64'000;
  model.vision = true;
  model.tools = false;
  model.lifecycle = listed_model::stage::deprecated;
  model.retires_on = "2026-11-30";
  model.thinking_types = {"enabled"};
  model.efforts = {"low"};
  cached_list list{"anthropic", provider_kind::anthropic, "https://a.example", 7, {model}};
  REQUIRE_FALSE(write_list_cache(scratch / "models.json", {list}));
  auto read = read_list_cache(scratch / "models.json");
  REQUIRE(read);
  REQUIRE(read->size() == 1);
  const auto& again = read->front().models.at(0);
  CHECK(read->front().fetched_at == 7);
  CHECK(again.name == model.name);
  CHECK(again.label == model.label);
  CHECK(again.created_at == model.created_at);
  CHECK(again.context_tokens_max == model.context_tokens_max);
  CHECK(again.output_tokens_max == model.output_tokens_max);
  CHECK(again.vision == true);
  CHECK(again.tools == false);
  CHECK(again.lifecycle == model.lifecycle);
  CHECK(again.retires_on == model.retires_on);
  CHECK(again.thinking_types == model.thinking_types);
  CHECK(again.efforts == model.efforts);
  std::ofstream{scratch / "odd"} << R"({"format":1,"lists":[1,{"kind":"x"},{"provider":1,"kind":"google","models":[
    {"name":""},{"name":3},{"name":"a","label":[],"context_tokens_max":-1,"vision":"yes","lifecycle":9,
    "retires_on":"never","efforts":[1,"low"]}]}]})";
  auto odd = read_list_cache(scratch / "odd");
  REQUIRE(odd);
  REQUIRE(odd->size() == 1);
  REQUIRE(odd->front().models.size() == 1);
  CHECK(odd->front().models[0].retires_on.empty());
  CHECK(odd->front().models[0].efforts == std::vector<std::string>{"low"});
}

TEST_CASE("a directory that cannot be written leaves the catalog as it is") {
  CHECK(write_list_cache("/nonexistent/models.json", {}));
}

TEST_CASE("a stop does not wait for a silent server, and lists that are not to be fetched are not") {
  scratch_dir scratch;
  scripted_server silent{[](const std::string&) -> std::vector<server_step> { return {hold()}; }};
  auto begin = std::chrono::steady_clock::now();
  {
    kept_catalog kept{settings_of(scratch, {provider_at(silent)})};
    REQUIRE(silent.wait_for_requests(1));
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
  auto settings = settings_of(scratch, {provider_at(silent)});
  settings.model_lists.fetch = false;
  kept_catalog quiet{settings};
  quiet.keeper.wait(patience);
  quiet.keeper.stop();
  CHECK(silent.requests().size() == 1);
}
