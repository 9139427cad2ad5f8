// The step between a session and the viewers of its chat, through the gateway: who waits for it, and who does not.
#include "tests/http/gateway_world.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace varro;
using namespace varro::test;

namespace {

struct tally {
  std::atomic<int> made{0};
  std::atomic<int> shown{0}; // rows
};

class counting_presenter : public plain_presenter {
public:
  explicit counting_presenter(std::shared_ptr<tally> seen) : seen_(std::move(seen)) {
    ++seen_->made;
  }

protected:
  std::vector<std::string> parts_of(const message_row& row) override {
    ++seen_->shown;
    return plain_presenter::parts_of(row);
  }

private:
  std::shared_ptr<tally> seen_;
};

// Holds who shows the text "slow" until it is opened.
class gate {
public:
  void wait() {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }
  void wait_for_somebody() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

class slow_presenter : public plain_presenter {
public:
  explicit slow_presenter(std::shared_ptr<gate> held_by) : held_by_(std::move(held_by)) {}

protected:
  std::vector<std::string> parts_of(const message_row& row) override {
    auto parts = plain_presenter::parts_of(row);
    if (parts.front() == "slow")
      held_by_->wait();
    return parts;
  }

private:
  std::shared_ptr<gate> held_by_;
};

class failing_presenter : public plain_presenter {
protected:
  std::vector<std::string> parts_of(const message_row& row) override {
    auto parts = plain_presenter::parts_of(row);
    if (parts.front() == "fails")
      throw std::runtime_error("it fails");
    return parts;
  }
};

bool contains(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

} // namespace

TEST_CASE("a row is presented once, however many look at its chat") {
  auto seen = std::make_shared<tally>();
  gateway_world world{{}, plain_presenters<counting_presenter>(seen)};
  std::vector<raw_client> viewers;
  constexpr size_t many = 20;
  for (size_t i = 1; i <= many; ++i) {
    viewers.push_back(world.open());
    world.replay(world.attached(i), {}, true);
  }
  world.publish(content(1, "a"));
  world.publish(done);
  for (auto& viewer : viewers)
    CHECK(viewer.read_all().ends_with("id: 1\nevent: content\ndata: a\n\nevent: done\ndata: {}\n\n"));
  CHECK(seen->shown == 1);
}

TEST_CASE("nothing is presented of a chat that nobody looks at") {
  auto seen = std::make_shared<tally>();
  gateway_world world{{}, plain_presenters<counting_presenter>(seen)};
  world.publish(content(1, "before"));
  {
    auto viewer = world.open();
    world.replay(world.attached(1), {}, true);
    world.publish(content(2, "while"));
    viewer.read_until("data: while\n\n");
  }
  REQUIRE(world.detached(1));
  world.publish(content(3, "after"));
  world.count(); // the gateway has heard of it
  CHECK(seen->shown == 1);
}

TEST_CASE("while a chat's row is being presented, other chats' viewers and the sockets are served") {
  auto held = std::make_shared<gate>();
  gateway_world world{{}, plain_presenters<slow_presenter>(held)};
  auto waiting = world.open(-1, 1);
  world.replay(world.attached(1), {}, true, 1);
  auto other = world.open(-1, 2);
  world.replay(world.attached(2), {}, true, 2);
  world.publish(content(1, "slow"), 1);
  held->wait_for_somebody();
  world.publish(content(1, "quick"), 2);
  other.read_until("data: quick\n\n");
  CHECK(world.count() == 2);
  held->open();
  waiting.read_until("data: slow\n\n");
}

TEST_CASE("what comes while a replay is being made follows it") {
  auto held = std::make_shared<gate>();
  gateway_world world{{}, plain_presenters<slow_presenter>(held)};
  auto viewer = world.open();
  world.replay(world.attached(1), {content(1, "slow")}, true);
  world.publish(content(2, "next"));
  world.publish(done);
  held->wait_for_somebody();
  held->open();
  viewer.read_until("\r\n\r\n");
  CHECK(viewer.read_all()
        == "id: 1\nevent: content\ndata: slow\n\nid: 2\nevent: content\ndata: next\n\nevent: done\ndata: {}\n\n");
}

TEST_CASE("a stop waits for what is being presented") {
  auto held = std::make_shared<gate>();
  gateway_world world{{}, plain_presenters<slow_presenter>(held)};
  auto viewer = world.open();
  world.replay(world.attached(1), {}, true);
  world.publish(content(1, "slow"));
  world.publish(done);
  held->wait_for_somebody();
  caf::anon_send(world.gateway, stop_atom_v);
  held->open();
  CHECK(viewer.read_all().ends_with("data: slow\n\nevent: done\ndata: {}\n\n"));
}

TEST_CASE("a stop does not wait for ever") {
  auto held = std::make_shared<gate>();
  gateway_world world{{}, plain_presenters<slow_presenter>(held)};
  auto viewer = world.open();
  world.replay(world.attached(1), {}, true);
  world.publish(content(1, "slow"));
  held->wait_for_somebody();
  caf::anon_send(world.gateway, stop_atom_v);
  viewer.read_all();
  held->open();
}

TEST_CASE("what was told to viewers that are gone is not shown to those who come after them") {
  auto held = std::make_shared<gate>();
  gateway_world world{{}, plain_presenters<slow_presenter>(held)};
  {
    auto first = world.open();
    world.replay(world.attached(1), {}, true);
    world.publish(content(5, "slow"));
    world.publish(done);
    held->wait_for_somebody();
  }
  REQUIRE(world.detached(1));
  auto second = world.open();
  world.replay(world.attached(2), {content(5, "a replay")}, true);
  second.read_until("data: a replay\n\n");
  held->open();
  world.publish(content(6, "live"));
  CHECK(second.read_until("data: live\n\n") == "id: 6\nevent: content\ndata: live\n\n");
}

TEST_CASE("a presenter that fails ends the streams of its chat and of no other, and who comes back is served") {
  gateway_world world{{}, plain_presenters<failing_presenter>()};
  auto mine = world.open(-1, 1);
  world.replay(world.attached(1), {}, true, 1);
  auto other = world.open(-1, 2);
  world.replay(world.attached(2), {}, true, 2);
  world.publish(content(1, "fails"), 1);
  CHECK_FALSE(contains(mine.read_all(), "fails"));
  auto back = world.open(0, 1);
  world.replay(world.attached(3), {content(1, "works")}, true, 1);
  back.read_until("data: works\n\n");
  world.publish(content(2, "still there"), 2);
  other.read_until("data: still there\n\n");
}
