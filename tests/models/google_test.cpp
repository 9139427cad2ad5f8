#include "base/base64.hpp"
#include "models/google.hpp"
#include "models/google_contents.hpp"
#include "models/google_models.hpp"
#include "models/google_tools.hpp"
#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/vendor_json.hpp"
#include "tests/support/history_builder.hpp"
#include "tests/support/picture_bytes.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

constexpr const char* flash = "gemini-3.8-flash";
const std::string png = one_pixel_png();

model_query query_with(message_list history, std::string name = flash) {
  model_query query;
  query.model.kind = provider_kind::google;
  query.model.provider = "google";
  query.model.name = std::move(name);
  query.model.base_url = "https://generativelanguage.googleapis.com/v1beta";
  query.model.api_key = "AIza-secret";
  query.history = std::move(history);
  return query;
}

json contents_of(const history_builder& history, std::string name = flash) {
  return google::encode_body(query_with(history.list(), std::move(name)))["contents"];
}

tool_call_part signed_call(std::string id, const char* provider = "google") {
  auto part = call("python", json{{"code", "1"}}, std::move(id));
  part.provider_name = provider;
  part.provider_details = json{{"thought_signature", "c2ln"}};
  return part;
}

binary_content file(std::string data, std::string media_type) {
  binary_content made;
  made.data = std::move(data);
  made.media_type = std::move(media_type);
  made.identifier = content_identifier(made.data);
  return made;
}

json file_json(const std::string& data, const std::string& media_type) {
  return json{{"kind", "binary"},
              {"media_type", media_type},
              {"data", base64url_encode(data)},
              {"identifier", content_identifier(data)},
              {"vendor_metadata", nullptr}};
}

json thinking_of(const char* name, const char* wanted, const char* effort = "", int64_t budget = 8'000) {
  auto query = query_with(history_builder{}.user("hi").list(), name);
  query.model.thinking = wanted;
  query.model.effort = effort;
  query.model.thinking_budget_tokens = budget;
  const auto body = google::encode_body(query);
  return member(member(body, "generationConfig"), "thinkingConfig");
}

} // namespace

// --- requests --------------------------------------------------------------------------------------------------------

