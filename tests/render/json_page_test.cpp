// Pages of what a chat shows: together they are the whole, each part once and as it is now.
#include "render/json_presenter.hpp"
#include "tests/support/chat_rows.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

message_row row_of(int64_t seq, int64_t turn, message content) {
  return make_row(7, seq, std::move(content), turn);
}

message call(const std::string& id) {
  tool_call_part part;
  part.tool_name = "python";
  part.tool_call_id = id;
  part.args = R"({"code": "x"})";
  model_response response;
  response.parts = {part};
  return response;
}

message result(const std::string& id) {
  tool_return_part part;
  part.tool_name = "python";
  part.tool_call_id = id;
  part.content = "made";
  model_request request;
  request.parts = {part};
  return request;
}

// Two turns with a call each, the second of which failed.
chat_contents two_turns() {
  chat_contents chat;
  chat.chat.id = 7;
  chat.messages = {row_of(1, 1, prompt("one")),   row_of(2, 1, call("a")),     row_of(3, 1, result("a")),
                   row_of(4, 1, answer("first")), row_of(5, 2, prompt("two")), row_of(6, 2, call("b"))};
  auto ended = make_run(1, 7), failed = make_run(2, 7, 2);
  ended.status = run_status::completed;
  failed.status = run_status::failed;
  failed.error = "it broke";
  failed.first_seq = 5;
  failed.end_seq = 7;
  chat.runs = {ended, failed};
  return chat;
}

} // namespace

TEST_CASE("pages of any size are together what one page of all is") {
  const auto chat = two_turns();
  const auto whole = json_page_of(chat, "", 100);
  REQUIRE(whole);
  CHECK_FALSE(whole->more);
  REQUIRE(whole->parts.size() == 6); // user, call, text, user, call, error
  CHECK(whole->parts[1].data.find("\"state\":\"done\"") != std::string::npos);
  CHECK(whole->parts[4].data.find("\"state\":\"stopped\"") != std::string::npos);
  CHECK(whole->parts[5].data.find("it broke") != std::string::npos);
  for (size_t most = 1; most <= 7; ++most) {
    std::vector<json_part> parts;
    for (bool more = true; more;) {
      auto page = json_page_of(chat, parts.empty() ? "" : parts.back().id, most);
      REQUIRE(page);
      REQUIRE(page->parts.size() <= most);
      more = page->more;
      CHECK((!more || page->parts.size() == most));
      parts.insert(parts.end(), page->parts.begin(), page->parts.end());
      REQUIRE(parts.size() <= whole->parts.size());
    }
    REQUIRE(parts.size() == whole->parts.size());
    for (size_t i = 0; i < parts.size(); ++i)
      CHECK(parts[i].data == whole->parts[i].data);
  }
}

TEST_CASE("after a part that is not there is no page") {
  const auto chat = two_turns();
  for (const auto* id : {"m99-p0", "m2-p9", "x", "m", "m99999999999999999999-p0"})
    CHECK_MESSAGE(!json_page_of(chat, id, 10), id);
  CHECK(json_page_of(chat_contents{}, "", 10)->parts.empty());
}
