#include "http/requests.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

form form_of(std::vector<std::pair<std::string, std::string>> fields) {
  return {std::move(fields), {}};
}

received_request json_body(std::string text) {
  received_request request;
  request.headers.push_back({"content-type", "application/json; charset=utf-8"});
  request.body = std::move(text);
  return request;
}

} // namespace

TEST_CASE("a message is read from a form and from JSON alike") {
  auto typed = send_request::from_form(
    form_of({{"chat_id", "7"}, {"message", "hi"}, {"model", "m"}, {"python", "p"}, {"effort", "low"}}));
  auto sent = send_request::from_json(
    {{"chat_id", "7"}, {"message", "hi"}, {"model", "m"}, {"python", "p"}, {"effort", "low"}});
  for (const auto* one : {&typed, &sent}) {
    REQUIRE(*one);
    CHECK((*one)->chat == 7);
    CHECK((*one)->message == "hi");
    CHECK((*one)->model == "m");
    CHECK((*one)->python == "p");
    CHECK((*one)->effort == "low");
  }
}

TEST_CASE("no chat means a new one, and what is no number names none") {
  CHECK(!send_request::from_form(form_of({{"chat_id", ""}}))->chat);
  CHECK(!send_request::from_json(json::object())->chat);
  CHECK(send_request::from_form(form_of({{"chat_id", "7x"}}))->chat == 0);
  CHECK(send_request::from_json({{"chat_id", "-1"}})->chat == 0);
}

TEST_CASE("the turn is the newest where none is named, except for an edit, which needs one") {
  CHECK(fork_request::from_form(form_of({}))->turn == 0);
  CHECK(regenerate_request::from_json(json::object())->turn == 0);
  CHECK(!edit_request::from_form(form_of({}))->turn);
  CHECK(!branch_request::from_json(json::object())->run);
  CHECK(!fork_request::from_form(form_of({{"turn", "two"}}))->turn);
  CHECK(edit_request::from_json({{"turn", 2}, {"message", "x"}})->turn == 2);
}

TEST_CASE("a member of the wrong type makes the request malformed") {
  CHECK(!rename_request::from_json({{"title", 1}}));
  CHECK(!edit_request::from_json({{"turn", "2"}}));
  CHECK(!edit_request::from_json({{"turn", -2}}));
  CHECK(!send_request::from_json({{"message", json::array({"x"})}}));
  CHECK(rename_request::from_json({{"title", nullptr}})->title.empty());
}

TEST_CASE("the body is an object, not too deep and not of too many values; brackets in its texts do not count") {
  CHECK(json_object_of(json_body("{\"title\": \"" + std::string(5'000, '[') + "\"}")));
  CHECK(json_object_of(json_body(R"({"title": "a\"[,[,"})")));
  for (std::string text : {"", "[", "[]", "1", "{\"a\":", "\"text\""})
    CHECK_MESSAGE(!json_object_of(json_body(text)), text);
  auto nested = [](int depth) { return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}"; };
  CHECK(json_object_of(json_body(nested(request_json_depth_max - 1))));
  CHECK(!json_object_of(json_body(nested(request_json_depth_max))));
  auto values = [](size_t count) {
    std::string text = "{\"a\":[0";
    for (size_t i = 0; i + 3 < count; ++i)
      text += ",0";
    return text + "]}";
  };
  CHECK(json_object_of(json_body(values(request_json_values_max + 1))));
  CHECK(!json_object_of(json_body(values(request_json_values_max + 2))));
}
