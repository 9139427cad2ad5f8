#include "bench/context_window.hpp"
#include "bench/model_route.hpp"
#include "bench/script.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::bench;

namespace {

json body_with(size_t characters) {
  return {{"messages", json::array({json{{"role", "user"}, {"content", std::string(characters, 'x')}}})}};
}

} // namespace

TEST_CASE("requests beyond the context window are refused in each vendor's words, and others taken") {
  auto body = body_with(4000);
  auto tokens = std::to_string(estimated_tokens(body));
  CHECK(estimated_tokens(body) > 1000);
  CHECK(estimated_tokens(body) < 1010);
  for (auto api : {vendor::anthropic, vendor::openai, vendor::openai_responses, vendor::google}) {
    CHECK(!check_context(api, body, 0));
    CHECK(!check_context(api, body, 2000));
    CHECK(check_context(api, body, 1000));
  }
  CHECK(check_context(vendor::anthropic, body, 1000)->message
        == "prompt is too long: " + tokens + " tokens > 1000 maximum");
  auto chat = *check_context(vendor::openai, body, 1000);
  CHECK(chat.code == "context_length_exceeded");
  CHECK(chat.param == "messages");
  CHECK(check_context(vendor::openai_responses, body, 1000)->code == "context_length_exceeded");
  auto google = *check_context(vendor::google, body, 1000);
  CHECK(google.type == "INVALID_ARGUMENT");
  CHECK(google.message
        == "The input token count (" + tokens + ") exceeds the maximum number of tokens allowed (1000).");
}

TEST_CASE("pictures count as pictures, and what only the server reads not at all") {
  std::string data(400'000, 'A');
  json source{{"type", "base64"}, {"media_type", "image/png"}, {"data", data}};
  json picture{{"content", json::array({json{{"type", "image"}, {"source", source}}})}};
  CHECK(estimated_tokens(picture) < 2000);
  CHECK(estimated_tokens(picture) > 1000);
  CHECK(estimated_tokens(json{{"image_url", "data:image/png;base64," + data}}) < 2000);
  CHECK(estimated_tokens(json{{"signature", data}, {"encrypted_content", data}}) < 100);
}

TEST_CASE("a script sets the context window") {
  std::string error;
  auto rules = read_script(*parse_json(R"({"context_tokens": 500})"), error);
  REQUIRE(rules);
  CHECK(rules->context_tokens == 500);
  CHECK(!read_script(*parse_json(R"({"context_tokens": -1})"), error));
  CHECK(!read_script(*parse_json("{}"), error)->context_tokens);
}

TEST_CASE("paths tell the wire, and Google's the model and whether to stream") {
  CHECK(route_of("/v1/messages")->api == vendor::anthropic);
  CHECK(route_of("/v1/responses")->api == vendor::openai_responses);
  CHECK(route_of("/v1beta/openai/chat/completions")->api == vendor::openai);
  auto route = route_of("/v1beta/models/gemini-3.6-flash:streamGenerateContent?alt=sse&key=k");
  REQUIRE(route);
  CHECK(route->api == vendor::google);
  CHECK(route->model == "gemini-3.6-flash");
  CHECK(route->streams);
  CHECK(!route->in_array);
  CHECK(route_of("/v1beta/models/m:streamGenerateContent")->in_array);
  CHECK(!route_of("/v1beta/models/m:generateContent")->streams);
  CHECK(!route_of("/v1beta/models/m:embedContent"));
  CHECK(!route_of("/v1beta/models/m"));
  CHECK(is_model_list("/v1beta/models/m"));
  CHECK(!is_model_list("/v1beta/models/m:generateContent"));
  CHECK(query_value("/x?a=1&key=a%20b", "key") == "a b");
  CHECK(query_value("/x?monkey=1", "key") == "");
  CHECK(without_key("/x?key=secret&alt=sse") == "/x?key=***&alt=sse");
  CHECK(without_key("/x?alt=sse") == "/x?alt=sse");
}
