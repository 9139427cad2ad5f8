#include "actors/live_shell.hpp"
#include "tests/support/host_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <vector>

using namespace varro;
using namespace std::chrono_literals;
using varro::test::host_world;

namespace {

constexpr int64_t anna = 7, bert = 8;

// How many shells each user may have; nobody: as many as there is room for.
class told_limits {
public:
  void set(int64_t user, int64_t max) {
    std::lock_guard guard{mutex_};
    limits_[user] = max;
  }
  caf::result<allowance_ptr> of(int64_t user) {
    if (fails)
      return fail(errc::storage_failed, "the disk is gone");
    auto allowance = std::make_shared<user_allowance>();
    std::lock_guard guard{mutex_};
    if (const auto found = limits_.find(user); found != limits_.end())
      allowance->limits.shells_alive = found->second;
    return allowance_ptr{std::move(allowance)};
  }

  std::atomic<bool> fails = false;

private:
  std::mutex mutex_;
  std::map<int64_t, int64_t> limits_;
};

allowances_actor::behavior_type teller(allowances_actor::pointer, std::shared_ptr<told_limits> told) {
  return {
    [=](usage_atom, int64_t user) { return told->of(user); },
    [=](usage_atom, int64_t user, int64_t) { return told->of(user); },
  };
}

struct limited_host {
  std::shared_ptr<told_limits> told = std::make_shared<told_limits>();
  host_world world;

  explicit limited_host(std::map<int64_t, int64_t> limits, std::function<void(shell_config&)> change = {})
    : world{std::move(change), [this](caf::actor_system& system) { return system.spawn(teller, told); }} {
    for (const auto& [user, max] : limits)
      told->set(user, max);
  }
  // Waits for the shell that was asked for.
  template <class Request>
  python_shell_actor take(Request& request) {
    python_shell_actor found;
    request.receive([&](python_shell_actor& shell) { found = shell; },
                    [](caf::error& error) { FAIL_CHECK(text_of(error)); });
    return found;
  }
};

} // namespace

TEST_CASE("who has as many shells as they may gives up the one that was used longest ago, and nobody else does") {
  limited_host host{{{anna, 2}}};
  auto& world = host.world;
  auto of_bert = world.start(1, bert), one = world.start(2, anna), two = world.start(3, anna);
  REQUIRE((of_bert && one && two));
  CHECK(world.run(*two, "2") == "2");
  CHECK(world.run(*one, "1") == "1");
  auto three = world.start(4, anna);
  REQUIRE(three);
  CHECK(code_of(world.end_of(*two)) == errc::none);
  CHECK(world.run(*of_bert, "'alive'") == "'alive'");
  CHECK(world.run(*one, "'alive'") == "'alive'");
  CHECK(world.run(*three, "3") == "3");
  CHECK(world.count() == 3);
  CHECK(world.start(5, bert)); // who has no limit
  CHECK(world.count() == 4);
}

TEST_CASE("a start beyond the limit waits while all shells of its user are busy, and holds up no other user") {
  limited_host host{{{anna, 1}}, [](shell_config& limits) { limits.live_max = 2; }};
  auto& world = host.world;
  auto of_bert = world.start(1, bert), busy = world.start(2, anna);
  REQUIRE((of_bert && busy));
  auto gate = world.hold(*busy);
  auto waiting = world.ask(3, anna);
  CHECK(world.stats().waiting_shells == 1); // answered after the request
  // There is no place left but that of bert, which his own next shell takes and anna's does not.
  CHECK(world.run(*of_bert, "'alive'") == "'alive'");
  auto next_of_bert = world.start(4, bert);
  REQUIRE(next_of_bert);
  CHECK(world.stats().waiting_shells == 1);
  CHECK(world.run(*next_of_bert, "'alive'") == "'alive'");
  std::filesystem::remove(gate);
  CHECK(world.run(host.take(waiting), "3") == "3");
  CHECK(world.run(*next_of_bert, "'still alive'") == "'still alive'");
  CHECK(world.count() == 2);
}

TEST_CASE("a limit that is raised lets who waits go on") {
  limited_host host{{{anna, 1}}};
  auto& world = host.world;
  auto busy = world.start(1, anna);
  REQUIRE(busy);
  auto gate = world.hold(*busy);
  auto waiting = world.ask(2, anna);
  CHECK(world.stats().waiting_shells == 1);
  host.told->set(anna, 2);
  CHECK(world.run(host.take(waiting), "2") == "2");
  CHECK(world.count() == 2);
  std::filesystem::remove(gate);
}

TEST_CASE("shells of a former server count from the first start on, before varro-shells has told of them") {
  limited_host host{{{anna, 1}}};
  auto& world = host.world;
  auto former = world.start(1, anna);
  REQUIRE(former);
  CHECK(world.run(*former, "1") == "1");
  world.restart();
  auto next = world.start(2, anna);
  REQUIRE(next);
  CHECK(world.run(*next, "2") == "2");
  world.self->request(world.host, std::chrono::seconds{60}, attach_atom_v, int64_t{1})
    .receive([](python_shell_actor&, std::vector<std::string>&) { FAIL_CHECK("both live"); },
             [](caf::error& error) { CHECK(code_of(error) == errc::not_found); });
  CHECK(world.count() == 1);
}

TEST_CASE("a shell of a former server is on the list, and is closed like any other") {
  limited_host host{{}};
  auto& world = host.world;
  auto former = world.start(1, anna);
  REQUIRE(former);
  CHECK(world.run(*former, "1") == "1");
  world.restart();
  auto other = world.start(2, bert); // from here on the former one is known
  REQUIRE(other);
  const auto chats_on = [&] {
    std::vector<int64_t> chats;
    world.self->request(world.host, std::chrono::seconds{60}, list_atom_v)
      .receive(
        [&](const live_shells& shells) {
          for (const auto& each : *shells)
            chats.push_back(each.chat);
        },
        [](caf::error& error) { FAIL_CHECK(text_of(error)); });
    std::sort(chats.begin(), chats.end());
    return chats;
  };
  CHECK(chats_on() == std::vector<int64_t>{1, 2});
  world.self->send(world.host, close_atom_v, int64_t{1});
  CHECK(chats_on() == std::vector<int64_t>{2});
  world.self->request(world.host, std::chrono::seconds{60}, attach_atom_v, int64_t{1})
    .receive([](python_shell_actor&, std::vector<std::string>&) { FAIL_CHECK("it lives"); },
             [](caf::error& error) { CHECK(code_of(error) == errc::not_found); });
}

TEST_CASE("a limit that nobody can tell holds up no start") {
  limited_host host{{{anna, 1}}};
  host.told->fails = true;
  CHECK(host.world.start(1, anna));
  CHECK(host.world.start(2, anna));
  CHECK(host.world.count() == 2);
}
