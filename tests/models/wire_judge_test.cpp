// The judge of recordings is judged: what it let pass before, and what it says now.
#include "base/base64.hpp"
#include "models/anthropic.hpp"
#include "models/message_json.hpp"
#include "models/openai_chat.hpp"
#include "models/vendor_json.hpp"
#include "tests/support/history_builder.hpp"
#include "tests/support/picture_bytes.hpp"
#include "tests/support/wire_judge.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

recorded_exchange answered(std::string body) {
  recorded_exchange exchange;
  exchange.status = 200;
  exchange.response = std::move(body);
  return exchange;
}

response_decoder::outcome decoded_answer() {
  response_decoder::outcome outcome;
  outcome.response = model_response{};
  return outcome;
}

response_decoder::outcome decoded_error() {
  response_decoder::outcome outcome;
  outcome.error = vendor_error{};
  return outcome;
}

json anthropic_body() {
  model_query query;
  query.model.kind = provider_kind::anthropic;
  query.model.provider = "anthropic";
  query.model.name = "claude-sonnet-4-5";
  query.instructions = "Be brief.";
  query.history = history_builder{}.user("q").model(text_of_model("a")).user("z").list();
  return anthropic::encode_body(query);
}

bool means_the_same(const json& left, const json& right) {
  const auto kind = provider_kind::anthropic;
  return difference(canonical_request(kind, left), canonical_request(kind, right)).empty();
}

// A recording in which a tool returned a picture, told as `reference` in the tool message.
recording with_picture(const std::string& reference) {
  recording file;
  file.name = "openai-chat__written_down";
  file.vendor = "openai";
  file.kind = provider_kind::openai;
  recorded_exchange exchange;
  exchange.status = 200;
  const auto url = "data:image/png;base64," + base64_encode(one_pixel_png());
  exchange.request
    = {{"model", "gpt-4o"},
       {"messages",
        json::array({json{{"role", "user"}, {"content", "draw"}},
                     json{{"role", "assistant"},
                          {"tool_calls",
                           json::array({json{
                             {"id", "a"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{}"}}}}})}},
                     json{{"role", "tool"}, {"tool_call_id", "a"}, {"content", reference}},
                     json{{"role", "user"},
                          {"content",
                           json::array({json{{"type", "text"}, {"text", "This is file abc123:"}},
                                        json{{"type", "image_url"}, {"image_url", {{"url", url}}}}})}}})}};
  file.exchanges.push_back(std::move(exchange));
  return file;
}

} // namespace

TEST_CASE("the judge sees marks of prompt caching that are missing, misplaced, wrong or too many") {
  const auto right = anthropic_body();
  CHECK(cache_mark_fault(provider_kind::anthropic, right) == "");
  const auto wrong = [&](auto change) {
    auto body = right;
    change(body);
    CHECK(means_the_same(right, body)); // the comparison of meaning alone lets it pass
    return cache_mark_fault(provider_kind::anthropic, body);
  };
  CHECK(wrong([](json& body) { body["messages"].back()["content"].back().erase("cache_control"); }) != "");
  CHECK(wrong([](json& body) { body["system"].back().erase("cache_control"); }) != "");
  CHECK(wrong([](json& body) { body["system"].back()["cache_control"] = json{{"type", "eternal"}}; }) != "");
  CHECK(wrong([](json& body) { body["system"].back()["cache_control"]["ttl"] = "7d"; }) != "");
  CHECK(wrong([](json& body) { body["system"].back()["cache_control"]["ttl"] = "1h"; }) == "");
  CHECK(wrong([](json& body) {
          for (auto& message : body["messages"])
            for (auto& block : message["content"])
              block["cache_control"] = json{{"type", "ephemeral"}};
          body["cache_control"] = json{{"type", "ephemeral"}};
        })
        != "");
  auto thinking = right;
  thinking["messages"][1]["content"].insert(
    thinking["messages"][1]["content"].begin(),
    json{{"type", "thinking"}, {"thinking", "hm"}, {"signature", "s"}, {"cache_control", {{"type", "ephemeral"}}}});
  thinking["messages"][0]["content"].back().erase("cache_control");
  CHECK(cache_mark_fault(provider_kind::anthropic, thinking) != "");
  CHECK(cache_mark_fault(provider_kind::openai, right) != "");
}

TEST_CASE("the judge wants an error for a status of 200 that carries one, and an answer for one that does not") {
  const auto fine = answered("data: {\"choices\":[]}\n\ndata: [DONE]\n\n");
  CHECK(decoding_fault(fine, decoded_answer()) == "");
  CHECK(decoding_fault(fine, decoded_error()) != "");
  for (const auto* body : {
         "data: {\"error\":{\"message\":\"x\",\"code\":502}}\n\ndata: [DONE]\n\n",
         "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n",
         "data: {\"type\":\"response.failed\",\"response\":{}}\n\n",
         "{\"error\":{\"message\":\"x\"}}",
         "{\"object\":\"error\",\"message\":\"x\"}",
       }) {
    CAPTURE(body);
    const auto failed = answered(body);
    // Status 200 and an answer: that was all it asked for before.
    CHECK(decoding_fault(failed, decoded_answer()) != "");
    CHECK(decoding_fault(failed, decoded_error()) == "");
  }
  const auto refused_call
    = answered("event: error\ndata: {\"error\":{\"code\":\"tool_use_failed\",\"failed_generation\":\"{}\"}}\n\n");
  CHECK(decoding_fault(refused_call, decoded_answer()) == "");
}

TEST_CASE("the judge finds the picture behind a reference with and without a full stop") {
  for (const auto* reference : {"See file abc123.", "See file abc123"}) {
    CAPTURE(reference);
    const auto file = with_picture(reference);
    auto query = query_for(file, 0);
    const auto differs = [&](const json& body) {
      return difference(canonical_request(file.kind, file.exchanges[0].request), canonical_request(file.kind, body));
    };
    // Without the picture in the history the request cannot be told from one that lost it.
    CHECK(differs(openai_chat::encode_body(query)) == "");
    query.without_pictures = true;
    CHECK(differs(openai_chat::encode_body(query)) != "");
  }
}
