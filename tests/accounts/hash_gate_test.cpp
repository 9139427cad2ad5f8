#include "accounts/hash_gate.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace varro;

namespace {

auth_config limits_of(int running, int waiting, std::chrono::milliseconds wait = std::chrono::minutes{1}) {
  auth_config limits;
  limits.hashes_max = running;
  limits.hash_waiters_max = waiting;
  limits.hash_wait_max = wait;
  return limits;
}

} // namespace

TEST_CASE("passwords at once wait for each other and the surplus is turned away") {
  constexpr int waiting_max = 2;
  hash_gate gate{limits_of(2, waiting_max)};
  auto first = gate.enter("first");
  auto second = gate.enter("second");
  REQUIRE(first);
  REQUIRE(second);
  std::atomic<int> admitted = 0, refused = 0;
  std::vector<std::thread> waiting;
  for (int i = 0; i < waiting_max + 3; ++i)
    waiting.emplace_back([&, i] { ++(gate.enter(std::to_string(i)) ? admitted : refused); });
  while (refused < 3)
    std::this_thread::yield();
  CHECK(admitted == 0);
  first.reset();
  second.reset();
  for (auto& thread : waiting)
    thread.join();
  CHECK(admitted == waiting_max);
  CHECK(refused == 3);
  CHECK(gate.enter("last"));
}

TEST_CASE("never are more passwords hashed than the limit says") {
  constexpr int at_most = 3;
  hash_gate gate{limits_of(at_most, 16)};
  std::atomic<int> inside = 0, most = 0, done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 200; ++round) {
        auto pass = gate.enter(std::to_string(i));
        if (!pass)
          continue;
        auto now = ++inside;
        for (auto seen = most.load(); now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::yield();
        --inside;
        ++done;
      }
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(most <= at_most);
  CHECK(done == 16 * 200);
}

TEST_CASE("nobody waits longer than the limit says, and whoever gave up leaves the place") {
  hash_gate gate{limits_of(1, 1, std::chrono::milliseconds{1})};
  auto held = gate.enter("ada");
  REQUIRE(held);
  CHECK_FALSE(gate.enter("bob"));
  CHECK_FALSE(gate.enter("bob"));
  held.reset();
  CHECK(gate.enter("bob"));
}

TEST_CASE("a pass that was moved counts once") {
  hash_gate gate{limits_of(1, 0)};
  {
    auto pass = gate.enter("ada");
    REQUIRE(pass);
    auto moved = std::move(*pass);
    CHECK_FALSE(gate.enter("bob"));
  }
  CHECK(gate.enter("ada"));
  CHECK(gate.enter("ada"));
}

TEST_CASE("of one account there is one at a time, and others pass") {
  hash_gate gate{limits_of(2, 2)};
  auto held = gate.enter("mallory");
  REQUIRE(held);
  CHECK_FALSE(gate.enter("mallory"));
  CHECK(gate.enter("ada"));
  auto moved = std::move(*held);
  held.reset();
  CHECK_FALSE(gate.enter("mallory"));
}
