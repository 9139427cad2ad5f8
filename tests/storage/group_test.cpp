// The group of writes, as the port promises it (storage/chat_database.hpp).
#include "storage/open.hpp"

#include "tests/support/chat_rows.hpp"
#include "tests/support/faulty_disk.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <vector>

using namespace varro;
using namespace varro::test;

namespace {

std::unique_ptr<chat_database> opened(const scratch_dir& scratch) {
  auto db = open_database(scratch.path());
  if (!db)
    throw std::runtime_error(text_of(db.error()));
  return std::move(*db);
}

std::vector<errc> codes_of(const std::vector<caf::error>& answers) {
  std::vector<errc> codes;
  for (const auto& answer : answers)
    codes.push_back(code_of(answer));
  return codes;
}

} // namespace

TEST_CASE("a group has an answer for each of its writes, and one that fails takes no other with it") {
  scratch_dir scratch;
  auto db = opened(scratch);
  const auto ada = db->add_user("ada", "hash")->id;
  const auto bob = db->add_user("bob", "hash")->id;
  const std::vector<store_write> writes{
    batch_of(make_chat(1, ada)),
    batch_of(make_chat(2, ada)),
    chat_renamed{ada, 1, "renamed"},
    chat_renamed{bob, 1, "stolen"},
    chat_deleted{bob, 2},
    workspace_measured{ada, 2, 7},
    login_record{"kept", ada, "csrf", 1, 1'000},
    login_record{"dropped", ada, "csrf", 1, 1'000},
    login_record{"of nobody", 99, "csrf", 1, 1'000},
    login_dropped{"dropped"},
    chat_renamed{ada, 3, "not there"},
  };
  CHECK(codes_of(db->commit(writes))
        == std::vector<errc>{errc::none, errc::none, errc::none, errc::not_found, errc::not_found, errc::none,
                             errc::none, errc::none, errc::not_found, errc::none, errc::not_found});

  auto reader = open_reader(scratch.path());
  REQUIRE(reader);
  CHECK((*reader)->load_chat(ada, 1)->chat.title == "renamed");
  CHECK((*reader)->load_chat(ada, 2));
  CHECK((*reader)->holdings(ada, 1)->other_workspaces == 7);
  CHECK((*reader)->find_login("kept", 10)->user.id == ada);
  CHECK_FALSE((*reader)->find_login("dropped", 10));
}

TEST_CASE("writes of a group are made in their order") {
  scratch_dir scratch;
  auto db = opened(scratch);
  const auto ada = db->add_user("ada", "hash")->id;
  const std::vector<store_write> writes{batch_of(make_chat(1, ada)),    chat_renamed{ada, 1, "first"},
                                        chat_renamed{ada, 1, "second"}, batch_of(make_chat(2, ada)),
                                        chat_deleted{ada, 2},           chat_renamed{ada, 2, "too late"}};
  CHECK(codes_of(db->commit(writes))
        == std::vector<errc>{errc::none, errc::none, errc::none, errc::none, errc::none, errc::not_found});
  CHECK(db->load_chat(ada, 1)->chat.title == "second");
  CHECK_FALSE(db->load_chat(ada, 2));
}

TEST_CASE("a group that cannot be committed is an error for each of its writes, and the next one is stored") {
  scratch_dir scratch;
  faulty_disk disk;
  {
    auto db = opened(scratch);
    const auto ada = db->add_user("ada", "hash")->id;
    REQUIRE(db->commit(std::vector<store_write>{batch_of(make_chat(1, ada))}) == std::vector<caf::error>{caf::none});
    const std::vector<store_write> writes{chat_renamed{ada, 1, "lost"}, batch_of(make_chat(2, ada))};
    disk.fill_after(0);
    CHECK(codes_of(db->commit(writes)) == std::vector<errc>{errc::storage_failed, errc::storage_failed});
    disk.make_room();
    CHECK(db->load_chat(ada, 1)->chat.title == "a chat");
    CHECK_FALSE(db->load_chat(ada, 2));
    CHECK(codes_of(db->commit(writes)) == std::vector<errc>{errc::none, errc::none});
    CHECK(db->load_chat(ada, 1)->chat.title == "lost");
  }
}

TEST_CASE("an empty group is none") {
  scratch_dir scratch;
  auto db = opened(scratch);
  CHECK(db->commit(std::vector<store_write>{}).empty());
}
