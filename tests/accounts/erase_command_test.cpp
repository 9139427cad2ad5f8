#include "accounts/erase_command.hpp"

#include "storage/open.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace varro;
using namespace varro::test;

namespace {

struct erase_command {
  scratch_dir scratch;
  std::unique_ptr<chat_database> db = std::move(*open_database(scratch.path()));
  int64_t ada = db->add_user("ada", "hash")->id;
  std::ostringstream out;
  std::ostringstream err;
  int finished = 0;
  erase_request request{scratch.path(), "Ada", true, true, [this] { return finish(); }};

  // As the job does it.
  caf::error finish() {
    ++finished;
    const auto open = db->open_erasures();
    REQUIRE(open);
    for (const auto& each : *open) {
      REQUIRE(db->end_chats(each.user_id) == caf::none);
      REQUIRE(db->erase_account(each.user_id) == caf::none);
      REQUIRE(db->end_search(each.user_id) == caf::none);
      REQUIRE(db->end_erasure(each.user_id, 9) == caf::none);
    }
    return caf::none;
  }
  int run(const std::string& typed = "") {
    std::istringstream in{typed};
    return user_erase(request, in, out, err);
  }
  bool is_there() {
    return static_cast<bool>(db->find_user(ada));
  }
};

} // namespace

TEST_CASE_FIXTURE(erase_command, "a user is erased without a question with --yes") {
  CHECK(run() == 0);
  CHECK(out.str() == "erased ada; the ledger of usage calls them " + pseudonym_of(ada) + "\n");
  CHECK_FALSE(is_there());
}

TEST_CASE_FIXTURE(erase_command, "without it the name has to be typed once more") {
  request.confirmed = false;
  SUBCASE("and is") {
    CHECK(run("ada\n") == 0);
    CHECK_FALSE(is_there());
  }
  SUBCASE("and is not: nothing is changed") {
    for (const auto* typed : {"", "\n", "y\n", "yes\n", "ad\n", "bob\n"})
      CHECK(run(typed) == 1);
    CHECK_FALSE(db->find_user(ada)->disabled);
    CHECK(finished == 0);
  }
  SUBCASE("and cannot be, for there is no terminal") {
    request.asked_on_a_terminal = false;
    CHECK(run("ada\n") == 1);
    CHECK(err.str().find("--yes") != std::string::npos);
    CHECK_FALSE(db->find_user(ada)->disabled);
  }
}

TEST_CASE_FIXTURE(erase_command, "where a server is there, it does it, and the command waits") {
  auto looks = 0;
  request.finish = [&]() -> caf::error {
    if (++looks == 3)
      finish();
    return fail(errc::storage_locked, "a server is there");
  };
  CHECK(run() == 0);
  CHECK(looks == 3);
  CHECK_FALSE(is_there());
}

TEST_CASE_FIXTURE(erase_command,
                  "a failure is told, and the next call goes on with it, also when the user is gone already") {
  request.finish = [&]() -> caf::error {
    REQUIRE(db->end_chats(ada) == caf::none);
    REQUIRE(db->erase_account(ada) == caf::none);
    return fail(errc::storage_failed, "the disk is full");
  };
  CHECK(run() == 1);
  CHECK(err.str().find("the disk is full") != std::string::npos);
  CHECK_FALSE(is_there());
  request.finish = [this] { return finish(); };
  CHECK(run() == 0);
  CHECK(db->open_erasures()->empty());
  CHECK(run() == 1); // and there is nothing more to do
  CHECK(err.str().find("no user \"ada\"") != std::string::npos);
}

TEST_CASE_FIXTURE(erase_command, "nobody, the last admin and a directory without a database are refused") {
  REQUIRE(db->add_user("boss", "hash", user_role::admin));
  request.name = "boss";
  CHECK(run() == 1);
  CHECK(err.str().find("last admin") != std::string::npos);
  request.name = "nobody";
  CHECK(run() == 1);
  request.data_dir = scratch / "elsewhere";
  CHECK(run() == 1);
  CHECK(finished == 0);
  CHECK_FALSE(std::filesystem::exists(scratch / "elsewhere"));
}
