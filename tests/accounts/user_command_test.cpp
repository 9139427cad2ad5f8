#include "accounts/user_command.hpp"

#include "accounts/accounts.hpp"
#include "storage/open.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace varro;
using namespace varro::test;

namespace {

struct command_line {
  scratch_dir scratch;
  std::ostringstream out;
  std::ostringstream err;

  int add(const std::string& name, const std::string& typed) {
    std::istringstream in{typed};
    return user_add(scratch.path(), name, true, in, out, err);
  }
  int add_admin(const std::string& name) {
    std::istringstream in{"correct horse\n"};
    return user_add(scratch.path(), name, true, in, out, err, {}, user_role::admin);
  }
  int passwd(const std::string& name, const std::string& typed) {
    std::istringstream in{typed};
    return user_passwd(scratch.path(), name, true, in, out, err);
  }
  user_record stored(std::string_view name) {
    auto db = open_database(scratch.path());
    REQUIRE(db);
    auto user = (*db)->find_user(name);
    REQUIRE(user);
    return *user;
  }
};

} // namespace

TEST_CASE_FIXTURE(command_line, "a user is added with the first line of standard input as the password") {
  CHECK(add("Ada", "correct horse\nsecond line\n") == 0);
  CHECK(out.str() == "added ada\n");
  CHECK(err.str().empty());
  CHECK(verify_password(stored("ada").password_hash, "correct horse"));
  CHECK_FALSE(verify_password(stored("ada").password_hash, "second line"));
}

TEST_CASE_FIXTURE(command_line, "a user that cannot be added is one sentence and exit code 1") {
  REQUIRE(add("ada", "correct horse\n") == 0);
  std::string words;
  SUBCASE("a name that is taken") {
    CHECK(add("ADA", "another password\n") == 1);
    words = "taken";
  }
  SUBCASE("a name with other characters") {
    CHECK(add("a b", "another password\n") == 1);
    words = "letters";
  }
  SUBCASE("a short password") {
    CHECK(add("bob", "short\n") == 1);
    words = "too short";
  }
  SUBCASE("no password") {
    CHECK(add("bob", "") == 1);
    words = "standard input";
  }
  CHECK(err.str().find(words) != std::string::npos);
  CHECK(verify_password(stored("ada").password_hash, "correct horse"));
  out.str("");
  CHECK(user_list(scratch.path(), out, err) == 0);
  CHECK(out.str().find("bob") == std::string::npos);
}

TEST_CASE_FIXTURE(command_line, "users are listed, disabled and enabled") {
  REQUIRE(add("bob", "correct horse\n") == 0);
  REQUIRE(add("ada", "correct horse\n") == 0);
  CHECK(user_disable(scratch.path(), "Bob", out, err) == 0);
  CHECK(stored("bob").disabled);
  out.str("");
  CHECK(user_list(scratch.path(), out, err) == 0);
  CHECK(out.str().rfind("ada\tactive\t20", 0) == 0);
  CHECK(out.str().find("\nbob\tdisabled\t20") != std::string::npos);
  CHECK(out.str().find("argon2id") == std::string::npos);
  CHECK(user_enable(scratch.path(), "bob", out, err) == 0);
  CHECK_FALSE(stored("bob").disabled);
  CHECK(user_disable(scratch.path(), "nobody", out, err) == 1);
  CHECK(err.str().find("nobody") != std::string::npos);
}

TEST_CASE_FIXTURE(command_line, "roles are given and taken, but the last admin who can log in stays one") {
  REQUIRE(add_admin("ada") == 0);
  REQUIRE(add("bob", "correct horse\n") == 0);
  CHECK(stored("ada").role == user_role::admin);
  CHECK(stored("bob").role == user_role::user);
  CHECK(user_list(scratch.path(), out, err) == 0);
  CHECK(out.str().find("\tadmin\tnever\nbob\tactive\t20") != std::string::npos);
  CHECK(user_set_role(scratch.path(), "ada", "user", out, err) == 1);
  CHECK(user_disable(scratch.path(), "ada", out, err) == 1);
  CHECK(err.str().find("\"ada\" is the last admin") != std::string::npos);
  CHECK(stored("ada").role == user_role::admin);
  CHECK_FALSE(stored("ada").disabled);
  CHECK(user_set_role(scratch.path(), "Bob", "admin", out, err) == 0);
  CHECK(out.str().find("bob has the role admin\n") != std::string::npos);
  CHECK(user_set_role(scratch.path(), "ada", "user", out, err) == 0);
  CHECK(user_disable(scratch.path(), "bob", out, err) == 1);
  CHECK(user_set_role(scratch.path(), "nobody", "admin", out, err) == 1);
}

TEST_CASE_FIXTURE(command_line, "the last admin is the last one by the way that the configuration has people log in") {
  REQUIRE(add_admin("ada") == 0);
  auto db = open_database(scratch.path());
  REQUIRE(db);
  identity_seen seen;
  seen.key = {"https://login.example.org", "s-1"};
  seen.name = "bob";
  seen.role = user_role::admin;
  seen.users_max = 10;
  REQUIRE((*db)->apply(account_write{seen}) == caf::none);
  const login_way provider{login_way::kind::issuer, "https://login.example.org"};
  CHECK(user_disable(scratch.path(), "bob", out, err, provider) == 1);
  CHECK(user_set_role(scratch.path(), "bob", "user", out, err, provider) == 1);
  CHECK(err.str().find("\"bob\" is the last admin") != std::string::npos);
  CHECK(user_set_role(scratch.path(), "ada", "user", out, err, provider) == 0);
}

TEST_CASE_FIXTURE(command_line, "a new password replaces the old one, also while a server has the database open") {
  REQUIRE(add("ada", "correct horse\n") == 0);
  auto server = open_database(scratch.path());
  REQUIRE(server);
  auto ada = stored("ada").id;
  const std::vector<store_write> login{login_record{"token", ada, "csrf", 1, 1'000}};
  REQUIRE((*server)->commit(login) == std::vector<caf::error>{caf::none});
  CHECK(passwd("ada", "battery staple\n") == 0);
  auto now = (*server)->find_user(ada);
  REQUIRE(now);
  CHECK(verify_password(now->password_hash, "battery staple"));
  CHECK_FALSE(verify_password(now->password_hash, "correct horse"));
  CHECK_FALSE((*server)->find_login("token", 10));
  CHECK(passwd("nobody", "battery staple\n") == 1);
}

TEST_CASE_FIXTURE(command_line, "a mistyped directory is an error and gets no database") {
  auto wrong = scratch / "wrong";
  std::istringstream in{"correct horse\n"};
  CHECK(user_list(wrong, out, err) == 1);
  CHECK(user_disable(wrong, "ada", out, err) == 1);
  CHECK(user_passwd(wrong, "ada", true, in, out, err) == 1);
  CHECK(err.str().find(wrong.string()) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(wrong));
  CHECK(user_add(wrong, "ada", true, in, out, err) == 0);
  CHECK(std::filesystem::exists(wrong / "varro.db"));
}
