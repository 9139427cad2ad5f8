// Ids are drawn from the store before anything else is done with a request: what fails, waits and comes in between.
#include "actors/store.hpp"
#include "storage/sqlite/sqlite_database.hpp"

#include "tests/support/actor_world.hpp"
#include "tests/support/scratch_dir.hpp"

#include <caf/scoped_actor.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace varro;
using namespace varro::test;

namespace {

user_message says(std::string text) {
  return {std::move(text), {}, {}};
}

struct chat_world : actor_world {
  chat_session_actor chat = session();

  void answer(model_response response) {
    log().answers.emplace_back(
      [response = std::move(response)](const model_query&) -> caf::expected<model_response> { return response; });
  }
  caf::expected<turn_started> turn() {
    answer(text_answer("done"));
    return ask<turn_started>(chat, send_atom_v, says("go"));
  }
  caf::expected<turn_started> turn_with_cell() {
    answer(call_answer({{"python", {{"code", "x = 1"}}}}));
    return turn();
  }
  caf::expected<turn_started> edit() {
    return ask<turn_started>(chat, edit_atom_v, int64_t{1}, says("other"));
  }
  caf::expected<chat_forked> fork() {
    return ask<chat_forked>(chat, fork_atom_v, int64_t{1});
  }
};

// A request that is answered later.
template <class Result>
class asked {
public:
  template <class Handle, class... Ts>
  asked(actor_world& world, const Handle& to, Ts&&... message) : self_(world.system(), true) {
    receive_ = [handle = self_->request(to, caf::infinite, std::forward<Ts>(message)...)](auto& out) mutable {
      handle.receive([&](Result& value) { out = std::move(value); }, [&](caf::error& error) { out = error; });
    };
  }
  bool is_answered() {
    return !self_->mailbox().empty();
  }
  caf::expected<Result> answer() {
    REQUIRE(is_answered());
    caf::expected<Result> result{caf::error{}};
    receive_(result);
    return result;
  }

private:
  caf::scoped_actor self_;
  std::function<void(caf::expected<Result>&)> receive_;
};

// A chat over a real store, whose answers come in the order of its mailbox.
struct stored_world : actor_world {
  scratch_dir scratch;
  int64_t user = 0;
  chat_session_actor chat;

  stored_world() {
    auto db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
    user = db->local_user()->id;
    caf::anon_send_exit(services().store, caf::exit_reason::kill);
    services().store = system().spawn(store, std::move(db), std::make_shared<id_supplies>());
    auto contents = fresh_chat();
    contents.chat.user_id = user;
    chat = session(std::move(contents));
  }
};

} // namespace

TEST_CASE_FIXTURE(chat_world, "a message whose run gets no id is refused with the store's words, and nothing is done") {
  log().fail_draw = 0;
  auto refused = turn();
  CHECK(code_of(refused.error()) == errc::storage_failed);
  CHECK(text_of(refused.error()).find("database or disk is full") != std::string::npos);
  CHECK(log().batches.empty());
  CHECK(log().queries.empty());
  CHECK_FALSE(ask<transcript_view>(chat, page_atom_v)->running);
  CHECK(turn());
}

