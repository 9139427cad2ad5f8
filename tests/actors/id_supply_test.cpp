#include "actors/id_supply.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace varro;

namespace {

struct supplied {
  id_supply ids{10};
  std::vector<std::string> told;

  void wait(int64_t count) {
    ids.wait(count, [this](const caf::expected<int64_t>& first) {
      told.push_back(first ? std::to_string(*first) : text_of(first.error()));
    });
  }
};

using words = std::vector<std::string>;

} // namespace

TEST_CASE_FIXTURE(supplied, "ids are given in their order, each once") {
  CHECK_FALSE(ids.take(1));
  CHECK(ids.wanted() == 10);
  ids.fill({1, 10});
  CHECK(ids.take(1) == 1);
  CHECK(ids.take(3) == 2);
  CHECK(ids.take(6) == 5);
  CHECK_FALSE(ids.take(1));
}

TEST_CASE_FIXTURE(supplied, "a block is wanted as soon as less than half of one is left") {
  ids.fill({1, 10});
  CHECK(ids.wanted() == 0);
  CHECK(ids.take(5));
  CHECK(ids.wanted() == 0);
  CHECK(ids.take(1));
  CHECK(ids.wanted() == 10);
  ids.fill({11, 10});
  CHECK(ids.wanted() == 0);
  CHECK(ids.take(14) == 7); // the blocks follow each other
}

TEST_CASE_FIXTURE(supplied,
                  "who asks for more than is left gets them in a row when they are drawn, with a block to spare") {
  ids.fill({1, 10});
  CHECK(ids.take(2) == 1);
  wait(30);
  wait(9);
  CHECK(ids.is_awaited());
  CHECK(ids.wanted() == 49);
  CHECK(ids.take(1) == 3); // nobody waits who need not
  ids.fill({11, 49});
  CHECK(told == words{"4", "34"});
  CHECK_FALSE(ids.is_awaited());
  CHECK(ids.take(1) == 43);
  CHECK(ids.wanted() == 0);
}

TEST_CASE_FIXTURE(supplied, "where another process has drawn in between, ids still ascend and are in a row") {
  ids.fill({1, 10});
  CHECK(ids.take(7) == 1);
  wait(5);
  ids.fill({111, ids.wanted()});
  CHECK(told == words{"111"});
  CHECK(ids.take(10) == 116); // 8, 9 and 10 are nobody's
  CHECK_FALSE(ids.take(1));
}

TEST_CASE_FIXTURE(supplied, "who waits is told why there is no id, and what is left stays") {
  ids.fill({1, 10});
  wait(11);
  wait(12);
  ids.refuse(fail(errc::storage_failed, "disk full"));
  CHECK(told.size() == 2);
  CHECK(told.front().find("disk full") != std::string::npos);
  CHECK_FALSE(ids.is_awaited());
  CHECK(ids.take(10) == 1);
  ids.refuse(fail(errc::storage_failed, "disk full")); // nobody waits
  CHECK(told.size() == 2);
  ids.fill({}); // nor was anything drawn
  CHECK_FALSE(ids.take(1));
}

TEST_CASE("many take ids at once while they are drawn, and each is given once") {
  constexpr int takers = 4, each = 5'000;
  id_supply ids{64};
  std::array<std::vector<int64_t>, takers> taken;
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (auto& mine : taken)
    threads.emplace_back([&] {
      while (mine.size() < each)
        if (auto first = ids.take(1))
          mine.push_back(*first);
        else
          std::this_thread::yield();
      ++done;
    });
  for (int64_t next = 1; done < takers;)
    if (auto count = ids.wanted(); count > 0) {
      ids.fill({next, count});
      next += count;
    }
  for (auto& thread : threads)
    thread.join();
  std::set<int64_t> all;
  for (const auto& mine : taken) {
    CHECK(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  CHECK(all.size() == takers * each);
}

TEST_CASE_FIXTURE(supplied, "who asks again from an answer takes nothing from those who wait") {
  ids.wait(1, [this](const caf::expected<int64_t>& first) {
    CHECK(*first == 1);
    CHECK_FALSE(ids.take(12)); // of 12 that were drawn
    CHECK(ids.take(10) == 3);
    wait(50);
  });
  wait(1);
  ids.fill({1, ids.wanted()});
  CHECK(told == words{"2"});
  CHECK(ids.is_awaited());
}
