// The ledger of a session's commits, and lists of steps, without an actor.
#include "actors/ledger.hpp"
#include "base/errors.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace varro;

namespace {

// A ledger whose store answers when the test says so, and what happened in which order.
struct stepped_ledger {
  struct written {
    write_batch batch;
    continuation then;
    error_handler otherwise;
  };
  std::vector<written> writes;
  std::vector<std::string> told;
  ledger commits{[this](write_batch batch, continuation then, error_handler otherwise) {
    writes.push_back({std::move(batch), std::move(then), std::move(otherwise)});
  }};

  void commit(const std::string& name) {
    commits.commit({}, note(name + " done"), [this, name](const caf::error&) { told.push_back(name + " failed"); });
  }
  continuation note(const std::string& what) {
    return [this, what] { told.push_back(what); };
  }
  void answer(size_t write, bool well = true) {
    if (well)
      writes[write].then();
    else
      writes[write].otherwise(fail(errc::storage_failed, "full"));
  }
};

using words = std::vector<std::string>;

} // namespace

TEST_CASE_FIXTURE(stepped_ledger, "who drains an empty ledger is called at once") {
  commits.drained(note("drained"));
  CHECK(told == words{"drained"});
}

TEST_CASE_FIXTURE(stepped_ledger, "draining waits for every commit, also for one that fails, and for what they do") {
  commit("first");
  commit("second");
  commits.drained(note("drained"));
  answer(1, false);
  CHECK_FALSE(commits.is_drained());
  CHECK(told == words{"second failed"});
  answer(0);
  CHECK(commits.is_drained());
  CHECK(told == words{"second failed", "first done", "drained"});
}

TEST_CASE_FIXTURE(stepped_ledger, "draining waits for a change between whose commits nothing is written") {
  commits.begin_change();
  commit("turn");
  commits.drained(note("drained"));
  answer(0);
  CHECK(told == words{"turn done"});
  commits.end_change();
  CHECK(told == words{"turn done", "drained"});
}

TEST_CASE_FIXTURE(stepped_ledger, "who drained first may write, and the next one waits for that") {
  commit("row");
  commits.drained([this] { commit("end"); });
  commits.drained(note("stopped"));
  answer(0);
  CHECK(told == words{"row done"});
  answer(1);
  CHECK(told == words{"row done", "end done", "stopped"});
}

TEST_CASE_FIXTURE(stepped_ledger, "a commit that its answer begins is waited for") {
  commits.commit({}, [this] { commit("second"); }, [](const caf::error&) {});
  commits.drained(note("drained"));
  answer(0);
  CHECK(told.empty());
  answer(1);
  CHECK(told == words{"second done", "drained"});
}

TEST_CASE("steps are taken in order, each when the one before has gone on") {
  words told;
  continuation go_on;
  auto step = [&](const std::string& name) -> waiting_step {
    return [&, name](continuation then, const error_handler&) {
      told.push_back(name);
      go_on = std::move(then);
    };
  };
  take_steps(
    {step("one"), step("two")}, [&] { told.emplace_back("done"); },
    [&](const caf::error&) { told.emplace_back("failed"); });
  CHECK(told == words{"one"});
  std::exchange(go_on, nullptr)();
  CHECK(told == words{"one", "two"});
  std::exchange(go_on, nullptr)();
  CHECK(told == words{"one", "two", "done"});
}

TEST_CASE("of steps that do not wait a thousand are taken, and the first that fails is the last one") {
  int taken = 0;
  std::string end;
  std::vector<waiting_step> steps(1'000, [&](const continuation& then, const error_handler&) {
    ++taken;
    then();
  });
  auto done = [&] { end = "done"; };
  auto failed = [&](const caf::error& error) { end = text_of(error); };
  take_steps(steps, done, failed);
  CHECK(taken == 1'000);
  CHECK(end == "done");
  steps[1] = [](const continuation&, const error_handler& otherwise) { otherwise(fail(errc::cancelled, "enough")); };
  taken = 0;
  take_steps(steps, done, failed);
  CHECK(taken == 1);
  CHECK(end == "enough");
}
