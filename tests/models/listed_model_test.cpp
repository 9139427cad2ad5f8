// What vendors' lists of models tell, in the shapes that they document, and in hostile ones.
#include "base/day.hpp"
#include "models/listed_model.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

list_page read(provider_kind kind, std::string_view body) {
  auto page = read_list(kind, body);
  if (!page)
    FAIL(text_of(page.error()));
  return std::move(*page);
}

std::string header_of(const http_request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name)
      return value;
  return {};
}

using words = std::vector<std::string>;

} // namespace

TEST_CASE("Anthropic's list tells limits, lifecycle, sight, kinds of thinking and efforts, and its next page") {
  auto page = read(provider_kind::anthropic, R"({"data": [
    {"type": "model", "id": "claude-sonnet-5-5", "display_name": "Claude Sonnet 5.5",
     "created_at": "2026-09-24T00:00:00Z", "lifecycle": "active", "line": "sonnet", "deprecated_at": null,
     "retires_at": null, "max_input_tokens": 1000000, "max_tokens": 128000,
     "capabilities": {"batch": {"supported": true}, "image_input": {"supported": true},
       "effort": {"supported": true, "low": {"supported": true}, "high": {"supported": true},
                  "max": {"supported": false}},
       "thinking": {"supported": true, "types": {"adaptive": {"supported": true}, "enabled": {"supported": false},
                    "disabled": {"supported": false}, "between_tools": {"supported": true}}}}},
    {"type": "model", "id": "claude-sonnet-4-5-20250929", "display_name": "Claude Sonnet 4.5",
     "created_at": "2025-09-29T00:00:00Z", "lifecycle": "deprecated", "deprecated_at": "2026-08-31T00:00:00Z",
     "retires_at": "2026-11-30T17:00:00Z", "max_input_tokens": 200000, "max_tokens": 64000, "capabilities": null}],
    "has_more": true, "first_id": "claude-sonnet-5-5", "last_id": "claude-sonnet-4-5-20250929"})");
  REQUIRE(page.models.size() == 2);
  const auto& first = page.models[0];
  CHECK(first.name == "claude-sonnet-5-5");
  CHECK(first.label == "Claude Sonnet 5.5");
  CHECK(first.context_tokens_max == 1'000'000);
  CHECK(first.output_tokens_max == 128'000);
  CHECK(first.vision == true);
  CHECK(first.thinking_types == words{"adaptive", "between_tools"});
  CHECK(first.efforts == words{"low", "high"});
  CHECK(first.lifecycle == listed_model::stage::active);
  CHECK(first.retires_on.empty());
  CHECK(first.created_at == *days_of("2026-09-24") * 86'400);
  const auto& second = page.models[1];
  CHECK(second.lifecycle == listed_model::stage::deprecated);
  CHECK(second.retires_on == "2026-11-30");
  CHECK_FALSE(second.vision.has_value());
  CHECK(page.next == "claude-sonnet-4-5-20250929");
}

TEST_CASE("OpenAI's list tells the day of the end and nothing of limits") {
  auto page = read(provider_kind::openai_responses, R"({"object": "list", "data": [
    {"id": "gpt-6.2-sol", "object": "model", "created": 1794873600, "owned_by": "system", "shutdown_date": null},
    {"id": "gpt-5", "object": "model", "created": 1754425777, "owned_by": "system", "shutdown_date": "2026-12-11"}]})");
  REQUIRE(page.models.size() == 2);
  CHECK(page.models[0].created_at == 1'794'873'600);
  CHECK(page.models[0].retires_on.empty());
  CHECK(page.models[0].context_tokens_max == 0);
  CHECK(page.models[1].retires_on == "2026-12-11");
  CHECK(page.models[1].lifecycle == listed_model::stage::deprecated);
  CHECK(page.next.empty());
}

TEST_CASE("Google's list names models by resource, and only those that generate content are taken") {
  auto page = read(provider_kind::google, R"({"models": [
    {"name": "models/gemini-3.8-flash", "version": "3.8", "displayName": "Gemini 3.8 Flash", "description": "…",
     "inputTokenLimit": 1048576, "outputTokenLimit": 65536, "thinking": true, "temperature": 1,
     "supportedGenerationMethods": ["generateContent", "countTokens"]},
    {"name": "models/gemini-embedding-2", "inputTokenLimit": 8192, "outputTokenLimit": 1,
     "supportedGenerationMethods": ["embedContent"]}], "nextPageToken": "CgA="})");
  REQUIRE(page.models.size() == 1);
  CHECK(page.models[0].name == "gemini-3.8-flash");
  CHECK(page.models[0].label == "Gemini 3.8 Flash");
  CHECK(page.models[0].context_tokens_max == 1'048'576);
  CHECK(page.models[0].output_tokens_max == 65'536);
  CHECK(page.next == "CgA=");
  CHECK(read(provider_kind::google, "{}").models.empty());
}

