// Responses on the gateway: their events from any number on, and the answer that comes whole.
#include "render/response_presenter.hpp"
#include "tests/http/gateway_world.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace varro;
using namespace varro::test;

namespace {

struct response_world : gateway_world {
  using gateway_world::gateway_world;

  raw_client open_response(int64_t starting_after, bool whole = false) {
    response_view view;
    view.chat = chat;
    view.run = 1;
    view.starting_after = starting_after;
    view.whole = whole;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    caf::anon_send(caf::actor_cast<response_viewers_actor>(gateway), adopt_atom_v, view, ends[0], int64_t{0}, session,
                   std::string{}, std::string{"a1"}, std::string{"RateLimit: 1\r\n"});
    return raw_client{ends[1]};
  }
  // With the message, which has seq 1.
  void begin(uint64_t viewer) {
    chat_replay unseen;
    unseen.history.chat.id = chat;
    model_request request;
    request.parts.emplace_back(user_prompt_part{"hi", {}});
    unseen.history.messages.push_back(make_row(chat, 1, std::move(request)));
    unseen.history.runs.push_back(make_run(1, chat));
    unseen.follow = true;
    caf::anon_send(gateway, replay_atom_v, viewer, std::move(unseen));
  }
  void end() {
    auto run = make_run(1, chat);
    run.status = run_status::completed;
    caf::anon_send(gateway, publish_atom_v, chat, chat_event{stream_over{run}});
  }
};

size_t count(const std::string& text, std::string_view part) {
  size_t found = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

} // namespace

TEST_CASE("a response's events come from any number on, once each, and their end is said") {
  response_world world;
  auto first = world.open_response(-1);
  world.begin(world.attached(1));
  auto later = world.open_response(3);
  world.begin(world.attached(2));
  world.publish(content(2, "a"));
  world.end();
  const auto all = first.read_all(), rest = later.read_all();
  // created and in_progress, six of the text, and the end.
  for (int number = 0; number < 9; ++number) {
    const auto mark = "\"sequence_number\":" + std::to_string(number) + ",";
    CAPTURE(mark);
    CHECK(count(all, mark) == 1);
    CHECK(count(rest, mark) == (number > 3 ? 1 : 0));
  }
  CHECK(count(all, "\"sequence_number\":") == 9);
  CHECK(all.find("event: response.created\ndata: {\"type\":\"response.created\"") != all.npos);
  CHECK(all.ends_with("\n\ndata: [DONE]\n\n"));
  CHECK(rest.ends_with("\n\ndata: [DONE]\n\n"));
  CHECK(rest.find("Content-Type: text/event-stream\r\n") != rest.npos);
}

TEST_CASE(
  "what keeps a stream's connection is a comment without an empty line, which the SDKs would take for an event") {
  response_world world;
  auto viewer = world.open_response(-1);
  viewer.read_until("\r\n\r\n");
  world.begin(world.attached(1));
  caf::anon_send(world.gateway, tick_atom_v);
  CHECK(viewer.read_until("keep-alive\n").ends_with(": keep-alive\n"));
  world.publish(content(2, "a"));
  world.end();
  const auto rest = viewer.read_all();
  CHECK_FALSE(rest.starts_with("\n"));
  CHECK(rest.find("event: response.completed\n") != rest.npos);
}

TEST_CASE("an answer that comes whole is JSON, before which white space keeps the connection") {
  response_world world;
  auto viewer = world.open_response(-1, true);
  const auto head = viewer.read_until("\r\n\r\n");
  CHECK(head.find("Content-Type: application/json\r\n") != std::string::npos);
  world.begin(world.attached(1));
  caf::anon_send(world.gateway, tick_atom_v);
  CHECK(viewer.read_until("\n") == "\n");
  world.publish(content(2, "a"));
  world.end();
  const auto value = parse_json(viewer.read_all());
  REQUIRE(value);
  CHECK(value->at("id") == "resp_7_1");
  CHECK(value->at("status") == "completed");
  CHECK(value->at("output").at(0).at("content").at(0).at("text") == "a");
}

TEST_CASE("a response's end is sent although it is larger than what a viewer may lag behind") {
  stream_config limits;
  limits.viewer_buffer_bytes_max = 1;
  response_world world{limits};
  auto viewer = world.open_response(-1, true);
  viewer.read_until("\r\n\r\n");
  world.begin(world.attached(1));
  world.publish(content(2, std::string(1u << 20, 'x')));
  world.end();
  const auto value = parse_json(viewer.read_all());
  REQUIRE(value);
  CHECK(value->at("output").at(0).at("content").at(0).at("text").get_ref<const std::string&>().size() == 1u << 20);
}

TEST_CASE("one response too many is refused in its own words") {
  stream_config limits;
  limits.viewers_max = 1;
  response_world world{limits};
  auto first = world.open_response(-1);
  world.attached(1);
  const auto refused = world.open_response(-1).read_all();
  CHECK(refused.starts_with("HTTP/1.1 503 "));
  CHECK(refused.find("\r\nX-Request-Id: a1\r\n") != refused.npos);
  CHECK(refused.find("Content-Type: application/json\r\n") != refused.npos);
  CHECK(refused.find("{\"error\":{\"message\":\"Too many event streams") != refused.npos);
}
