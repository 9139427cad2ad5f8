#include "base/base64.hpp"
#include "models/message_json.hpp"
#include "models/openai_responses.hpp"
#include "models/vendor_json.hpp"
#include "models/wire_content.hpp"
#include "tests/support/history_builder.hpp"
#include "tests/support/picture_bytes.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

model_query query_with(message_list history, std::string name = "gpt-6.1-sol", std::string provider = "openai") {
  model_query query;
  query.model.kind = provider_kind::openai_responses;
  query.model.provider = std::move(provider);
  query.model.name = std::move(name);
  query.model.base_url
    = query.model.provider == "deepseek" ? "https://api.deepseek.com/v1" : "https://api.openai.com/v1";
  query.history = std::move(history);
  return query;
}

json body_of(const history_builder& history, std::string name = "gpt-6.1-sol", std::string provider = "openai") {
  return openai_responses::encode_body(query_with(history.list(), std::move(name), std::move(provider)));
}

text_part said(std::string text, std::string id, std::string provider = "openai") {
  auto part = text_of_model(std::move(text));
  part.id = std::move(id);
  part.provider_name = std::move(provider);
  return part;
}

tool_call_part called(std::string id, std::string item_id, std::string provider = "openai") {
  auto part = call("python", "{\"code\":\"1\"}", std::move(id));
  part.id = std::move(item_id);
  part.provider_name = std::move(provider);
  return part;
}

// One turn with reasoning, a call and its result.
history_builder reasoned(std::optional<std::string> signature = "enc") {
  history_builder history;
  history.user("q")
    .by("openai")
    .model(thought("first", "openai", "rs_1", std::move(signature)), thought("second", "openai", "rs_1"),
           called("call_1", "fc_1"))
    .result("python", "1", "call_1");
  return history;
}

json image(std::string data, std::string type = "image/png") {
  return json{{"data", base64url_encode(data)},
              {"media_type", std::move(type)},
              {"vendor_metadata", nullptr},
              {"kind", "binary"},
              {"identifier", "abc123"}};
}

} // namespace

TEST_CASE("responses: the request has its URL, keeps nothing at the vendor and asks for what it must send back") {
  auto query = query_with(history_builder{}.user("hi").list());
  query.instructions = "Be brief.";
  query.conversation_id = "chat-1";
  query.model.api_key = "sk-1";
  query.tools.push_back({"python", "runs code", json{{"type", "object"}}});
  const auto request = openai_responses_provider().encode(query);
  REQUIRE(request);
  CHECK(request->url == "https://api.openai.com/v1/responses");
  const auto body = json::parse(request->body);
  CHECK(body["instructions"] == "Be brief.");
  CHECK(body["input"] == json::array({json{{"role", "user"}, {"content", "hi"}}}));
  CHECK(body["store"] == false);
  CHECK(body["stream"] == true);
  CHECK(body["include"] == json::array({"reasoning.encrypted_content"}));
  CHECK(body["reasoning"] == json{{"summary", "auto"}});
  CHECK(body["prompt_cache_key"] == "chat-1");
  CHECK(body["tools"][0]["name"] == "python");
  CHECK(body["tools"][0]["strict"] == false);
  for (const auto* absent : {"max_output_tokens", "temperature", "text", "service_tier", "tool_choice"})
    CHECK_FALSE(body.contains(absent));
  bool authorized = false;
  for (const auto& [key, value] : request->headers)
    authorized = authorized || (key == "authorization" && value == "Bearer sk-1");
  CHECK(authorized);
  query.model.base_url = "https://x.azure.com/openai/v1?api-version=1";
  query.model.provider = "azure";
  const auto azure = openai_responses_provider().encode(query);
  CHECK(azure->url == "https://x.azure.com/openai/v1/responses?api-version=1");
  query.history = history_builder{}.list();
  query.instructions = "";
  CHECK_FALSE(openai_responses_provider().encode(query));
}

