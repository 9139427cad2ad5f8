#include "actors/allowances.hpp"
#include "tests/support/actor_world.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

struct book_log {
  std::vector<limit_row> rows;
  std::vector<std::string> groups;
  user_use used;
  bool fails = false;
  int limits_read = 0;
  int uses_read = 0;
  int disks_read = 0;
};

class book_twin : public limit_book {
public:
  explicit book_twin(std::shared_ptr<book_log> log) : log_(std::move(log)) {}

  caf::expected<std::vector<limit_row>> limits_of(int64_t) override {
    ++log_->limits_read;
    if (log_->fails)
      return fail(errc::storage_failed, "the disk is gone");
    return log_->rows;
  }
  caf::expected<std::vector<std::string>> groups_of(int64_t) override {
    return log_->groups;
  }
  caf::expected<user_use> use_of(int64_t, unix_us, std::string_view) override {
    ++log_->uses_read;
    return log_->used;
  }
  caf::expected<int64_t> count_chats(int64_t) override {
    return int64_t{3};
  }
  caf::expected<user_disk> disk_of(int64_t, int64_t chat) override {
    ++log_->disks_read;
    return user_disk{10, 20, 30, 40, chat};
  }
  caf::expected<std::vector<limit_row>> all_limits() override {
    return log_->rows;
  }
  caf::error set_limit(const limit_row&, const audit_origin&) override {
    return {};
  }
  caf::error clear_limit(const limit_row&, const audit_origin&) override {
    return {};
  }

private:
  std::shared_ptr<book_log> log_;
};

struct booked_world : actor_world {
  std::shared_ptr<book_log> book = std::make_shared<book_log>();
  std::shared_ptr<run_limits> runs = std::make_shared<run_limits>();
  allowances_actor actor;

  booked_world() {
    std::shared_ptr<const config_in_force> in_force = std::make_shared<config_in_force>(services().settings);
    actor = system().spawn(allowances, std::make_unique<book_twin>(book), in_force, [] { return unix_us{5}; }, runs);
  }
  ~booked_world() {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    actor = nullptr;
    run();
  }
  caf::expected<allowance_ptr> ask_for(int64_t user = 7) {
    return ask<allowance_ptr>(actor, usage_atom_v, user);
  }
};

} // namespace

TEST_CASE("what was used is read each time, the limits again after two seconds") {
  booked_world world;
  world.book->rows = {{"user", "", "tokens_per_day", "10"}};
  CHECK((*world.ask_for())->limits.tokens_per_day == 10);
  world.book->used.tokens = 4;
  world.book->rows[0].value = "20";
  auto again = *world.ask_for();
  CHECK(again->used.tokens == 4);
  CHECK(again->at == 5);
  CHECK(again->limits.tokens_per_day == 10);
  world.advance(std::chrono::milliseconds{1'999});
  CHECK((*world.ask_for())->limits.tokens_per_day == 10);
  world.advance(std::chrono::milliseconds{1});
  CHECK((*world.ask_for())->limits.tokens_per_day == 20);
  CHECK(world.book->limits_read == 2);
  CHECK(world.book->uses_read == 4);
}

TEST_CASE("nothing is counted for somebody without a limit, and chats only where they are limited") {
  booked_world world;
  auto free = *world.ask_for();
  CHECK(world.book->uses_read == 0);
  CHECK(free->chats == 0);
  world.book->rows = {{"everybody", "", "chats", "5"}};
  CHECK((*world.ask_for(8))->chats == 3);
  CHECK(world.book->uses_read == 0);
}

TEST_CASE("what was uploaded is read where it is limited") {
  booked_world world;
  world.book->used.upload_bytes = 9;
  CHECK((*world.ask_for())->used.upload_bytes == 0);
  CHECK(world.book->uses_read == 0);
  world.book->rows = {{"everybody", "", "upload_bytes_per_day", "10"}};
  CHECK((*world.ask_for(8))->used.upload_bytes == 9);
  CHECK(world.book->uses_read == 1);
}

TEST_CASE("what lies on the disk is read where it is limited, and seen from the chat that is asked for") {
  booked_world world;
  CHECK((*world.ask_for())->disk.files == 0);
  CHECK(world.book->disks_read == 0);
  world.book->rows = {{"everybody", "", "disk_bytes", "1000"}};
  const auto here = world.ask<allowance_ptr>(world.actor, usage_atom_v, int64_t{8}, int64_t{42});
  REQUIRE(here);
  CHECK((*here)->disk.versions == 30);
  CHECK((*here)->disk.files_of_chat == 42);
  CHECK((*world.ask_for(8))->disk.files_of_chat == 0);
  CHECK(world.book->disks_read == 2);
  CHECK(world.book->uses_read == 0);
}

TEST_CASE("groups' limits are those of the user's groups") {
  booked_world world;
  world.book->rows = {{"group", "a", "chats", "5"}, {"everybody", "", "chats", "1"}};
  world.book->groups = {"a"};
  CHECK((*world.ask_for())->limits.chats == 5);
}

TEST_CASE("whoever asks how many runs a user may have at once has what was said last, and waits for nobody") {
  booked_world world;
  world.book->rows = {{"user", "", "runs_at_once", "3"}};
  const auto runs_at_once = runs_at_once_of(world.runs, world.actor);
  CHECK(runs_at_once(7) == 1); // not known yet: within every limit
  CHECK(runs_at_once(7) == 1);
  world.run();
  CHECK(world.book->limits_read == 1);
  CHECK(runs_at_once(7) == 3);
  world.book->rows.clear();
  CHECK(world.ask_for(8));
  CHECK(runs_at_once(8) == 0);
  CHECK(world.book->limits_read == 2);
}

TEST_CASE("how many runs a user may have at once is asked for again after two seconds, and kept until then") {
  std::chrono::steady_clock::time_point now;
  run_limits runs{[&] { return now; }};
  int asked = 0;
  const auto refresh = [&] { ++asked; };
  CHECK(runs.of(7, refresh) == 1);
  CHECK(runs.of(7, refresh) == 1);
  CHECK(asked == 1);
  runs.note(7, 4);
  now += std::chrono::milliseconds{1'999};
  CHECK(runs.of(7, refresh) == 4);
  CHECK(asked == 1);
  now += std::chrono::milliseconds{1};
  CHECK(runs.of(7, refresh) == 4); // until the answer comes
  CHECK(runs.of(7, refresh) == 4);
  CHECK(asked == 2);
  for (int64_t user = 0; user < 2 * static_cast<int64_t>(limits_known_users_max); ++user)
    runs.note(user, 1);
  CHECK(runs.held() <= limits_known_users_max);
}

TEST_CASE("what cannot be read is an error, and no limit that is not there") {
  booked_world world;
  world.book->fails = true;
  CHECK(code_of(world.ask_for().error()) == errc::storage_failed);
  world.book->fails = false;
  for (const auto& row :
       {limit_row{"user", "ada", "tokens_per_week", "5"}, limit_row{"user", "ada", "chats", "many"}}) {
    world.book->rows = {row};
    auto answer = world.ask_for();
    REQUIRE_FALSE(answer);
    CHECK(code_of(answer.error()) == errc::storage_failed);
    CHECK(text_of(answer.error()).find("varro limit set") != std::string::npos);
  }
}
