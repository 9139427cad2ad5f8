#include "models/held_bytes.hpp"

#include "models/cell.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

// How much larger a message gets with so many bytes in one place of it.
template <class Make>
size_t growth(Make make, size_t bytes) {
  return held_bytes(make(std::string(bytes, 'x'))) - held_bytes(make(std::string{}));
}

} // namespace

TEST_CASE("what a message holds grows with each text, file and JSON in it, byte for byte") {
  constexpr size_t much = 100'000;
  auto prompt = [](std::string text) {
    model_request request;
    request.parts.push_back(user_prompt_part{std::move(text), {}});
    return message{request};
  };
  auto picture = [](std::string data) {
    model_request request;
    binary_content content;
    content.data = std::move(data);
    request.parts.push_back(user_prompt_part{std::vector<user_content>{std::move(content)}, {}});
    return message{request};
  };
  auto result = [](std::string text) {
    tool_return_part part;
    part.content = json::array({"see", {{"kind", "binary"}, {"data", std::move(text)}}});
    model_request request;
    request.parts.push_back(std::move(part));
    return message{request};
  };
  auto cell = [](std::string text) {
    cell_result shown;
    shown.outputs.push_back(rich_output{"text/html", std::move(text), "a table"});
    tool_return_part part;
    part.metadata = cell_metadata(shown);
    model_request request;
    request.parts.push_back(std::move(part));
    return message{request};
  };
  auto call = [](std::string code) {
    tool_call_part part;
    part.args = json{{"code", std::move(code)}};
    model_response response;
    response.parts.push_back(std::move(part));
    return message{response};
  };
  auto thought = [](std::string signature) {
    thinking_part part;
    part.signature = std::move(signature);
    model_response response;
    response.parts.push_back(std::move(part));
    return message{response};
  };
  auto newer = [](std::string text) {
    model_response response;
    response.parts.push_back(other_part{json{{"part_kind", "speech"}, {"data", std::move(text)}}});
    return message{response};
  };
  CHECK(growth(prompt, much) == much);
  CHECK(growth(picture, much) == much);
  CHECK(growth(result, much) == much);
  CHECK(growth(cell, much) == much);
  CHECK(growth(call, much) == much);
  CHECK(growth(thought, much) == much);
  CHECK(growth(newer, much) == much);
  CHECK(held_bytes(message{model_request{}}) < 1'000);
}