TEST_CASE("google: a request names the model in its address and the key in a header") {
  auto query = query_with(history_builder{}.user("hi").list());
  query.instructions = "Be short.";
  auto request = google::encode(query);
  REQUIRE(request);
  CHECK(request->url
        == "https://generativelanguage.googleapis.com/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
  CHECK(request->body.find("AIza-secret") == std::string::npos);
  bool has_key = false;
  for (const auto& [name, value] : request->headers)
    has_key = has_key || (name == "x-goog-api-key" && value == "AIza-secret");
  CHECK(has_key);
  const auto body = json::parse(request->body);
  CHECK(body["systemInstruction"]["parts"] == json::array({json{{"text", "Be short."}}}));
  CHECK(body["contents"] == json::array({json{{"role", "user"}, {"parts", json::array({json{{"text", "hi"}}})}}}));
  CHECK_FALSE(body.contains("tools"));

  query.settings = json{{"stream", false}};
  query.model.base_url = "http://127.0.0.1:9/v1beta?key=x";
  query.model.name = "tunedModels/my model";
  CHECK(google::encode(query)->url == "http://127.0.0.1:9/v1beta/tunedModels/my%20model:generateContent?key=x");
}

TEST_CASE("google: a request without a message is an error, one with instructions only is a question") {
  auto query = query_with(history_builder{}.list());
  CHECK_FALSE(google::encode(query));
  query.instructions = "Tell a joke.";
  CHECK(google::encode(query));
}

TEST_CASE("google: a conversation begins with a turn of the user") {
  const auto contents = contents_of(history_builder{}.model(text_of_model("Hello")));
  REQUIRE(contents.size() == 2);
  CHECK(contents[0]["role"] == "user");
  CHECK(contents[1]["role"] == "model");
}

TEST_CASE("google: only chosen numbers are sent, and none of sampling to models that ignore it") {
  auto query = query_with(history_builder{}.user("hi").list(), "gemini-3.5-flash");
  query.model.thinking = "auto";
  query.settings = json{{"top_k", 3}, {"seed", 7}, {"stop_sequences", {"END"}}};
  query.model.temperature = 0.5;
  auto config = google::encode_body(query)["generationConfig"];
  CHECK_FALSE(config.contains("maxOutputTokens"));
  CHECK(config["temperature"] == 0.5);
  CHECK(config["topK"] == 3);
  CHECK(config["seed"] == 7);
  CHECK(config["stopSequences"] == json::array({"END"}));
  query.model.output_tokens_max = 5'000;
  query.model.name = flash;
  config = google::encode_body(query)["generationConfig"];
  CHECK(config["maxOutputTokens"] == 5'000);
  CHECK_FALSE(config.contains("temperature"));
  CHECK_FALSE(config.contains("topK"));
  CHECK(config["seed"] == 7);
}

TEST_CASE("google: each model is told about thinking in the words that it knows") {
  // 2.5: budgets; the Pro cannot stop, Flash-Lite does not begin by itself.
  CHECK(thinking_of("gemini-2.5-flash", "off") == json{{"thinkingBudget", 0}});
  CHECK(thinking_of("gemini-2.5-flash", "auto") == json{{"includeThoughts", true}});
  CHECK(thinking_of("gemini-2.5-flash", "budget", "", 99'000)
        == json{{"includeThoughts", true}, {"thinkingBudget", 24'576}});
  CHECK(thinking_of("gemini-2.5-pro", "off") == json{{"thinkingBudget", 128}});
  CHECK(thinking_of("models/gemini-2.5-pro", "auto", "max")
        == json{{"includeThoughts", true}, {"thinkingBudget", 32'768}});
  CHECK(thinking_of("gemini-2.5-flash-lite", "off") == json{{"thinkingBudget", 0}});
  CHECK(thinking_of("gemini-2.5-flash-lite", "auto") == json{{"includeThoughts", true}, {"thinkingBudget", -1}});
  CHECK(thinking_of("gemini-2.5-flash-lite", "auto", "minimal")
        == json{{"includeThoughts", true}, {"thinkingBudget", 512}});
  // 3: levels; thinking cannot be turned off, and not every model knows every level.
  CHECK(thinking_of("gemini-3-pro-preview", "off") == json{{"thinkingLevel", "low"}});
  CHECK(thinking_of("gemini-3-pro-preview", "auto", "medium")
        == json{{"includeThoughts", true}, {"thinkingLevel", "high"}});
  CHECK(thinking_of("gemini-3.1-pro-preview", "auto", "medium")
        == json{{"includeThoughts", true}, {"thinkingLevel", "medium"}});
  CHECK(thinking_of("gemini-3.6-flash", "off") == json{{"thinkingLevel", "minimal"}});
  CHECK(thinking_of("gemini-3.5-flash-lite", "off") == json{{"thinkingLevel", "minimal"}});
  CHECK(thinking_of("gemini-3.7-flash", "off") == json{{"thinkingLevel", "low"}});
  CHECK(thinking_of(flash, "off", "high") == json{{"thinkingLevel", "low"}});
  CHECK(thinking_of(flash, "auto") == json{{"includeThoughts", true}});
  CHECK(thinking_of(flash, "budget", "xhigh") == json{{"includeThoughts", true}, {"thinkingLevel", "high"}});
  CHECK(thinking_of("gemini-flash-latest", "off") == json{{"thinkingLevel", "low"}});
  // Where the field is refused.
  for (const auto* name : {"gemini-2.0-flash", "gemma-3-27b-it", "gemini-2.5-flash-image", "some-model"})
    CHECK(thinking_of(name, "auto", "high").is_null());
}

TEST_CASE("google: a wish of the query goes before the model's own") {
  auto query = query_with(history_builder{}.user("hi").list());
  query.model.thinking = "off";
  query.settings = json{{"thinking", "high"}};
  CHECK(google::encode_body(query)["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "high");
  query.settings = json{{"thinking", nullptr}};
  CHECK_FALSE(google::encode_body(query).contains("generationConfig"));
  query.settings = json{{"google_thinking_config", {{"thinkingLevel", "x"}}}};
  CHECK(google::encode_body(query)["generationConfig"]["thinkingConfig"] == json{{"thinkingLevel", "x"}});
}

TEST_CASE("google: fields of the configuration and of the query lie over the body, one inside another") {
  auto query = query_with(history_builder{}.user("hi").list());
  query.model.service_tier = "default";
  query.model.extra_body.text
    = R"({"generationConfig":{"mediaResolution":"X"},"service_tier":"flex","labels":{"a":"b"}})";
  query.settings = json{{"extra_body", {{"labels", {{"c", "d"}}}}}};
  const auto body = google::encode_body(query);
  CHECK(body["generationConfig"]["mediaResolution"] == "X");
  CHECK(body["generationConfig"].contains("thinkingConfig"));
  CHECK(body["service_tier"] == "flex");
  CHECK(body["labels"] == json{{"a", "b"}, {"c", "d"}});
  query.model.extra_body.text.clear();
  CHECK(google::encode_body(query)["service_tier"] == "standard");
  query.model.service_tier = "auto";
  CHECK_FALSE(google::encode_body(query).contains("service_tier"));
}

TEST_CASE("google: tools are declared with the schema that the API takes") {
  auto query = query_with(history_builder{}.user("hi").list());
  query.tools = {{"python", "Runs code.", json::parse(R"({"$schema":"x","type":"object","title":"T","properties":
                    {"title":{"type":"string","format":"date"},"kind":{"const":"a"},
                     "n":{"type":"integer","exclusiveMinimum":0,"default":{"title":1}}},"required":["title"]})")}};
  const auto body = google::encode_body(query);
  CHECK_FALSE(body.contains("toolConfig"));
  const auto& declared = body["tools"][0]["functionDeclarations"][0];
  CHECK(declared["name"] == "python");
  CHECK(declared["parametersJsonSchema"] == json::parse(R"({"type":"object","properties":
             {"title":{"type":"string","description":"Format: date"},"kind":{"enum":["a"],"type":"string"},
              "n":{"type":"integer","default":{"title":1}}},"required":["title"]})"));
  const auto config_for = [&](json choice) {
    query.settings = json{{"tool_choice", std::move(choice)}};
    return member(google::encode_body(query), "toolConfig")["functionCallingConfig"];
  };
  CHECK(config_for("required") == json{{"mode", "ANY"}});
  CHECK(config_for("none") == json{{"mode", "NONE"}});
  CHECK(config_for({"python"}) == json{{"mode", "ANY"}, {"allowedFunctionNames", {"python"}}});
}

// --- signatures ------------------------------------------------------------------------------------------------------

TEST_CASE("google: a signature goes back on the part that it came with, to Google only") {
  auto text = text_of_model("Look.");
  text.provider_name = "google";
  text.provider_details = json{{"thought_signature", "dGV4dA=="}};
  auto empty = text_of_model("");
  empty.provider_name = "google";
  empty.provider_details = json{{"thought_signature", "ZW1wdHk="}};
  history_builder history;
  history.user("hi").by("google").model(thought("hm", "google"), text, signed_call("c1"), call("python", "{}", "c2"));
  history.result("python", "1", "c1").result("python", "2", "c2").model(empty).user("on");
  const auto contents = contents_of(history);
  const auto& parts = contents[1]["parts"];
  REQUIRE(parts.size() == 4);
  CHECK(parts[0] == json{{"text", "hm"}, {"thought", true}});
  CHECK(parts[1] == json{{"text", "Look."}, {"thoughtSignature", "dGV4dA=="}});
  CHECK(parts[2]["thoughtSignature"] == "c2ln");
  CHECK(parts[2]["functionCall"] == json{{"name", "python"}, {"args", {{"code", "1"}}}, {"id", "c1"}});
  CHECK_FALSE(parts[3].contains("thoughtSignature"));
  CHECK(contents[3]["parts"] == json::array({json{{"text", ""}, {"thoughtSignature", "ZW1wdHk="}}}));
}

TEST_CASE("google: what another vendor's model called gets the stand-in for a signature, once for an answer") {
  history_builder history;
  history.user("hi").by("anthropic").model(signed_call("c1", "anthropic"), call("python", "{}", "c2"));
  history.result("python", "1", "c1").result("python", "2", "c2");
  const auto parts = contents_of(history)[1]["parts"];
  CHECK(parts[0]["thoughtSignature"] == std::string(google::no_signature));
  CHECK_FALSE(parts[1].contains("thoughtSignature"));
  // Models before 3 look for none.
  CHECK_FALSE(contents_of(history, "gemini-2.5-flash")[1]["parts"][0].contains("thoughtSignature"));
}

TEST_CASE("google: signatures in the forms of other histories are found") {
  // pydantic-ai before its version 2 called the provider google-gla, and once kept the signature on the thought.
  auto old = thought("hm", "google-gla");
  old.signature = "b2xk";
  history_builder history;
  history.user("hi").by("google-gla").model(old, call("python", "{}", "c1")).result("python", "1", "c1");
  CHECK(contents_of(history)[1]["parts"][1]["thoughtSignature"] == "b2xk");
  // The compatible endpoint keeps what the vendor put beside the call.
  auto compatible = call("python", "{}", "c1");
  compatible.provider_name = "google";
  compatible.provider_details = json::parse(R"({"extra_content":{"google":{"thought_signature":"Y29tcA=="}}})");
  history_builder other;
  other.user("hi").by("google").model(compatible).result("python", "1", "c1");
  CHECK(contents_of(other)[1]["parts"][0]["thoughtSignature"] == "Y29tcA==");
}

// --- results and files -----------------------------------------------------------------------------------------------

TEST_CASE("google: results of one turn stand together, before anything else that is said") {
  history_builder history;
  history.user("hi").model(call("a", "{}", "c1"), call("b", "{}", "c2"));
  history.result("a", "one", "c1").retry("b", "No.", "c2").user("and now?");
  const auto contents = contents_of(history);
  REQUIRE(contents.size() == 4);
  REQUIRE(contents[2]["parts"].size() == 2);
  CHECK(contents[2]["parts"][0]["functionResponse"]
        == json{{"name", "a"}, {"response", {{"return_value", "one"}}}, {"id", "c1"}});
  CHECK(contents[2]["parts"][1]["functionResponse"]["response"]
        == json{{"error", "No.\n\nFix the errors and try again."}});
  CHECK(contents[3]["parts"] == json::array({json{{"text", "and now?"}}}));
}

TEST_CASE("google: a picture in a result goes inside it since Gemini 3, and after all results before") {
  history_builder history;
  history.user("hi").model(call("a", "{}", "c1"), call("b", "{}", "c2"));
  history.result("a", json::array({"A plot.", file_json(png, "image/png")}), "c1").result("b", nullptr, "c2");
  const auto id = content_identifier(png);
  const json picture = {{"inlineData", {{"mimeType", "image/png"}, {"data", base64_encode(png)}}}};

  const auto now = contents_of(history);
  REQUIRE(now.size() == 3);
  CHECK(now[2]["parts"][0]["functionResponse"]["response"] == json{{"return_value", "A plot."}});
  CHECK(now[2]["parts"][0]["functionResponse"]["parts"] == json::array({picture}));
  CHECK(now[2]["parts"][1]["functionResponse"]["response"] == json::object());

  const auto before = contents_of(history, "gemini-2.5-pro");
  REQUIRE(before.size() == 4);
  REQUIRE(before[2]["parts"].size() == 2);
  CHECK(before[2]["parts"][0]["functionResponse"]["response"]
        == json{{"output", json::array({json{{"return_value", "A plot."}}, "See file " + id + "."})}});
  CHECK(before[3]["parts"] == json::array({json{{"text", "This is file " + id + ":"}}, picture}));
}

TEST_CASE("google: what the API does not take, or the model shall not see, is told in words") {
  auto query = query_with(
    history_builder{}
      .user({file(png, "image/png"), file("<svg/>", "image/svg+xml"), file("GIF89a", "image/gif"),
             file("%PDF-1.7", "application/pdf"), file("a,b", "text/x-odd"), file(png.substr(0, 40), "image/png")})
      .list());
  auto parts = google::encode_body(query)["contents"][0]["parts"];
  CHECK(parts[0]["inlineData"]["mimeType"] == "image/png");
  CHECK(text_member(parts[1], "text").find("image/svg+xml") != std::string::npos);
  CHECK(text_member(parts[2], "text").find("image/gif") != std::string::npos);
  CHECK(parts[3]["inlineData"]["mimeType"] == "application/pdf");
  CHECK(parts[4]["inlineData"]["mimeType"] == "text/plain");
  CHECK(parts[5].contains("text"));
  query.model.vision = false;
  parts = google::encode_body(query)["contents"][0]["parts"];
  for (const size_t at : {0, 1, 2, 3, 5})
    CHECK(parts[at].contains("text"));
  CHECK(parts[4].contains("inlineData"));

  history_builder history;
  history.user("hi")
    .model(call("a", "{}", "c1"))
    .result("a", json::array({"x", file_json("<svg/>", "image/svg+xml")}), "c1");
  const auto response = contents_of(history)[2]["parts"][0]["functionResponse"];
  CHECK_FALSE(response.contains("parts"));
  CHECK(dump_json(response["response"]).find("image/svg+xml, 6 bytes") != std::string::npos);
}

TEST_CASE("google: addresses go as they are to models that fetch, else as words") {
  url_content picture;
  picture.kind = "image-url";
  picture.url = "https://example.org/a.png";
  picture.media_type = "image/png";
  const history_builder history = history_builder{}.user(std::vector<user_content>{picture});
  CHECK(contents_of(history)[0]["parts"][0]
        == json{{"fileData", {{"mimeType", "image/png"}, {"fileUri", picture.url}}}});
  CHECK(contents_of(history, "gemini-2.0-flash")[0]["parts"][0].contains("text"));
}

TEST_CASE("google: a vendor that refused pictures or signatures gets the history without them") {
  model_query query;
  query.model.kind = provider_kind::google;
  query.model.provider = "google";
  query.model.name = "gemini-3-pro-preview";
  binary_content file;
  file.data = test::one_pixel_png();
  file.media_type = "image/png";
  tool_call_part asked;
  asked.tool_name = "python";
  asked.args = json{{"code", "1"}};
  asked.tool_call_id = "c1";
  asked.provider_name = "google";
  asked.provider_details = json{{"thought_signature", "c2lnbmVk"}};
  query.history = test::history_builder{}
                    .by("google")
                    .user(std::vector<user_content>{std::string("look"), file})
                    .model(asked)
                    .result("python", "1", "c1")
                    .list();
  auto body = dump_json(google::encode_body(query));
  CHECK(body.find("inlineData") != std::string::npos);
  CHECK(body.find("c2lnbmVk") != std::string::npos);
  query.without_pictures = true;
  query.without_thinking = true;
  body = dump_json(google::encode_body(query));
  CHECK(body.find("inlineData") == std::string::npos);
  CHECK(body.find("c2lnbmVk") == std::string::npos);
  CHECK(body.find("skip_thought_signature_validator") != std::string::npos);
}
