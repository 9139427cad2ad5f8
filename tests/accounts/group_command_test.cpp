#include "accounts/group_command.hpp"

#include "storage/open.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace varro;
using namespace varro::test;

namespace {

struct group_commands {
  scratch_dir scratch;
  std::ostringstream out;
  std::ostringstream err;

  void add_user(std::string_view name) {
    auto db = open_database(scratch.path());
    REQUIRE(db);
    REQUIRE((*db)->add_user(name, "hash"));
  }
  int add(const std::string& group, const std::string& user) {
    return group_add(scratch.path(), group, user, out, err);
  }
  int remove(const std::string& group, const std::string& user) {
    return group_remove(scratch.path(), group, user, out, err);
  }
  std::string list() {
    std::ostringstream listed;
    REQUIRE(group_list(scratch.path(), listed, err) == 0);
    return listed.str();
  }
};

} // namespace

TEST_CASE_FIXTURE(group_commands, "users are put into groups, listed, and taken out again") {
  add_user("ada");
  add_user("bob");
  CHECK(list().empty());
  CHECK(add("Data", "Ada") == 0);
  CHECK(out.str() == "ada is in the group data\n");
  CHECK(add("data", "bob") == 0);
  CHECK(list() == "data\tada\tlocal\ndata\tbob\tlocal\n");
  CHECK(remove("data", "ada") == 0);
  CHECK(list() == "data\tbob\tlocal\n");
  CHECK(err.str().empty());
}

TEST_CASE_FIXTURE(group_commands, "what cannot be done is one sentence and exit code 1") {
  add_user("ada");
  std::string words;
  SUBCASE("nobody of that name") {
    CHECK(add("data", "nobody") == 1);
    words = "there is no user \"nobody\"";
  }
  SUBCASE("a name that no group can have") {
    CHECK(add("data science", "ada") == 1);
    words = "\"data science\" is no name of a group";
  }
  SUBCASE("a membership that there is not") {
    CHECK(remove("data", "ada") == 1);
    words = "was not put into the group";
  }
  CHECK(out.str().empty());
  CHECK(err.str().starts_with("varro: "));
  CHECK(err.str().find(words) != std::string::npos);
}

TEST_CASE_FIXTURE(group_commands, "a directory without a database is not given one") {
  CHECK(add("data", "ada") == 1);
  CHECK(group_list(scratch.path(), out, err) == 1);
  CHECK(std::filesystem::is_empty(scratch.path()));
}
