// What a page and a link say of files that went because nobody had used the chat, and what counts as a use.
#include "base/day.hpp"
#include "tests/http/routes_world.hpp"

using namespace varro;
using namespace varro::test;

namespace {

constexpr auto words = "deleted on 2026-01-31, because nobody had used the chat for long";
const unix_us deleted_at = *days_of("2026-01-31") * day_us;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the page of a chat whose files were deleted says so until the next message") {
  routes_world world;
  auto& chat = world.script->view.history.chat;
  CHECK_FALSE(contains(world.get("/chat/42").body, words));
  chat.files_deleted_at = deleted_at;
  CHECK(contains(world.get("/chat/42").body, words));
  world.script->view.notice = "Something else, too.";
  const auto page = world.get("/chat/42").body;
  CHECK(contains(page, words));
  CHECK(contains(page, "Something else, too."));
  chat.updated_at = deleted_at + 1;
  CHECK_FALSE(contains(world.get("/chat/42").body, words));
}

TEST_CASE("a link to a file that is not there says whether the chat's files were deleted") {
  routes_world world;
  auto missing = world.get("/chat/42/files/report.csv");
  CHECK(missing.status == 404);
  CHECK_FALSE(contains(missing.body, words));
  world.script->contents.chat.files_deleted_at = deleted_at;
  missing = world.get("/chat/42/files/report.csv");
  CHECK(missing.status == 404);
  CHECK(contains(missing.body, words));
  CHECK_FALSE(contains(world.get("/chat/43/files/report.csv").body, words)); // it is somebody else's
}

TEST_CASE("who looks at a chat uses it, which is noted once in a while") {
  routes_world world;
  auto seen = [&] {
    std::vector<int64_t> chats;
    for (const auto& write : world.script->account_writes)
      if (const auto* one = std::get_if<chat_seen>(&write))
        chats.push_back(one->chat_id);
    return chats;
  };
  CHECK(world.get("/chat/43").status == 404);
  for (int i = 0; i < 3; ++i)
    CHECK(world.get("/chat/42").status == 200);
  CHECK(world.script->wait_for([&] { return !seen().empty(); }));
  std::lock_guard lock{world.script->mutex};
  CHECK(seen() == std::vector<int64_t>{42});
}
