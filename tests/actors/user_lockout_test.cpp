// Users who are disabled while they have something on.
#include "actors/user_lockout.hpp"

#include "actors/live_shell.hpp"
#include "storage/admin_question.hpp"
#include "tests/support/actor_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace varro;
using namespace varro::test;
using namespace std::chrono_literals;

namespace {

constexpr int64_t anna = 7, bert = 8;

struct lockout_world : actor_world {
  std::vector<int64_t> disabled;
  int questions = 0;
  chat_registry_actor chats;
  user_lockout_actor lockout;

  void open() {
    log().on_question = [this](const admin_question& question) {
      ++questions;
      std::vector<int64_t> found;
      for (auto id : std::get<locked_out_question>(question.what).ids)
        if (std::find(disabled.begin(), disabled.end(), id) != disabled.end())
          found.push_back(id);
      return std::make_shared<const admin_answer>(admin_answer{found});
    };
    chats = registry();
    lockout
      = system().spawn(user_lockout, user_lockout_parts{services().live, chats, services().shells, services().reader});
    run();
  }
  ~lockout_world() {
    caf::anon_send_exit(lockout, caf::exit_reason::user_shutdown);
    lockout = user_lockout_actor{};
    chats = chat_registry_actor{};
    run();
  }
  chat_session_actor begin(int64_t user) {
    auto chat = ask<chat_session_actor>(chats, start_atom_v, user, std::string{});
    REQUIRE(chat);
    REQUIRE(ask<turn_started>(*chat, send_atom_v, user_message{"please", {}, {}}));
    return *chat;
  }
  bool is_on(const chat_session_actor& chat) {
    return ask<transcript_view>(chat, page_atom_v)->running;
  }
  void tell_of_shells(std::vector<live_shell> shells) {
    log().living = std::make_shared<const std::vector<live_shell>>(std::move(shells));
  }
};

} // namespace

TEST_CASE_FIXTURE(lockout_world, "the runs of a user who is disabled end within a second, and others' go on") {
  open();
  auto first = begin(anna), second = begin(anna), other = begin(bert);
  advance(3s);
  CHECK(is_on(first));
  disabled = {anna};
  advance(1s);
  CHECK_FALSE(is_on(first));
  CHECK_FALSE(is_on(second));
  CHECK(is_on(other));
  CHECK(ask<chat_contents>(first, history_atom_v)->runs.back().status == run_status::cancelled);
}

TEST_CASE_FIXTURE(lockout_world, "a run that begins after that ends, too") {
  open();
  disabled = {anna};
  advance(5s);
  auto late = begin(anna);
  advance(1s);
  CHECK_FALSE(is_on(late));
}

TEST_CASE_FIXTURE(lockout_world, "the shells of a user who is disabled end, and others' and nobody's stay") {
  open();
  tell_of_shells({{anna, 1, "idle", 5, 0}, {bert, 2, "idle", 5, 0}, {0, 3, "idle", 5, 0}});
  advance(1s);
  CHECK(log().closed.empty());
  disabled = {anna, 0};
  advance(1s);
  CHECK(log().closed == std::vector<int64_t>{1});
}

TEST_CASE_FIXTURE(lockout_world, "while nothing is on nobody is asked, and a failure is tried again") {
  open();
  advance(3s);
  CHECK(questions == 0);
  const auto asked = log().on_question;
  log().on_question = {};
  auto chat = begin(anna);
  disabled = {anna};
  advance(3s);
  CHECK(is_on(chat));
  log().on_question = asked;
  advance(1s);
  CHECK_FALSE(is_on(chat));
}
