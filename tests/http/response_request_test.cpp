// What a program may ask of POST /v1/responses, and what it is told of the rest.
#include "http/api/response_request.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

json body_of(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE_MESSAGE(value, text);
  return *value;
}

response_request read(std::string_view text) {
  auto result = read_response_request(body_of(text));
  const auto* refused = std::get_if<response_refusal>(&result);
  REQUIRE_MESSAGE(refused == nullptr, (refused != nullptr ? refused->text : ""));
  return std::get<response_request>(std::move(result));
}

std::string refused_param(std::string_view text) {
  auto result = read_response_request(body_of(text));
  const auto* refused = std::get_if<response_refusal>(&result);
  REQUIRE_MESSAGE(refused != nullptr, text);
  CHECK(refused->status == 400);
  CHECK(!refused->text.empty());
  CHECK(!refused->code.empty());
  return refused->param;
}

std::string with(std::string_view member) {
  return R"({"input": "x", )" + std::string{member} + "}";
}

} // namespace

TEST_CASE("metadata is taken up to its limits, which count characters") {
  CHECK(read(R"({"input": "x"})").metadata == json::object());
  CHECK(read(with(R"("metadata": null)")).metadata == json::object());
  CHECK(read(with(R"("metadata": {"a": "b"})")).metadata == json{{"a", "b"}});
  const auto pairs = [](size_t count) {
    auto all = json::object();
    for (size_t i = 0; i < count; ++i)
      all[std::to_string(i)] = "x";
    return R"("metadata": )" + dump_json(all);
  };
  const auto pair_of = [](size_t name, size_t value) {
    std::string umlauts;
    for (size_t i = 0; i < value; ++i)
      umlauts += "ä";
    auto all = json::object();
    all[std::string(name, 'n')] = umlauts;
    return R"("metadata": )" + dump_json(all);
  };
  CHECK(read(with(pairs(metadata_pairs_max))).metadata.size() == metadata_pairs_max);
  CHECK(refused_param(with(pairs(metadata_pairs_max + 1))) == "metadata");
  CHECK(read(with(pair_of(metadata_name_max, metadata_value_max))).metadata.size() == 1);
  CHECK(refused_param(with(pair_of(metadata_name_max + 1, 1))) == "metadata");
  CHECK(refused_param(with(pair_of(1, metadata_value_max + 1))) == "metadata");
  for (const auto* wrong : {R"("metadata": "x")", R"("metadata": ["x"])", R"("metadata": {"a": 1})"})
    CHECK(refused_param(with(wrong)) == "metadata");
}

TEST_CASE("input is a text, or messages of texts, pictures and files in their order") {
  CHECK(read(R"({"input": "hello"})").message == "hello");
  const auto asked = read(R"({"model": "x:y", "stream": true, "previous_response_id": "resp_4_7", "input": [
    {"role": "system", "content": "Be brief."},
    {"type": "message", "role": "user", "content": [
      {"type": "input_text", "text": "Look."},
      {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"},
      {"type": "input_file", "filename": "a.csv", "file_data": "data:text/csv;base64,YSxi"},
      {"type": "input_file", "filename": "b.csv", "file_data": "YixjCg=="}]}]})");
  CHECK(asked.message == "Be brief.\n\nLook.");
  CHECK(asked.model == "x:y");
  CHECK(asked.stream);
  REQUIRE(asked.previous);
  CHECK(asked.previous->run == 7);
  REQUIRE(asked.files.size() == 3);
  CHECK(asked.files[0].name == "image-1.png");
  CHECK(asked.files[0].bytes == "hi");
  CHECK(asked.files[1].name == "a.csv");
  CHECK(asked.files[1].bytes == "a,b");
  CHECK(asked.files[2].bytes == "b,c\n");
  CHECK(asked.uploads()[2].bytes == "b,c\n");
}