TEST_CASE_FIXTURE(chat_world, "ids that are there already are taken, and the store is not asked") {
  services().ids->runs.fill({1'000, 4});
  log().fail_draw = 0;
  CHECK(turn()->run_id == 1'000);
  CHECK(turn()->run_id == 1'001);
  auto registry = actor_world::registry();
  services().ids->chats.fill({77, 1});
  auto begun = ask<chat_session_actor>(registry, start_atom_v, int64_t{7}, std::string{});
  REQUIRE(begun);
  CHECK(ask<transcript_view>(*begun, page_atom_v)->history.chat.id == 77);
  CHECK(log().fail_draw == 0);
}

TEST_CASE_FIXTURE(chat_world, "an edit whose run gets no id leaves the branch, its files and its shell alone") {
  REQUIRE(turn_with_cell());
  const auto committed = log().batches.size();
  const auto files = log().file_steps;
  log().fail_draw = 0;
  CHECK(code_of(edit().error()) == errc::storage_failed);
  CHECK(log().batches.size() == committed);
  CHECK(log().file_steps == files);
  CHECK(log().shells_closed == 0);
  answer(text_answer("another"));
  CHECK(edit());
}

TEST_CASE_FIXTURE(chat_world, "a fork that gets no id, or none for its runs, copies nothing") {
  REQUIRE(turn_with_cell());
  const auto committed = log().batches.size();
  const auto files = log().file_steps;
  for (int draw = 0; draw < 2; ++draw) {
    log().fail_draw = draw;
    CHECK(code_of(fork().error()) == errc::storage_failed);
    CHECK(log().fail_draw == -1);
    CHECK(log().batches.size() == committed);
    CHECK(log().file_steps == files);
  }
  CHECK(fork());
}

TEST_CASE_FIXTURE(chat_world, "a second message while the first one's id is drawn is refused, and the first goes on") {
  log().hold_draws = true;
  asked<turn_started> first{*this, chat, send_atom_v, says("first")};
  run();
  REQUIRE(log().held_draws.size() == 1);
  CHECK(code_of(ask<turn_started>(chat, send_atom_v, says("second")).error()) == errc::run_in_progress);
  CHECK(code_of(edit().error()) == errc::run_in_progress);
  CHECK(code_of(fork().error()) == errc::run_in_progress);
  CHECK(code_of(ask<done_atom>(chat, cancel_atom_v).error()) == errc::no_run);
  CHECK_FALSE(*ask<bool>(chat, passivate_atom_v, true));
  CHECK_FALSE(first.is_answered());
  CHECK(log().held_draws.size() == 1);
  CHECK(log().batches.empty());
  release_draw();
  auto started = first.answer();
  REQUIRE(started);
  CHECK(started->run_id == 1);
  REQUIRE(log().batches.size() == 1);
  CHECK(log().batches.front().run->id == 1);
}

TEST_CASE_FIXTURE(chat_world, "a stop waits for the id that is drawn, and the message that it was for is refused") {
  REQUIRE(turn_with_cell());
  const auto committed = log().batches.size();
  const auto files = log().file_steps;
  log().hold_draws = true;
  auto stop_during = [&](auto& request) {
    run();
    REQUIRE(log().held_draws.size() == 1);
    asked<done_atom> stopped{*this, chat, stop_atom_v};
    run();
    CHECK_FALSE(stopped.is_answered());
    release_draw();
    CHECK(code_of(request.answer().error()) == errc::shutting_down);
    CHECK(stopped.answer());
  };
  SUBCASE("a message") {
    asked<turn_started> sent{*this, chat, send_atom_v, says("go")};
    stop_during(sent);
  }
  SUBCASE("an edit") {
    asked<turn_started> edited{*this, chat, edit_atom_v, int64_t{1}, says("other")};
    stop_during(edited);
  }
  SUBCASE("a fork") {
    asked<chat_forked> forked{*this, chat, fork_atom_v, int64_t{1}};
    stop_during(forked);
  }
  CHECK(log().batches.size() == committed);
  CHECK(log().file_steps == files);
}

TEST_CASE_FIXTURE(chat_world, "an id that comes when the chat is deleted is used for nothing") {
  log().hold_draws = true;
  tell(chat, send_atom_v, says("go"));
  REQUIRE(log().held_draws.size() == 1);
  CHECK(ask<done_atom>(chat, remove_atom_v, audit_origin{}));
  release_draw();
  CHECK(log().batches.empty());
  CHECK(log().queries.empty());
}

TEST_CASE_FIXTURE(stored_world, "a message that a deletion overtakes is answered before the chat is gone") {
  log().answers.emplace_back([](const model_query&) { return text_answer("done"); });
  REQUIRE(ask<turn_started>(chat, send_atom_v, says("first")));
  asked<turn_started> sent{*this, chat, send_atom_v, says("second")};
  asked<done_atom> removed{*this, chat, remove_atom_v, audit_origin{}};
  run();
  CHECK(code_of(sent.answer().error()) == errc::shutting_down);
  CHECK(removed.answer());
  auto db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_only));
  CHECK(code_of(db->load_chat(user, 42).error()) == errc::not_found);
}

TEST_CASE_FIXTURE(stored_world, "runs of a chat and of its forks have ids that ascend, also beyond a block of them") {
  constexpr int64_t turns = 12;
  int64_t latest = 0;
  auto others_draw = [&](int64_t count) {
    auto first = ask<int64_t>(services().store, draw_runs_atom_v, static_cast<int>(count));
    REQUIRE(first);
    CHECK(*first > latest);
    latest = *first + count - 1;
  };
  auto turn = [&] {
    log().answers.emplace_back([](const model_query&) { return text_answer("done"); });
    auto started = ask<turn_started>(chat, send_atom_v, user_message{"go", {}, {}});
    REQUIRE(started);
    CHECK(started->run_id > latest);
    latest = started->run_id;
  };
  for (int64_t i = 0; i < turns; ++i) {
    turn();
    others_draw(run_ids_drawn / 3);
  }
  others_draw(3 * run_ids_drawn);
  others_draw(run_ids_drawn - turns / 2); // fewer are left than the fork needs
  auto forked = ask<chat_forked>(chat, fork_atom_v, int64_t{0});
  REQUIRE(forked);
  auto db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_only));
  auto copy = db->load_chat(user, forked->chat_id);
  REQUIRE(copy);
  REQUIRE(copy->runs.size() == static_cast<size_t>(turns));
  CHECK(copy->runs.front().id > latest);
  for (size_t i = 1; i < copy->runs.size(); ++i)
    CHECK(copy->runs[i].parent == copy->runs[i - 1].id);
  latest = copy->runs.back().id;
  turn();
}

