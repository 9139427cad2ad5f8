// Pages of what a chat shows: together they are the whole, each part once and as it is now.
#include "render/json_presenter.hpp"
#include "tests/render/histories.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

tool_return_part made(const std::string& id) {
  tool_return_part part;
  part.tool_name = "python";
  part.tool_call_id = id;
  part.content = "made";
  return part;
}

run_record run_of(int64_t id, const char* status) {
  run_record run;
  run.id = id;
  run.chat_id = 42;
  run.turn = id;
  run.first_seq = 1;
  run.started_at = 1'000;
  run.status = status;
  return run;
}

// Two turns with a call each, the second of which failed.
chat_contents two_turns() {
  chat_contents chat;
  chat.chat.id = 42;
  chat.messages = {request_row(1, {prompt("one")}),    response_row(2, {python_call("x", "a")}),
                   request_row(3, {made("a")}),        response_row(4, {text("first")}),
                   request_row(5, {prompt("two")}, 2), response_row(6, {python_call("x", "b")}, 2)};
  auto ended = run_of(1, run_status::completed), failed = run_of(2, run_status::failed);
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
