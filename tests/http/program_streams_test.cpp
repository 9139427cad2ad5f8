// Programs and pages on one gateway: each gets its own form of the same events.
#include "tests/http/gateway_world.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace varro;
using namespace varro::test;

TEST_CASE("a page and a program of one chat get the same events, each in its form") {
  gateway_world world;
  auto page = world.open(0);
  const auto of_page = world.attached(1);
  auto program = world.open_program(0);
  const auto of_program = world.attached(2);
  world.replay(of_page, {content(1, "a")}, true);
  world.replay(of_program, {content(1, "a")}, true);
  world.publish(content(2, "b"));
  world.publish(done);
  const auto html = page.read_all(), json = program.read_all();
  CHECK(
    html.ends_with("id: 1\nevent: content\ndata: a\n\nid: 2\nevent: content\ndata: b\n\nevent: done\ndata: {}\n\n"));
  CHECK(json.find("id: 1\nevent: content\ndata: {\"id\":\"m1-p0\",") != json.npos);
  CHECK(json.find("id: 2\nevent: content\ndata: {\"id\":\"m2-p0\",") != json.npos);
  CHECK(json.find("\"kind\":\"text\",\"text\":\"b\"}\n\nevent: done\ndata: {") != json.npos);
  CHECK(json.find("\ndata: a\n") == json.npos);
}

TEST_CASE("one that leaves takes nothing from the other, and programs of another chat get nothing") {
  gateway_world world;
  auto program = world.open_program(0);
  world.replay(world.attached(1), {}, true);
  auto other = world.open_program(0, chat + 1);
  world.replay(world.attached(2), {}, true, chat + 1);
  {
    auto page = world.open(0);
    world.replay(world.attached(3), {content(1, "a")}, true);
    page.read_until("data: a\n\n");
  }
  world.wait_for_count(2);
  world.publish(content(2, "b"));
  world.publish(done);
  CHECK(program.read_all().find("\"text\":\"b\"") != std::string::npos);
  world.publish(done, chat + 1);
  CHECK(other.read_all().find("\"text\":\"b\"") == std::string::npos);
}

TEST_CASE("one stream too many of a program is a problem") {
  stream_config limits;
  limits.viewers_max = 1;
  gateway_world world{limits};
  auto first = world.open_program();
  world.attached(1);
  const auto refused = world.open_program().read_all();
  CHECK(refused.starts_with("HTTP/1.1 503 "));
  CHECK(refused.find("\r\nContent-Type: application/problem+json\r\n") != refused.npos);
  CHECK(refused.find("\"status\":503") != refused.npos);
}