// --- chats that begin ------------------------------------------------------------------------------------------------

TEST_CASE("first messages that come at once begin chats of their own") {
  actor_world world;
  world.log().hold_draws = true;
  auto registry = world.registry();
  std::vector<std::unique_ptr<asked<chat_session_actor>>> begun;
  for (int i = 0; i < 5; ++i)
    begun.push_back(std::make_unique<asked<chat_session_actor>>(world, registry, start_atom_v, int64_t{7}, ""));
  world.run();
  CHECK(world.ask<actor_counts>(registry, count_atom_v)->sessions == 0);
  world.log().hold_draws = false; // of the runs
  std::set<int64_t> chats, runs;
  for (auto& each : begun) {
    CHECK_FALSE(each->is_answered());
    world.release_draw();
    auto session = each->answer();
    REQUIRE(session);
    world.log().answers.emplace_back([](const model_query&) { return text_answer("done"); });
    auto started = world.ask<turn_started>(*session, send_atom_v, says("go"));
    REQUIRE(started);
    CHECK(started->created);
    chats.insert(started->chat.id);
    runs.insert(started->run_id);
  }
  CHECK(chats == std::set<int64_t>{1, 2, 3, 4, 5});
  CHECK(runs == std::set<int64_t>{1, 2, 3, 4, 5});
  CHECK(world.ask<actor_counts>(registry, count_atom_v)->sessions == 5);
  CHECK(world.ask<done_atom>(registry, stop_atom_v));
}

TEST_CASE("a chat that gets no id does not begin, and the next one does") {
  actor_world world;
  auto registry = world.registry();
  world.log().fail_draw = 0;
  auto refused = world.ask<chat_session_actor>(registry, start_atom_v, int64_t{7}, std::string{});
  CHECK(code_of(refused.error()) == errc::storage_failed);
  CHECK(text_of(refused.error()).find("database or disk is full") != std::string::npos);
  CHECK(world.ask<actor_counts>(registry, count_atom_v)->sessions == 0);
  CHECK(world.ask<chat_session_actor>(registry, start_atom_v, int64_t{7}, std::string{}));
  CHECK(world.ask<done_atom>(registry, stop_atom_v));
}

TEST_CASE("a stop waits for an id that is drawn, and who began a chat is told") {
  actor_world world;
  auto registry = world.registry();
  world.log().hold_draws = true;
  asked<chat_session_actor> begun{world, registry, start_atom_v, int64_t{7}, ""};
  world.run();
  REQUIRE(world.log().held_draws.size() == 1);
  asked<done_atom> stopped{world, registry, stop_atom_v};
  world.run();
  CHECK_FALSE(stopped.is_answered());
  CHECK_FALSE(begun.is_answered());
  world.release_draw();
  CHECK(code_of(begun.answer().error()) == errc::shutting_down);
  CHECK(stopped.answer());
}