TEST_CASE("compatible servers tell limits, sight and tools under names of their own") {
  auto page = read(provider_kind::openai, R"({"data": [
    {"id": "a/router", "name": "A Router", "created": 5, "context_length": 131072,
     "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
     "supported_parameters": ["max_tokens", "tools"], "top_provider": {"max_completion_tokens": 8192},
     "expiration_date": "2027-01-01"},
    {"id": "a/mute", "supported_parameters": ["max_tokens"]},
    {"id": "a/painter", "architecture": {"output_modalities": ["image"]}},
    {"id": "groq", "context_window": 32768, "max_completion_tokens": 4096, "active": true},
    {"id": "groq-off", "active": false},
    {"id": "vllm", "max_model_len": 4096},
    {"id": "mistral", "max_context_length": 262144, "capabilities": {"vision": true, "function_calling": true},
     "deprecation": "2027-05-31T12:00:00Z"},
    {"id": "together-embed", "type": "embedding"}]})");
  std::vector<std::string> names;
  for (const auto& model : page.models)
    names.push_back(model.name);
  REQUIRE(names == words{"a/router", "a/mute", "groq", "vllm", "mistral"});
  CHECK(page.models[0].label == "A Router");
  CHECK(page.models[0].context_tokens_max == 131'072);
  CHECK(page.models[0].output_tokens_max == 8'192);
  CHECK(page.models[0].vision == true);
  CHECK(page.models[0].tools == true);
  CHECK(page.models[0].retires_on == "2027-01-01");
  CHECK(page.models[1].tools == false);
  CHECK(page.models[2].context_tokens_max == 32'768);
  CHECK(page.models[2].output_tokens_max == 4'096);
  CHECK(page.models[3].context_tokens_max == 4'096);
  CHECK(page.models[4].vision == true);
  CHECK(page.models[4].retires_on == "2027-05-31");
  CHECK(read(provider_kind::openai, R"([{"id": "together"}])").models.size() == 1);
}

TEST_CASE("an answer that is no list is refused, and entries without a usable name are left out") {
  for (auto body : {"", "null", "{}", "[", "<html>", "{\"data\": {}}", "{\"data\": 1}", "\"x\"", "{\"models\": []}"}) {
    CAPTURE(body);
    CHECK_FALSE(read_list(provider_kind::anthropic, body));
    CHECK_FALSE(read_list(provider_kind::openai, body));
  }
  auto nested = std::string(300, '[') + std::string(300, ']');
  CHECK_FALSE(read_list(provider_kind::openai, nested));
  auto page = read(provider_kind::openai, R"({"data": [null, 1, "x", [], {}, {"id": 5}, {"id": ""}, {"id": "a b"},
    {"id": "new\nline"}, {"id": "good"}, {"name": "no id"}]})");
  REQUIRE(page.models.size() == 1);
  CHECK(page.models[0].name == "good");
  auto endless = R"({"data": [{"id": ")" + std::string(10'000, 'x') + R"("}]})";
  CHECK(read(provider_kind::openai, endless).models.empty());
}

TEST_CASE("wrong types and absurd numbers count as not told") {
  auto page = read(provider_kind::anthropic, R"({"data": [
    {"id": "a", "display_name": 7, "created_at": "yesterday", "lifecycle": 3, "retires_at": "2026-13-45",
     "max_input_tokens": -5, "max_tokens": 1e300, "capabilities": {"image_input": true, "thinking": [],
     "effort": {"low": "yes"}}}], "has_more": "yes", "last_id": "a"})");
  REQUIRE(page.models.size() == 1);
  const auto& model = page.models[0];
  CHECK(model.label.empty());
  CHECK(model.created_at == 0);
  CHECK(model.context_tokens_max == 0);
  CHECK(model.output_tokens_max == 0);
  CHECK(model.retires_on.empty());
  CHECK_FALSE(model.vision.has_value());
  CHECK(model.efforts.empty());
  CHECK(page.next.empty());
  auto labelled
    = read(provider_kind::openai, "{\"data\": [{\"id\": \"a\", \"name\": \"" + std::string(999, 'y') + "\"}]}");
  CHECK(labelled.models[0].label.size() == list_name_bytes_max);
}

TEST_CASE("more models than any vendor has are cut") {
  std::string body = "{\"data\": [";
  for (size_t i = 0; i < list_models_max + 10; ++i)
    body += (i ? ",{\"id\":\"m" : "{\"id\":\"m") + std::to_string(i) + "\"}";
  CHECK(read(provider_kind::openai, body + "]}").models.size() == list_models_max);
}

TEST_CASE("a list is asked for as each vendor wants it, with the key in a header and the cursor encoded") {
  provider_config from{"p", provider_kind::anthropic, "https://a.example", "key-1", false};
  auto first = list_request(from, "");
  CHECK(first.method == "GET");
  CHECK(first.url == "https://a.example/v1/models?limit=1000");
  CHECK(header_of(first, "x-api-key") == "key-1");
  CHECK(header_of(first, "anthropic-version") == "2023-06-01");
  CHECK(list_request(from, "a b&c=/").url == "https://a.example/v1/models?limit=1000&after_id=a%20b%26c%3D%2F");
  from.kind = provider_kind::google;
  CHECK(list_request(from, "Cg==").url == "https://a.example/models?pageSize=1000&pageToken=Cg%3D%3D");
  CHECK(header_of(list_request(from, ""), "x-goog-api-key") == "key-1");
  from.kind = provider_kind::openai_responses;
  CHECK(list_request(from, "").url == "https://a.example/models");
  CHECK(header_of(list_request(from, ""), "Authorization") == "Bearer key-1");
  from.api_key.clear();
  CHECK(list_request(from, "").headers.empty());
}

TEST_CASE("a date or a time begins with a day of the calendar") {
  CHECK(date_of("2026-11-30T00:00:00Z") == "2026-11-30");
  CHECK(date_of("2026-11-301") == "");
}