TEST_CASE("responses: reasoning goes back whole, before the call that it led to") {
  const auto input = body_of(reasoned())["input"];
  REQUIRE(input.size() == 4);
  CHECK(input[1]["type"] == "reasoning");
  CHECK(input[1]["id"] == "rs_1");
  CHECK(input[1]["encrypted_content"] == "enc");
  REQUIRE(input[1]["summary"].size() == 2);
  CHECK(input[1]["summary"][1] == json{{"type", "summary_text"}, {"text", "second"}});
  CHECK(input[2]["type"] == "function_call");
  CHECK(input[2]["id"] == "fc_1");
  CHECK(input[2]["call_id"] == "call_1");
  CHECK(input[3] == json{{"type", "function_call_output"}, {"call_id", "call_1"}, {"output", "1"}});
}

TEST_CASE(
  "responses: reasoning that lost its signature stays away, and its call goes without the id that asks for it") {
  const auto input = body_of(reasoned(std::nullopt))["input"];
  REQUIRE(input.size() == 3);
  CHECK(input[1]["type"] == "function_call");
  CHECK_FALSE(input[1].contains("id"));
}

TEST_CASE("responses: reasoning that nothing followed stays away") {
  const auto input = body_of(
    history_builder{}.user("q").by("openai").model(thought("hm", "openai", "rs_1", "enc")).user("go on"))["input"];
  REQUIRE(input.size() == 2);
  CHECK(input[1]["role"] == "user");
}

TEST_CASE("responses: reasoning of another vendor goes as words, and its ids do not go") {
  history_builder history;
  history.user("q")
    .by("anthropic")
    .model(thought("hm", "anthropic", std::nullopt, "sig"), said("so", "x_1", "anthropic"))
    .user("z");
  const auto input = body_of(history)["input"];
  REQUIRE(input.size() == 4);
  CHECK(input[1] == json{{"role", "assistant"}, {"content", "<think>\nhm\n</think>"}});
  CHECK(input[2] == json{{"role", "assistant"}, {"content", "so"}});
  const auto elsewhere = body_of(reasoned(), "gpt-6.1-sol", "azure")["input"];
  CHECK(elsewhere.dump().find("rs_1") == std::string::npos);
  CHECK(elsewhere.dump().find("fc_1") == std::string::npos);
}

TEST_CASE("responses: a model that does not reason gets no reasoning items") {
  const auto body = body_of(reasoned(), "gpt-4o");
  CHECK_FALSE(body.contains("include"));
  CHECK_FALSE(body.contains("reasoning"));
  CHECK(body["input"][1]["content"] == "<think>\nfirst\n</think>");
  CHECK(body["input"].dump().find("encrypted") == std::string::npos);
}

TEST_CASE("responses: unencrypted reasoning goes back to the server that made it") {
  auto part = thought("", "deepseek", "r1");
  part.provider_details = json{{"raw_content", json::array({"The user"})}};
  history_builder history;
  history.user("q").by("deepseek").model(part, called("c1", "f1", "deepseek")).result("python", "1", "c1");
  const auto input = body_of(history, "deepseek-v4-flash", "deepseek")["input"];
  REQUIRE(input.size() == 4);
  CHECK(input[1]["content"] == json::array({json{{"type", "reasoning_text"}, {"text", "The user"}}}));
  CHECK(input[1]["id"] == "r1");
  CHECK_FALSE(input[2].contains("id"));
}

TEST_CASE("responses: messages keep their ids and phases for the models that know them") {
  auto part = said("done", "msg_1");
  part.provider_details = json{{"phase", "commentary"}};
  history_builder history;
  history.user("q").by("openai").model(part, said(" really", "msg_1")).user("z");
  const auto item = body_of(history)["input"][1];
  CHECK(item["type"] == "message");
  CHECK(item["id"] == "msg_1");
  CHECK(item["phase"] == "commentary");
  CHECK(item["content"].size() == 2);
  const auto older = body_of(history, "gpt-5")["input"][1];
  CHECK(older["id"] == "msg_1");
  CHECK_FALSE(older.contains("phase"));
}

