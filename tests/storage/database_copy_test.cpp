#include "storage/database_copy.hpp"

#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <sys/stat.h>
#include <thread>

using namespace varro;
using namespace varro::test;

namespace fs = std::filesystem;

namespace {

std::unique_ptr<sqlite_database> open_writer(const fs::path& dir) {
  auto db = sqlite_database::open(dir, sqlite_database::mode::read_write);
  REQUIRE(db);
  return std::move(*db);
}

// Puts a backup where a data directory has its database, and opens it.
std::unique_ptr<sqlite_database> restore(const fs::path& file, const fs::path& dir) {
  fs::copy_file(file, dir / "varro.db");
  auto db = sqlite_database::open(dir, sqlite_database::mode::read_write);
  REQUIRE(db);
  CHECK((*db)->check() == caf::none);
  return std::move(*db);
}

} // namespace

TEST_CASE("a backup is private, whole, and opens as a data directory's database") {
  scratch_dir scratch, elsewhere;
  auto writer = open_writer(scratch.path());
  auto user = writer->add_user("ada", "hash");
  REQUIRE(user);
  REQUIRE(writer->apply(batch_of(make_chat(1, user->id, "Primes"))) == caf::none);
  auto file = scratch / "copy.db";
  auto bytes = back_up(scratch.path(), file);
  REQUIRE(bytes);
  CHECK(*bytes == fs::file_size(file));
  struct stat status{};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK_FALSE(fs::exists(scratch / "copy.db.part"));
  CHECK(restore(file, elsewhere.path())->load_chat(user->id, 1)->chat.title == "Primes");
}

TEST_CASE("backups that are taken while a writer commits hold each batch whole or not at all") {
  scratch_dir scratch;
  auto writer = open_writer(scratch.path());
  auto user = writer->add_user("ada", "hash");
  REQUIRE(user);
  REQUIRE(writer->apply(batch_of(make_chat(1, user->id))) == caf::none);
  std::atomic<bool> stop{false};
  std::atomic<int64_t> committed{0};
  std::thread writing{[&] {
    for (int64_t seq = 1; !stop; seq += 2) {
      auto batch = batch_of(make_chat(1, user->id));
      batch.messages.push_back(make_row(1, seq, prompt("one")));
      batch.messages.push_back(make_row(1, seq + 1, prompt("two")));
      if (writer->apply(batch) != caf::none)
        return;
      committed = seq + 1;
    }
  }};
  for (int i = 0; i < 5; ++i) {
    auto before = committed.load();
    while (committed == before)
      std::this_thread::yield();
    auto least = static_cast<size_t>(committed.load());
    auto file = scratch / ("copy" + std::to_string(i));
    CHECK(back_up(scratch.path(), file));
    scratch_dir restored;
    auto chat = restore(file, restored.path())->load_chat(user->id, 1);
    REQUIRE(chat);
    CHECK(chat->messages.size() >= least);
    CHECK(chat->messages.size() % 2 == 0);
  }
  stop = true;
  writing.join();
}

TEST_CASE("a backup replaces no file, and of a directory without a database there is none") {
  scratch_dir scratch, empty;
  auto writer = open_writer(scratch.path());
  auto file = scratch / "taken";
  std::ofstream{file} << "mine";
  auto refused = back_up(scratch.path(), file);
  REQUIRE_FALSE(refused);
  CHECK(text_of(refused.error()).find("choose another") != std::string::npos);
  CHECK(fs::file_size(file) == 4);
  CHECK_FALSE(back_up(empty.path(), scratch / "copy"));
  CHECK_FALSE(fs::exists(scratch / "copy"));
  CHECK_FALSE(fs::exists(scratch / "copy.part"));
}
