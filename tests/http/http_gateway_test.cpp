#include "tests/http/gateway_world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace varro;
using namespace varro::test;

TEST_CASE("an event is framed with a data line per line, and an id only where it has one") {
  CHECK(frame_event({17, "content", "<p>a</p>"}) == "id: 17\nevent: content\ndata: <p>a</p>\n\n");
  CHECK(frame_event({0, "progress", ""}) == "event: progress\ndata: \n\n");
  CHECK(frame_event({1, "content", "a\nb\r\nc\rd\n"})
        == "id: 1\nevent: content\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  // Nothing in the data can start a field of its own.
  CHECK(frame_event({0, "content", "a\n\nevent: done\rid: 9"})
        == "event: content\ndata: a\ndata: \ndata: event: done\ndata: id: 9\n\n");
}

TEST_CASE("a viewer gets its head, the replay and what is published, and the stream ends after done") {
  gateway_world world;
  auto viewer = world.open(12);
  auto head = viewer.read_until("\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(head.find("Content-Type: text/event-stream\r\n") != std::string::npos);
  CHECK(head.find("X-Content-Type-Options: nosniff\r\n") != std::string::npos);
  CHECK(world.attached_after(1) == 12);
  world.replay(world.attached(1), {content(13, "a"), {0, "progress", "p"}}, true);
  world.publish(content(14, "b"));
  world.publish(done);
  CHECK(viewer.read_all()
        == "id: 13\nevent: content\ndata: a\n\nevent: progress\ndata: p\n\nid: 14\nevent: content\ndata: b\n\n"
           "event: done\ndata: {}\n\n");
  {
    auto closes = std::move(viewer);
  }
  CHECK(world.detached(1));
  world.wait_for_count(0);
}

TEST_CASE("a replay of a run that is over ends the stream") {
  gateway_world world;
  auto viewer = world.open();
  world.replay(world.attached(1), {content(3, "a"), done}, false);
  CHECK(viewer.read_all().ends_with("data: a\n\nevent: done\ndata: {}\n\n"));
}

TEST_CASE("what is published before the replay is not sent, it is part of the replay") {
  gateway_world world;
  auto viewer = world.open();
  auto id = world.attached(1);
  world.publish(content(1, "early"));
  world.replay(id, {content(1, "early")}, true);
  world.publish(content(2, "late"));
  world.publish(done);
  viewer.read_until("\r\n\r\n");
  CHECK(viewer.read_all()
        == "id: 1\nevent: content\ndata: early\n\nid: 2\nevent: content\ndata: late\n\nevent: done\ndata: {}\n\n");
}

TEST_CASE("an older event than the last one is skipped, several of one id are not") {
  gateway_world world;
  auto viewer = world.open();
  world.replay(world.attached(1), {content(5, "a")}, true);
  world.publish(content(4, "old"));
  world.publish(content(5, "b"));
  world.publish(content(5, "c"));
  world.publish(done);
  viewer.read_until("\r\n\r\n");
  CHECK(viewer.read_all()
        == "id: 5\nevent: content\ndata: a\n\nid: 5\nevent: content\ndata: b\n\nid: 5\nevent: content\ndata: c\n\n"
           "event: done\ndata: {}\n\n");
}

TEST_CASE("events reach the viewers of their chat and no other") {
  gateway_world world;
  auto mine = world.open(-1, 1);
  auto theirs = world.open(-1, 2);
  auto first = world.attached(1), second = world.attached(2);
  world.replay(first, {}, true);
  world.replay(second, {}, true);
  world.publish(content(1, "for one"), 1);
  world.publish(done, 1);
  world.publish(done, 2);
  CHECK(mine.read_all().find("for one") != std::string::npos);
  CHECK(theirs.read_all().find("for one") == std::string::npos);
}

TEST_CASE("a viewer that leaves is detached from its session") {
  gateway_world world;
  auto id = [&] {
    auto viewer = world.open();
    return world.attached(1);
  }();
  REQUIRE(world.detached(1));
  CHECK(world.script->detached.front() == id);
  CHECK(world.count() == 0);
}

TEST_CASE("a large replay arrives whole, in parts that stay within the buffer's limit") {
  stream_config limits;
  limits.viewer_buffer_bytes_max = 300'000;
  gateway_world world{limits};
  auto viewer = world.open(0);
  std::string text(100'000, 'x');
  std::vector<stream_event> all;
  for (int64_t id = 1; id <= 20; ++id)
    all.push_back(content(id, text + std::to_string(id)));
  all.push_back(done);
  std::thread session{[&] {
    // Answers each attach with what comes after the asked id, as a session does.
    size_t parts = 0;
    for (int64_t after = 0; after < 20;) {
      after = world.attached_after(++parts);
      auto from = all.begin() + after;
      world.replay(world.attached(parts), {from, all.end()}, false);
      if (20 - after <= 3)
        break;
    }
  }};
  auto received = viewer.read_all();
  session.join();
  for (int64_t id = 1; id <= 20; ++id)
    CHECK(received.find("id: " + std::to_string(id) + "\n") != std::string::npos);
  CHECK(received.find("id: 20\n") == received.rfind("id: 20\n"));
  CHECK(received.ends_with("event: done\ndata: {}\n\n"));
  std::lock_guard lock{world.script->mutex};
  CHECK(world.script->attached.size() > 3);
}

TEST_CASE("a viewer that reads nothing is dropped at the limit, one that reads gets everything") {
  stream_config limits;
  limits.viewer_buffer_bytes_max = 1u << 20;
  gateway_world world{limits};
  auto reader = world.open();
  auto first = world.attached(1);
  auto sleeper = world.open();
  auto second = world.attached(2);
  world.replay(first, {}, true);
  world.replay(second, {}, true);
  reader.read_until("\r\n\r\n");
  int64_t id = 0;
  while (world.script->wait_for([] { return true; }) && world.count() == 2) {
    world.publish(content(++id, std::string(100'000, 'x')));
    reader.read_until("\n\n");
  }
  REQUIRE(world.detached(1));
  CHECK(world.script->detached.front() == second);
  world.publish(done);
  CHECK(reader.read_all().ends_with("event: done\ndata: {}\n\n"));
}

TEST_CASE("done is not lost on a viewer that reads late") {
  gateway_world world;
  auto viewer = world.open();
  world.replay(world.attached(1), {}, true);
  std::string text(2'000'000, 'x'); // more than the socket holds
  world.publish(content(1, text));
  world.publish(done);
  CHECK(world.count() == 1);
  auto received = viewer.read_all();
  CHECK(received.size() > text.size());
  CHECK(received.ends_with("event: done\ndata: {}\n\n"));
}

TEST_CASE("a tick sends a comment") {
  gateway_world world;
  auto viewer = world.open();
  world.replay(world.attached(1), {}, true);
  viewer.read_until("\r\n\r\n");
  caf::anon_send(world.gateway, tick_atom_v);
  CHECK(viewer.read_until("\n\n") == ": keep-alive\n\n");
}

TEST_CASE("a viewer that takes nothing for several keep-alives is dropped") {
  gateway_world world;
  auto viewer = world.open();
  world.replay(world.attached(1), {}, true);
  world.publish(content(1, std::string(3'000'000, 'x')));
  for (int i = 0; i < http_gateway_state::stalled_ticks_max; ++i) {
    CHECK(world.count() == 1);
    caf::anon_send(world.gateway, tick_atom_v);
    // The first ticks may still see the socket fill.
    world.count();
  }
  while (world.count() == 1)
    caf::anon_send(world.gateway, tick_atom_v);
  CHECK(world.detached(1));
}

TEST_CASE("more viewers than allowed are refused with 503, and let in when there is room") {
  stream_config limits;
  limits.viewers_max = 1;
  gateway_world world{limits};
  auto first = std::make_unique<raw_client>(world.open());
  world.attached(1);
  auto second = world.open();
  CHECK(second.read_all().starts_with("HTTP/1.1 503 "));
  CHECK(world.count() == 1);
  first.reset();
  world.wait_for_count(0);
  auto third = world.open();
  CHECK(third.read_until("\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("what a viewer sends is ignored, up to a bound") {
  gateway_world world;
  auto viewer = world.open();
  world.replay(world.attached(1), {}, true);
  viewer.send("GET / HTTP/1.1\r\n\r\n");
  world.publish(content(1, "a"));
  viewer.read_until("data: a\n\n");
  CHECK(world.count() == 1);
  viewer.send_if_open(std::string(http_gateway_state::received_bytes_max + 1, 'x'));
  CHECK(world.detached(1));
}

TEST_CASE("stop sends what was published before it and ends every stream") {
  gateway_world world;
  auto viewer = world.open();
  world.replay(world.attached(1), {}, true);
  std::string text(1'000'000, 'x');
  world.publish(content(1, text));
  caf::anon_send(world.gateway, stop_atom_v);
  CHECK(viewer.read_all().ends_with(text + "\n\n"));
}

TEST_CASE("a logout ends the streams of its browser session at once, and no others") {
  gateway_world world;
  auto here = world.open(-1, chat, "hash-1");
  auto elsewhere = world.open(-1, chat, "hash-2");
  auto local = world.open(-1, chat, "");
  for (size_t i = 1; i <= 3; ++i)
    world.replay(world.attached(i), {{1, "content", "a"}}, true);
  caf::anon_send(world.gateway, logout_atom_v, std::string{"hash-1"});
  caf::anon_send(world.gateway, logout_atom_v, std::string{}); // nobody's
  CHECK(here.read_all().find("data: after") == std::string::npos);
  world.publish({2, "content", "after"});
  world.publish({0, "done", "{}"});
  CHECK(elsewhere.read_all().find("data: after") != std::string::npos);
  CHECK(local.read_all().find("data: after") != std::string::npos);
}

TEST_CASE("a keep-alive ends the streams of browser sessions that the database knows no more, and no others") {
  gateway_world world;
  constexpr int many = static_cast<int>(http_gateway_state::logins_at_once) + 1; // more than one question
  {
    std::lock_guard lock{world.script->mutex};
    world.script->users.push_back({3, "ada", "", false, 0});
    for (int i = 0; i < many; ++i)
      world.script->logins.push_back({"hash-" + std::to_string(i), 3, "", 0, 0});
  }
  std::vector<raw_client> kept;
  for (int i = 0; i < many; ++i)
    kept.push_back(world.open(-1, chat, "hash-" + std::to_string(i)));
  auto same = world.open(-1, chat, "hash-0");
  auto over = world.open(-1, chat, "another");
  auto local = world.open(-1, chat, "");
  for (size_t i = 1; i <= many + 3u; ++i)
    world.replay(world.attached(i), {}, true);
  world.wait_for_count(many + 3);
  caf::anon_send(world.gateway, tick_atom_v);
  over.read_all();
  world.wait_for_count(many + 2);
  world.publish(done);
  for (auto* viewer : {&kept.front(), &kept.back(), &same, &local})
    CHECK(viewer->read_all().ends_with("event: done\ndata: {}\n\n"));
}