TEST_CASE("input that is none is refused at its place") {
  CHECK(refused_param("{}") == "input");
  CHECK(refused_param(R"({"input": 1})") == "input");
  CHECK(refused_param(R"({"input": ["x"]})") == "input[0]");
  auto item = [](std::string_view text) { return refused_param(R"({"input": [)" + std::string{text} + "]}"); };
  CHECK(item(R"({"type": "function_call_output", "call_id": "a", "output": "x"})") == "input[0].type");
  CHECK(item(R"({"type": "item_reference", "id": "a"})") == "input[0].type");
  CHECK(item(R"({"role": "assistant", "content": "x"})") == "input[0].role");
  CHECK(item(R"({"content": "x"})") == "input[0].role");
  CHECK(item(R"({"role": "user", "content": 1})") == "input[0].content");
  CHECK(item(R"({"role": "user"})") == "input[0].content");
  CHECK(item(R"({"role": "user", "content": ["x"]})") == "input[0].content[0]");
  auto part = [&](std::string_view text) {
    return item(R"({"role": "user", "content": [{"type": "input_text", "text": "x"}, )" + std::string{text} + "]}");
  };
  CHECK(part(R"({"type": "input_audio"})") == "input[0].content[1].type");
  CHECK(part(R"({"type": "input_text", "text": 1})") == "input[0].content[1].text");
  CHECK(part(R"({"type": "input_image", "file_id": "f"})") == "input[0].content[1].image_url");
  for (const auto* url : {"https://elsewhere/x.png", "data:image/png,x", "data:image/png;base64,!", "data:,",
                          "data:text/csv;base64,YSxi", ""})
    CHECK(part(R"({"type": "input_image", "image_url": ")" + std::string{url} + "\"}")
          == "input[0].content[1].image_url");
  CHECK(part(R"({"type": "input_file", "file_id": "f"})") == "input[0].content[1].file_data");
  CHECK(part(R"({"type": "input_file", "filename": "a", "file_data": "!"})") == "input[0].content[1].file_data");
  CHECK(part(R"({"type": "input_file", "file_data": "YSxi"})") == "input[0].content[1].filename");
}

TEST_CASE("parameters that ask for what is done anyway are taken, and null is as if it were not there") {
  for (const auto* member :
       {R"("store": true)", R"("background": false)", R"("temperature": 1)", R"("temperature": 1.0)", R"("top_p": 1)",
        R"("metadata": {})", R"("tool_choice": "auto")", R"("tools": [])", R"("truncation": "auto")",
        R"("tools": [{"type": "code_interpreter", "container": {"type": "auto"}}])",
        R"("text": {"format": {"type": "text"}, "verbosity": "medium"})",
        R"("include": ["code_interpreter_call.outputs"])", R"("user": "me")", R"("prompt_cache_key": "k")",
        R"("reasoning": {"effort": null, "summary": "auto"})", R"("stream_options": {"include_obfuscation": false})"})
    CHECK(read(with(member)).message == "x");
  for (const auto* name : {"store", "instructions", "metadata", "temperature", "tools", "text", "include", "reasoning",
                           "stream", "model", "previous_response_id", "max_output_tokens", "conversation", "prompt"})
    CHECK(read(with("\"" + std::string{name} + "\": null")).message == "x");
  CHECK(read(with(R"("reasoning": {"effort": "none"})")).effort == "off");
  CHECK(read(with(R"("reasoning": {"effort": "high"})")).effort == "high");
}

TEST_CASE("parameters that cannot be obeyed are refused by their names") {
  const std::vector<std::pair<std::string, std::string>> all{
    {"store", "false"},
    {"background", "true"},
    {"instructions", "\"Be brief.\""},
    {"temperature", "0.5"},
    {"temperature", "\"1\""},
    {"top_p", "0.9"},
    {"top_logprobs", "3"},
    {"max_output_tokens", "100"},
    {"max_tool_calls", "1"},
    {"parallel_tool_calls", "false"},
    {"tool_choice", "\"required\""},
    {"truncation", "\"disabled\""},
    {"conversation", "\"conv_1\""},
    {"tools", R"([{"type": "function", "name": "f"}])"},
    {"tools", "{}"},
    {"include", R"(["reasoning.encrypted_content"])"},
    {"text", "1"},
    {"stream", "\"true\""},
    {"model", "1"},
    {"previous_response_id", "1"},
    {"previous_response_id", "\"resp_1\""},
    {"reasoning", "1"},
    {"temprature", "1"},
  };
  for (const auto& [name, value] : all)
    CHECK(refused_param(with("\"" + name + "\": " + value)) == name);
  CHECK(refused_param(with(R"("text": {"format": {"type": "json_object"}})")) == "text.format");
  CHECK(refused_param(with(R"("text": {"verbosity": "low"})")) == "text.verbosity");
  CHECK(refused_param(with(R"("reasoning": {"summary": "detailed"})")) == "reasoning.summary");
  CHECK(refused_param(with(R"("reasoning": {"effort": 1})")) == "reasoning.effort");
}