TEST_CASE("responses: pictures stand in a result where they stood, and what is none never goes as one") {
  const auto png = one_pixel_png();
  const auto output = [](json content, bool vision = true) {
    history_builder history;
    history.user("q").model(call("python", "{}", "a")).result("python", std::move(content), "a");
    auto query = query_with(history.list());
    query.model.vision = vision;
    return openai_responses::encode_body(query)["input"][2]["output"];
  };
  const auto shown = output(json::array({"before", image(png), "after"}));
  REQUIRE(shown.size() == 3);
  CHECK(shown[0] == json{{"type", "input_text"}, {"text", "before"}});
  CHECK(shown[1]["image_url"] == "data:image/png;base64," + base64_encode(png));
  CHECK(shown[2]["text"] == "after");
  CHECK(output(json::array({"x", image(png, "image/jpeg")}))[1]["image_url"].get<std::string>().find("image/png") == 5);
  for (const auto& broken : {image("cut off"), image("<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
                             image(png.substr(0, 40)), image("")}) {
    const auto told = output(json::array({"a plot", broken}));
    REQUIRE(told.is_string());
    CHECK(told.get<std::string>().find("[file abc123: image/") != std::string::npos);
  }
  CHECK(output(json::array({"a plot", image(png)}), false).is_string());
}

TEST_CASE("responses: documents go as files, and other text is written out") {
  binary_content pdf;
  pdf.data = "%PDF-1.7";
  pdf.media_type = "application/pdf";
  binary_content code;
  code.data = "{}";
  code.media_type = "application/json";
  code.identifier = "j1";
  const auto content = body_of(history_builder{}.user({std::string("see"), pdf, code}))["input"][0]["content"];
  CHECK(content[1]["type"] == "input_file");
  CHECK(content[1]["filename"] == "filename.pdf");
  CHECK(content[2]["type"] == "input_text");
  const auto foreign
    = body_of(history_builder{}.user({std::string("see"), pdf}), "some-model", "vllm")["input"][0]["content"];
  CHECK(foreign[1]["type"] == "input_text");
}

TEST_CASE("responses: effort, sampling, limits and tier are said as the model takes them") {
  auto query = query_with(history_builder{}.user("q").list());
  query.model.temperature = 0.2;
  query.model.effort = "minimal";
  query.model.service_tier = "flex";
  query.model.output_tokens_max = 2'000;
  auto body = openai_responses::encode_body(query);
  CHECK(body["reasoning"] == json{{"effort", "low"}, {"summary", "auto"}});
  CHECK(body["service_tier"] == "flex");
  CHECK(body["max_output_tokens"] == 2'000);
  CHECK_FALSE(body.contains("temperature"));
  query.model.thinking = "off";
  CHECK(openai_responses::encode_body(query)["reasoning"]["effort"] == "low");
  query.model.name = "gpt-6-luna";
  body = openai_responses::encode_body(query);
  CHECK(body["reasoning"] == json{{"effort", "none"}});
  CHECK(body["temperature"] == 0.2);
  query.model.name = "gpt-4o";
  query.settings = json{{"thinking", true}};
  body = openai_responses::encode_body(query);
  CHECK_FALSE(body.contains("reasoning"));
  CHECK(body["temperature"] == 0.2);
}

TEST_CASE("responses: what a vendor refused is left out of the next attempt") {
  auto query = query_with(reasoned().list());
  query.without_summary = true;
  CHECK_FALSE(openai_responses::encode_body(query).contains("reasoning"));
  query.without_thinking = true;
  const auto input = openai_responses::encode_body(query)["input"];
  REQUIRE(input.size() == 3);
  CHECK(input[1]["type"] == "function_call");
  CHECK_FALSE(input[1].contains("id"));
}

TEST_CASE("responses: DeepSeek gets the calls of a turn behind everything else of it") {
  history_builder history;
  history.user("q")
    .by("deepseek")
    .model(called("c1", "f1", "deepseek"), text_of_model("and"), called("c2", "f2", "deepseek"))
    .result("python", "1", "c1")
    .result("python", "2", "c2");
  const auto input = body_of(history, "deepseek-v4-flash", "deepseek")["input"];
  CHECK(input[1]["content"] == "and");
  CHECK(input[2]["call_id"] == "c1");
  CHECK(input[3]["call_id"] == "c2");
  CHECK(body_of(history)["input"][2]["content"] == "and");
}

TEST_CASE("responses: a choice of tools leaves the list as it is") {
  auto query = query_with(history_builder{}.user("q").list());
  for (const auto* name : {"a", "b", "c"})
    query.tools.push_back({name, "", json::object()});
  const auto choice = [&](json setting) {
    query.settings = json{{"tool_choice", std::move(setting)}, {"parallel_tool_calls", false}};
    const auto body = openai_responses::encode_body(query);
    CHECK(body["tools"].size() == 3);
    CHECK(body["parallel_tool_calls"] == false);
    return member(body, "tool_choice");
  };
  CHECK(choice("auto").is_null());
  CHECK(choice("none") == "none");
  CHECK(choice("required") == "required");
  CHECK(choice(json::array({"b"})) == json{{"type", "function"}, {"name", "b"}});
  const auto two = choice(json::array({"a", "b"}));
  CHECK(two["type"] == "allowed_tools");
  CHECK(two["tools"].size() == 2);
}

TEST_CASE("responses: what a user configures stands over the body, and a query's own over that") {
  auto query = query_with(history_builder{}.user("q").list());
  query.model.extra_body.text = R"({"reasoning":{"effort":"high"},"text":{"verbosity":"low"}})";
  query.settings = json{{"extra_body", {{"text", {{"verbosity", "high"}}}}}};
  const auto body = openai_responses::encode_body(query);
  CHECK(body["reasoning"] == json{{"effort", "high"}});
  CHECK(body["text"]["verbosity"] == "high");
  query.model.extra_body.text = "not JSON";
  CHECK(openai_responses::encode_body(query).contains("reasoning"));
}

TEST_CASE("responses: ids of calls that the vendor refuses become ones that it takes, in call and result alike") {
  const std::string long_id = "srvtoolu:" + std::string(80, 'x');
  const auto input
    = body_of(history_builder{}.user("q").model(call("python", "{}", long_id)).result("python", "1", long_id))["input"];
  CHECK(input[1]["call_id"] == input[2]["call_id"]);
  CHECK(input[1]["call_id"].get<std::string>().size() <= 64);
  const auto combined = body_of(history_builder{}
                                  .user("q")
                                  .by("openai")
                                  .model(call("python", "{}", "call_1|fc_1"))
                                  .result("python", "1", "call_1|fc_1"))["input"];
  CHECK(combined[1]["call_id"] == "call_1");
  CHECK(combined[1]["id"] == "fc_1");
  CHECK(combined[2]["call_id"] == "call_1");
}

TEST_CASE("responses: the vendor's own tools go back to it as they came, and to nobody else") {
  builtin_tool_call_part search;
  search.tool_name = "web_search";
  search.args = json{{"type", "search"}, {"query", "q"}};
  search.tool_call_id = "ws_1";
  search.provider_name = "openai";
  builtin_tool_return_part found;
  found.tool_name = "web_search";
  found.tool_call_id = "ws_1";
  found.content = json{{"status", "completed"}};
  found.provider_name = "openai";
  builtin_tool_return_part whole;
  whole.tool_name = "novel_call";
  whole.provider_name = "openai";
  whole.provider_details = json{{"openai_item", {{"type", "novel_call"}, {"id", "x_1"}}}};
  history_builder history;
  history.user("q").by("openai").model(search, found, whole, said("a", "msg_1")).user("z");
  const auto input = body_of(history)["input"];
  REQUIRE(input.size() == 5);
  CHECK(input[1]
        == json{{"id", "ws_1"},
                {"action", {{"type", "search"}, {"query", "q"}}},
                {"status", "completed"},
                {"type", "web_search_call"}});
  CHECK(input[2]["type"] == "novel_call");
  CHECK(body_of(history, "gpt-6.1-sol", "azure")["input"].size() == 3);
}
