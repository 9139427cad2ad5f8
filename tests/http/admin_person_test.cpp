// The page of one person over HTTP, on a database: who is erased by it, and who is not.
#include "storage/audit_chain.hpp"
#include "tests/http/account_world.hpp"
#include "tests/support/raw_database.hpp"

using namespace varro;
using namespace varro::test;

namespace {

struct person_world : account_world {
  using account_world::account_world;
  int64_t ada_id = add("ada", user_role::admin);
  int64_t bob_id = add("bob");

  std::string audit(const std::string& action) {
    std::string text;
    const auto rows = db->audit_rows({.action = action, .limit = 1'000, .oldest_first = true});
    REQUIRE(rows);
    for (const auto& row : *rows)
      text += actor_of(row) + "|" + subject_of(row) + "\n";
    return text;
  }
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the page of a person is there for admins, names them, and the audit tells of the look") {
  person_world world;
  browser admin{world}, user{world};
  REQUIRE(admin.log_in("ada") == 303);
  REQUIRE(user.log_in("bob") == 303);
  CHECK(contains(admin.get("/admin").body, "/admin/person?name=bob"));
  const auto page = admin.get("/admin/person?name=bob");
  CHECK(page.status == 200);
  CHECK(contains(page.body, "data-user=\"bob\""));
  CHECK_FALSE(contains(page.body, "data-user=\"ada\""));
  CHECK(contains(page.body, "action=\"/admin/person/erase\""));
  CHECK(admin.get("/admin/person?name=nobody").status == 404);
  CHECK(admin.get("/admin/person").status == 422);
  CHECK(user.get("/admin/person?name=ada").status == 404);
  admin.get("/admin/person?name=bob");
  CHECK(world.audit("admin.read") == "ada|/admin\nada|bob, /admin/person\n");
}

TEST_CASE("a person is erased when the name is typed once more, and is out at once") {
  person_world world;
  browser admin{world}, user{world};
  REQUIRE(admin.log_in("ada") == 303);
  REQUIRE(user.log_in("bob") == 303);
  admin.get("/admin/person?name=bob");
  auto without_token = admin;
  without_token.csrf = std::string(64, '0');
  CHECK(without_token.post("/admin/person/erase", "name=bob&typed=bob").status == 403);
  for (auto typed : {"", "Bob", "ada", "bobb", "yes"}) {
    const auto answer = admin.post("/admin/person/erase", std::string{"name=bob&typed="} + typed);
    CHECK(answer.status == 422);
    CHECK(contains(answer.body, "Nothing was changed"));
  }
  CHECK(user.is_in());
  CHECK(world.db->open_erasures()->empty());
  CHECK(admin.post("/admin/person/erase", "name=bob&typed=+bob+").field("Location") == "/admin?done=erase");
  CHECK_FALSE(user.is_in());
  CHECK(user.log_in("bob") == 401);
  REQUIRE(world.db->open_erasures()->size() == 1);
  CHECK(world.db->open_erasures()->front().user_id == world.bob_id);
  CHECK(world.audit("user.erased") == "ada|bob\n");
}

TEST_CASE("an erasure that is under way is shown with its step, and offers nothing else to do with the person") {
  person_world world;
  browser admin{world};
  REQUIRE(admin.log_in("ada") == 303);
  admin.get("/admin");
  REQUIRE(admin.post("/admin/person/erase", "name=bob&typed=bob").status == 303);
  for (auto address : {"/admin", "/admin/person?name=bob"}) {
    const auto page = admin.get(address).body;
    CHECK(contains(page, "being erased"));
    CHECK(contains(page, "chats and files are being deleted"));
  }
  CHECK_FALSE(contains(admin.get("/admin/person?name=bob").body, "<form"));
  CHECK(admin.post("/admin/person/erase", "name=bob&typed=bob").status == 303); // which changes nothing
  CHECK(world.audit("user.erased") == "ada|bob\n");
  REQUIRE(world.db->end_chats(world.bob_id) == caf::none);
  CHECK(contains(admin.get("/admin").body, "the account is being deleted"));
  REQUIRE(world.db->erase_account(world.bob_id) == caf::none);
  CHECK(contains(admin.get("/admin").body, pseudonym_of(world.bob_id)));
  CHECK(admin.get("/admin/person?name=bob").status == 404);
  REQUIRE(world.db->end_search(world.bob_id) == caf::none);
  CHECK(contains(admin.get("/admin").body, "the database is being written anew"));
  REQUIRE(world.db->end_erasure(world.bob_id, now_us()) == caf::none);
  CHECK(contains(admin.get("/admin").body, "all is deleted"));
  raw_database{world.place.path() / "varro.db"}.execute("UPDATE erasures SET ended_at = 1");
  CHECK_FALSE(contains(admin.get("/admin").body, pseudonym_of(world.bob_id)));
}

TEST_CASE("neither the last admin is erased, nor the local user, and the page says why") {
  person_world world;
  browser admin{world};
  REQUIRE(world.db->local_user());
  REQUIRE(admin.log_in("ada") == 303);
  admin.get("/admin");
  auto answer = admin.post("/admin/person/erase", "name=ada&typed=ada");
  CHECK(answer.status == 422);
  CHECK(contains(answer.body, "is the last admin who can log in"));
  answer = admin.post("/admin/person/erase", "name=local&typed=local");
  CHECK(answer.status == 422);
  CHECK(contains(answer.body, "whoever uses this data directory"));
  CHECK(admin.post("/admin/person/erase", "name=nobody&typed=nobody").status == 404);
  CHECK(world.db->open_erasures()->empty());
  CHECK(world.audit("user.erased").empty());
  CHECK(admin.is_in());
  // One of two admins may erase themselves.
  REQUIRE(world.db->set_role("bob", user_role::admin) == caf::none);
  admin.get("/admin");
  CHECK(admin.post("/admin/person/erase", "name=ada&typed=ada").status == 303);
  CHECK_FALSE(admin.is_in());
}

TEST_CASE("without users there is nobody to erase") {
  routes_world world;
  CHECK(world.post("/admin/person/erase", "name=local&typed=local").status == 404);
}
