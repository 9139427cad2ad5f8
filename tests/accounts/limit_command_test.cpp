#include "accounts/limit_command.hpp"

#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace varro;
using namespace varro::test;

namespace {

struct commands {
  scratch_dir scratch;
  std::ostringstream out;
  std::ostringstream err;

  commands() {
    auto db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
    db->add_user("anna", "hash");
  }
  int set(const limit_row& row) {
    return limit_set(scratch.path(), row, out, err);
  }
};

} // namespace

TEST_CASE("limits are set, listed and cleared") {
  commands run;
  CHECK(run.set({"group", "analysts", "money_per_month", "50"}) == 0);
  CHECK(run.set({"user", "anna", "models", "anthropic:*,openai:gpt-4o"}) == 0);
  CHECK(run.set({"everybody", "", "tokens_per_day", "0"}) == 0);
  CHECK(run.out.str()
        == "money_per_month of group analysts is 50 now\nmodels of user anna is anthropic:*,openai:gpt-4o now\n"
           "tokens_per_day of everybody is 0 now\n");
  run.out.str("");
  CHECK(limit_list(run.scratch.path(), run.out, run.err) == 0);
  CHECK(run.out.str()
        == "everybody\ttokens_per_day\t0\ngroup analysts\tmoney_per_month\t50\n"
           "user anna\tmodels\tanthropic:*,openai:gpt-4o\n");
  CHECK(limit_clear(run.scratch.path(), {"everybody", "", "tokens_per_day", ""}, run.out, run.err) == 0);
  CHECK(limit_clear(run.scratch.path(), {"everybody", "", "tokens_per_day", ""}, run.out, run.err) == 1);
  CHECK(run.err.str() == "varro: this limit was not set\n");
}

TEST_CASE("what is no limit, no value or no user is said, and nothing is set") {
  commands run;
  CHECK(run.set({"everybody", "", "token_per_day", "5"}) == 1);
  CHECK(run.err.str().find("there is no limit token_per_day; did you mean tokens_per_day?") != std::string::npos);
  run.err.str("");
  CHECK(run.set({"everybody", "", "tokens_per_day", "five"}) == 1);
  CHECK(run.err.str()
        == "varro: tokens_per_day: expected an integer from 0 to 1000000000000000, got the text \"five\"\n");
  run.err.str("");
  CHECK(run.set({"user", "eve", "tokens_per_day", "5"}) == 1);
  CHECK(run.err.str().find("eve") != std::string::npos);
  run.out.str("");
  CHECK(limit_list(run.scratch.path(), run.out, run.err) == 0);
  CHECK(run.out.str().empty());
  scratch_dir elsewhere;
  CHECK(limit_set(elsewhere.path(), {"everybody", "", "chats", "5"}, run.out, run.err) == 1);
  CHECK_FALSE(std::filesystem::exists(elsewhere.path() / "varro.db"));
}
