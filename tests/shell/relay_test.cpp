#include "base/descriptor.hpp"
#include "shell/supervisor/relay.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include <sys/epoll.h>
#include <sys/socket.h>

using namespace varro;

namespace {

std::string framed(const std::string& body) {
  std::string bytes{char(body.size() >> 24 & 0xFF), char(body.size() >> 16 & 0xFF), char(body.size() >> 8 & 0xFF),
                    char(body.size() & 0xFF)};
  return bytes + body;
}

const std::string ready = framed(R"({"op": "ready", "python": "3.11.2", "pid": 2})");

std::string execute(int id, const std::string& tag = "") {
  return framed(R"({"op":"execute","id":)" + std::to_string(id) + R"(,"tag":")" + tag + R"(","code":"1"})");
}
std::string output(int id, const std::string& text) {
  return framed(R"({"op": "output", "id": )" + std::to_string(id) + R"(, "output": {"type": "value", "text": ")" + text
                + "\"}}");
}
std::string begun(int id) {
  return framed(R"({"op": "begun", "id": )" + std::to_string(id) + "}");
}
std::string done(int id) {
  return framed(R"({"op": "done", "id": )" + std::to_string(id) + R"(, "status": "ok", "duration_us": 1})");
}

// A relay with a worker that the test plays.
struct relay_world {
  explicit relay_world(shell_config limits = {}, std::shared_ptr<journal_room> room = {}) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    worker = descriptor{ends[1]};
    under_test = std::make_unique<relay>(descriptor{ends[0]}, limits, std::move(room));
  }

  void from_worker(std::string_view bytes) {
    while (!bytes.empty() && under_test->problem().empty()) {
      auto size = send(worker.get(), bytes.data(), std::min<size_t>(bytes.size(), 16'384), MSG_NOSIGNAL);
      REQUIRE(size > 0);
      bytes.remove_prefix(static_cast<size_t>(size));
      under_test->worker_ready();
    }
  }
  void from_server(const std::string& bytes) {
    REQUIRE(send(server.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    under_test->server_ready();
  }
  static std::string all_from(const descriptor& from) {
    std::string found;
    char bytes[16'384];
    for (;;) {
      auto size = recv(from.get(), bytes, sizeof bytes, MSG_DONTWAIT);
      if (size <= 0)
        return found;
      found.append(bytes, static_cast<size_t>(size));
    }
  }
  std::string at_server() {
    std::string found;
    for (;;) {
      auto part = all_from(server);
      if (part.empty())
        return found;
      found += part;
      under_test->server_ready();
    }
  }
  std::string at_worker() {
    return all_from(worker);
  }

  descriptor worker, server;
  std::unique_ptr<relay> under_test;
};

} // namespace

TEST_CASE("frames pass in both directions as they are") {
  relay_world world;
  world.server = world.under_test->attach();
  world.from_worker(ready);
  world.from_server(execute(1, "call_1"));
  CHECK(world.at_worker() == execute(1, "call_1"));
  world.from_worker(output(1, "a") + done(1));
  CHECK(world.at_server() == ready + output(1, "a") + done(1));
}

TEST_CASE("a server that attaches later gets what the former one did not acknowledge, and what follows") {
  relay_world world;
  world.server = world.under_test->attach();
  world.from_worker(ready);
  world.from_server(execute(1, "one") + execute(2, "two"));
  auto first = output(1, "a") + done(1);
  world.from_worker(first);
  world.at_server();
  world.server.reset(); // it crashed
  world.under_test->server_ready();
  auto second = output(2, std::string(100'000, 'b'));
  world.from_worker(second.substr(0, 50'000)); // nobody is there
  auto cells = world.under_test->cells();
  REQUIRE(cells.size() == 2);
  CHECK(cells[0].tag == "one");
  CHECK(cells[0].done);
  CHECK(cells[1].tag == "two");
  CHECK_FALSE(cells[1].done);
  CHECK(world.under_test->is_running());
  world.server = world.under_test->attach();
  CHECK(world.at_server() == ready + first + second.substr(0, 50'000));
  world.from_worker(second.substr(50'000) + done(2));
  CHECK(world.at_server() == second.substr(50'000) + done(2));
  CHECK_FALSE(world.under_test->is_running());
}

TEST_CASE("an acknowledged cell is forgotten, one that runs is not") {
  relay_world world;
  world.server = world.under_test->attach();
  world.from_worker(ready);
  world.from_server(execute(1) + execute(2));
  world.from_worker(done(1));
  world.at_server();
  world.under_test->acknowledge(2); // it is not done
  world.under_test->acknowledge(1);
  auto cells = world.under_test->cells();
  REQUIRE(cells.size() == 1);
  CHECK(cells[0].id == 2);
  world.server = world.under_test->attach();
  CHECK(world.at_server() == ready);
}

TEST_CASE("a frame that is half here is finished before another one begins, wherever the bytes are cut") {
  for (size_t step : {size_t{1}, size_t{7}, size_t{61}}) {
    relay_world world;
    world.server = world.under_test->attach();
    world.from_worker(ready);
    world.from_server(execute(1) + execute(2));
    auto all = output(1, "x") + done(1)
      + framed("nonsense that is no frame of ours at all, but has a length of its own") + output(2, "y") + done(2);
    for (size_t at = 0; at < all.size(); at += step)
      world.from_worker(std::string_view{all}.substr(at, step));
    CHECK(world.at_server() == ready + all);
    CHECK(world.under_test->cells().size() == 2);
    CHECK(world.under_test->is_drained());
  }
}

TEST_CASE("a frame of exactly the limit passes, a larger one ends the shell") {
  shell_config limits;
  limits.frame_bytes_max = output(1, "").size() - 4 + 100;
  relay_world world{limits};
  world.server = world.under_test->attach();
  world.from_server(execute(1));
  world.from_worker(output(1, std::string(100, 'x')));
  CHECK(world.under_test->problem().empty());
  world.from_worker(output(1, std::string(101, 'x')));
  CHECK(world.under_test->problem() == "protocol");
  CHECK(world.under_test->worker_closed());
}

TEST_CASE("a cell that nobody reads is kept up to its limit, and one that goes beyond ends the shell") {
  shell_config limits;
  limits.images_max = 0;
  limits.output_bytes_max = 1024;
  auto bytes_max = journal_bytes_max(limits);
  relay_world world{limits};
  world.server = world.under_test->attach();
  world.from_server(execute(1));
  world.server.reset();
  world.under_test->server_ready();
  auto part = output(1, std::string(60'000, 'x'));
  size_t sent = 0;
  for (; sent + part.size() <= bytes_max; sent += part.size())
    world.from_worker(part);
  CHECK(world.under_test->problem().empty());
  world.from_worker(part);
  CHECK(world.under_test->problem() == "output");
}

TEST_CASE("the journals of all shells have room for so many bytes, and a cell whose output has none says so") {
  auto room = std::make_shared<journal_room>();
  relay_world one{{}, room}, other{{}, room};
  for (auto* world : {&one, &other}) {
    world->server = world->under_test->attach();
    world->from_server(execute(1));
    world->server.reset();
    world->under_test->server_ready();
  }
  auto first = output(1, std::string(10'000, 'a')), second = output(1, std::string(20'000, 'b'));
  room->bytes_max = begun(1).size() + first.size() + begun(1).size() + second.size();
  one.from_worker(begun(1) + first);
  SUBCASE("the last byte of it can be used") {
    other.from_worker(begun(1) + second + done(1)); // the end needs no room
    CHECK(room->bytes == room->bytes_max + done(1).size());
    other.server = other.under_test->attach();
    CHECK(other.at_server() == begun(1) + second + done(1));
  }
  SUBCASE("one byte more is dropped, whole frames at a time") {
    auto small = output(1, "c");
    auto larger = output(1, std::string(20'001, 'b'));
    other.from_worker(begun(1) + larger + small + done(1));
    other.server = other.under_test->attach();
    auto seen = other.at_server();
    CHECK(seen.starts_with(begun(1) + small));
    CHECK(seen.ends_with(done(1)));
    CHECK(seen.find("[" + std::to_string(larger.size() - 4) + " bytes of this cell's output are missing")
          != std::string::npos);
    CHECK(seen.find("(shell.journal_bytes_max)") != std::string::npos);
  }
  SUBCASE("and there is room again when a result was committed, and when a shell is gone") {
    one.from_worker(done(1));
    one.server = one.under_test->attach();
    one.at_server();
    one.under_test->acknowledge(1);
    CHECK(room->bytes == 0);
    other.from_worker(begun(1) + second.substr(0, 900));
    other.under_test.reset();
    CHECK(room->bytes == 0);
  }
  SUBCASE("that a cell began and ended is never dropped: a shell that makes it large is ended") {
    other.from_worker(begun(1) + second);
    other.from_worker(framed(R"({"op": "done", "id": 1, "status": ")" + std::string(relay::small_frame_bytes, 'x')));
    CHECK(other.under_test->problem() == "output");
  }
}

TEST_CASE("a server that does not read stops the worker from being read, and nothing is lost") {
  relay_world world;
  world.server = world.under_test->attach();
  world.from_server(execute(1));
  CHECK((world.under_test->worker_interest() & EPOLLIN) != 0);
  std::string all;
  while ((world.under_test->worker_interest() & EPOLLIN) != 0) {
    auto part = output(1, std::string(10'000, 'x'));
    all += part;
    world.from_worker(part);
    REQUIRE(all.size() < 64u << 20);
  }
  CHECK(world.at_server() == all);
  CHECK((world.under_test->worker_interest() & EPOLLIN) != 0);
}

TEST_CASE("a descriptor goes to the worker with its frame") {
  relay_world world;
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  descriptor reading{ends[0]};
  world.under_test->inject({{"op", "snapshot"}, {"id", 1}}, descriptor{ends[1]});
  char bytes[256];
  iovec part{bytes, sizeof bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  auto size = recvmsg(world.worker.get(), &header, MSG_CMSG_CLOEXEC);
  REQUIRE(size > 0);
  CHECK(std::string_view{bytes, static_cast<size_t>(size)} == framed(R"({"op":"snapshot","id":1})"));
  auto* rights = CMSG_FIRSTHDR(&header);
  REQUIRE(rights != nullptr);
  int received = -1;
  std::memcpy(&received, CMSG_DATA(rights), sizeof received);
  descriptor writing{received};
  CHECK(write(writing.get(), "x", 1) == 1);
  CHECK(read(reading.get(), bytes, 1) == 1);
}
