#include "accounts/retention_command.hpp"

#include "base/day.hpp"
#include "storage/open.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace varro;
using namespace varro::test;

namespace {

struct retention_command {
  scratch_dir scratch;
  std::unique_ptr<chat_database> db = std::move(*open_database(scratch.path()));
  int64_t ada = db->add_user("ada", "hash")->id;
  int64_t bob = db->add_user("bob", "hash")->id;
  std::ostringstream out;
  std::ostringstream err;
  int finished = 0;
  retention_request request{scratch.path(), true, false,
                            [this](chat_database&) -> caf::expected<std::vector<retirable>> {
                              return std::vector<retirable>{{{1, ada, 20 * day_us, 5}, retired_part::all, 100},
                                                            {{2, ada, 10 * day_us, 5}, retired_part::all, 50},
                                                            {{3, ada, 30 * day_us, 5}, retired_part::files, 7},
                                                            {{4, 99, 40 * day_us, 5}, retired_part::files, 8}};
                            },
                            [this] { return finish(); }};

  // As the job does it.
  caf::error finish() {
    ++finished;
    const auto job = db->newest_retention();
    REQUIRE(job);
    REQUIRE(*job);
    return db->end_retention((*job)->id, 9);
  }
};

} // namespace

TEST_CASE_FIXTURE(retention_command, "the preview has a line for each user, with the oldest use and the bytes") {
  CHECK(retention_preview(request, out, err) == 0);
  CHECK(out.str()
        == "user\tchats\tfiles of further chats\toldest use\tbytes\n"
           "ada\t2\t1\t1970-01-11\t157\n"
           "user 99\t0\t1\t1970-02-10\t8\n");
  CHECK(err.str().empty());
}

TEST_CASE_FIXTURE(retention_command, "with --chats it has a line for each chat") {
  request.each_chat = true;
  CHECK(retention_preview(request, out, err) == 0);
  CHECK(out.str()
        == "chat\tuser\tlast use\twhat goes\tbytes\n"
           "1\tada\t1970-01-21\tall\t100\n"
           "2\tada\t1970-01-11\tall\t50\n"
           "3\tada\t1970-01-31\tfiles and variables\t7\n"
           "4\tuser 99\t1970-02-10\tfiles and variables\t8\n");
}

TEST_CASE_FIXTURE(retention_command, "a job is begun and done, and its counts are printed") {
  CHECK(retention_run(request, out, err) == 0);
  CHECK(finished == 1);
  CHECK(out.str() == "deleted 0 chats, and the files of 0 others: 0 bytes\n");
  const auto asked = db->audit_rows({.action = "retention.asked", .limit = 10, .oldest_first = true});
  REQUIRE(asked);
  CHECK(asked->size() == 1);
}

TEST_CASE_FIXTURE(retention_command, "where a server is there, it does it, and the command waits") {
  auto looks = 0;
  request.finish = [&]() -> caf::error {
    if (++looks == 3)
      REQUIRE(finish() == caf::none);
    return fail(errc::storage_locked, "a server is there");
  };
  CHECK(retention_run(request, out, err) == 0);
  CHECK(looks == 3);
  CHECK(err.str().find("the server deletes it") != std::string::npos);
}

TEST_CASE_FIXTURE(retention_command, "a failure is told, and the next call goes on with the same job") {
  request.finish = [] { return fail(errc::storage_failed, "the disk is full"); };
  CHECK(retention_run(request, out, err) == 1);
  CHECK(err.str().find("the disk is full") != std::string::npos);
  const auto job = (*db->newest_retention())->id;
  request.finish = [this] { return finish(); };
  CHECK(retention_run(request, out, err) == 0);
  CHECK((*db->newest_retention())->id == job);
}

TEST_CASE_FIXTURE(retention_command, "without a rule nothing is begun, and without a database neither") {
  request.has_rules = false;
  CHECK(retention_preview(request, out, err) == 0);
  CHECK(out.str().empty());
  CHECK(retention_run(request, out, err) == 1);
  CHECK(err.str().find("has no rule") != std::string::npos);
  CHECK_FALSE(*db->newest_retention());
  request.has_rules = true;
  request.data_dir = scratch / "elsewhere";
  CHECK(retention_preview(request, out, err) == 1);
  CHECK(retention_run(request, out, err) == 1);
  CHECK_FALSE(std::filesystem::exists(scratch / "elsewhere"));
}
