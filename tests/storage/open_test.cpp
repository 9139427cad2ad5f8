#include "storage/data_dir.hpp"
#include "storage/sqlite/schema.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace varro;
using namespace varro::test;

namespace fs = std::filesystem;

namespace {

constexpr auto read_write = sqlite_database::mode::read_write;
constexpr auto read_only = sqlite_database::mode::read_only;

std::string contents_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void write_file(const fs::path& file, const std::string& bytes) {
  std::ofstream{file, std::ios::binary} << bytes;
}

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

std::string open_error(const fs::path& dir, sqlite_database::mode mode = read_write) {
  auto db = sqlite_database::open(dir, mode);
  return db ? "" : text_of(db.error());
}

// What `work` returns when a user without any rights runs it, in a process of its own.
template <class Work>
std::string as_nobody(Work work) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  auto child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0))
      ::_exit(1);
    auto text = work();
    ::_exit(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 512> buffer{};
  for (ssize_t count = 0; (count = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<size_t>(count));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(status == 0);
  return text;
}

} // namespace

TEST_CASE("a fresh directory gets a private database of the current schema") {
  scratch_dir scratch;
  auto dir = scratch / "data" / "deeper";
  auto db = sqlite_database::open(dir, read_write);
  REQUIRE(db);
  CHECK((*db)->schema_version() == static_cast<int>(schema_migrations().size()));
  CHECK((*db)->check() == caf::none);
  CHECK((*db)->local_user());
  CHECK(mode_of(dir) == 0700);
  CHECK(mode_of(dir / "varro.db") == 0600);
  CHECK(mode_of(dir / "varro.db-wal") == 0600);
  CHECK(mode_of(dir / "varro.db-shm") == 0600);
}

TEST_CASE("a database that others may read is closed to them when it is opened") {
  scratch_dir scratch;
  REQUIRE(sqlite_database::open(scratch.path(), read_write));
  REQUIRE(::chmod((scratch / "varro.db").c_str(), 0644) == 0);
  REQUIRE(sqlite_database::open(scratch.path(), read_write));
  CHECK(mode_of(scratch / "varro.db") == 0600);
}

TEST_CASE("what was written is there after a reopen, for writers and readers") {
  scratch_dir scratch;
  {
    auto db = sqlite_database::open(scratch.path(), read_write);
    REQUIRE(db);
    auto user = (*db)->add_user("ada", "hash");
    REQUIRE(user);
    auto batch = batch_of(make_chat(1, user->id, "Primes"));
    batch.messages.push_back(make_row(1, 1, prompt("Which primes?")));
    REQUIRE((*db)->apply(batch) == caf::none);
  }
  for (auto mode : {read_write, read_only}) {
    auto db = sqlite_database::open(scratch.path(), mode);
    REQUIRE(db);
    auto user = (*db)->find_user(std::string_view{"ada"});
    REQUIRE(user);
    auto chat = (*db)->load_chat(user->id, 1);
    REQUIRE(chat);
    CHECK(chat->chat.title == "Primes");
    CHECK(chat->messages.size() == 1);
  }
}

TEST_CASE("once the writer is closed, the file alone is the whole database, also while a reader is open") {
  scratch_dir scratch, copy;
  {
    auto writer = sqlite_database::open(scratch.path(), read_write);
    REQUIRE(writer);
    REQUIRE((*writer)->add_user("ada", "hash"));
    auto reader = sqlite_database::open(scratch.path(), read_only);
    REQUIRE(reader);
    REQUIRE((*reader)->find_user(std::string_view{"ada"}));
    writer->reset();
    fs::copy_file(scratch.path() / "varro.db", copy.path() / "varro.db");
  }
  auto copied = sqlite_database::open(copy.path(), read_only);
  REQUIRE(copied);
  CHECK((*copied)->find_user(std::string_view{"ada"}));
}

TEST_CASE("a reader writes nothing, and a missing database is not created by reading") {
  scratch_dir scratch;
  CHECK(open_error(scratch.path(), read_only).find((scratch / "varro.db").string()) != std::string::npos);
  CHECK_FALSE(fs::exists(scratch / "varro.db"));
  auto writer = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(writer);
  auto reader = sqlite_database::open(scratch.path(), read_only);
  REQUIRE(reader);
  CHECK_FALSE((*reader)->add_user("ada", "hash"));
  CHECK((*writer)->add_user("ada", "hash"));
  CHECK((*reader)->find_user(std::string_view{"ada"}));
}

TEST_CASE("the version-1 schema is frozen: a file that was built by its SQL opens and reads") {
  scratch_dir scratch;
  auto version_1 = contents_of(fs::path{VARRO_SOURCE_DIR} / "tests/storage/version_1.sql");
  // Editing a migration that was released would leave existing files behind; a change is a further migration.
  CHECK("\n" + version_1 == schema_migrations()[0]);
  {
    raw_database raw{scratch / "varro.db"};
    raw.execute(version_1);
    raw.execute(
      "PRAGMA user_version = 1;"
      "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', '', 5);"
      "INSERT INTO chats VALUES (7, 3, 'Primes', 'offline', 2, 5, 6);"
      "INSERT INTO runs VALUES (9, 7, 1, 1, 'completed', 0, '', '{\"input_tokens\":12,\"details\":{\"r\":1}}', 1,"
      " 5, 6, 0);"
      "INSERT INTO messages VALUES (7, 1, 1, 9, 'request', 5, 0, 'hi', '{\"parts\":[{\"content\":\"Hi\","
      "\"part_kind\":\"user-prompt\"}],\"kind\":\"request\"}')");
  }
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  auto chat = (*db)->load_chat(3, 7);
  REQUIRE(chat);
  CHECK(chat->chat.title == "Primes");
  REQUIRE(chat->messages.size() == 1);
  auto& request = std::get<model_request>(*chat->messages[0].content);
  CHECK(std::get<std::string>(std::get<user_prompt_part>(request.parts.at(0)).content) == "Hi");
  REQUIRE(chat->runs.size() == 1);
  CHECK(chat->runs[0].usage.input_tokens == 12);
  CHECK(chat->runs[0].usage.details["r"] == 1);
  CHECK(*(*db)->next_chat_id() == 8);
}

TEST_CASE("version 2 calls a run open that version 1 had marked and not closed, and no other") {
  scratch_dir scratch;
  {
    raw_database raw{scratch / "varro.db"};
    raw.execute(contents_of(fs::path{VARRO_SOURCE_DIR} / "tests/storage/version_1.sql"));
    raw.execute("PRAGMA user_version = 1;"
                "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', '', 5);"
                "INSERT INTO chats VALUES (7, 3, 'a', 'offline', 9, 5, 6);"
                "INSERT INTO runs VALUES (1, 7, 1, 1, 'interrupted', 3, 'Interrupted', '{}', 1, 5, 6, 0);"
                "INSERT INTO runs VALUES (2, 7, 2, 4, 'interrupted', 0, '', '{}', 1, 5, 6, 1);"
                "INSERT INTO runs VALUES (3, 7, 2, 6, 'interrupted', 0, '', '{}', 1, 5, 6, 0)");
  }
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  auto chat = (*db)->load_chat(3, 7);
  REQUIRE(chat);
  REQUIRE(chat->runs.size() == 2);
  CHECK(chat->runs[0].status == run_status::interrupted);
  CHECK(chat->runs[1].status == run_status::running);
  CHECK(chat->runs[1].resumes == 0);
  CHECK(chat->runs[0].parent == 0);
  CHECK(chat->runs[1].parent == 1);
  CHECK(chat->alternatives == std::map<int64_t, std::vector<int64_t>>{{3, {2, 3}}});
  CHECK((*db)->open_runs()->size() == 1);
}

TEST_CASE(
  "the version-2 schema is frozen too: a file of it opens, and its chats have the default Python and no files") {
  scratch_dir scratch;
  auto version_2 = contents_of(fs::path{VARRO_SOURCE_DIR} / "tests/storage/version_2.sql");
  CHECK("\n" + version_2 == schema_migrations()[1]);
  {
    raw_database raw{scratch / "varro.db"};
    raw.execute(contents_of(fs::path{VARRO_SOURCE_DIR} / "tests/storage/version_1.sql"));
    raw.execute(version_2);
    raw.execute("PRAGMA user_version = 2;"
                "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', '', 5);"
                "INSERT INTO chats VALUES (7, 3, 'Primes', 'offline', 2, 5, 6);"
                "INSERT INTO runs VALUES (9, 7, 1, 1, 'completed', 0, '', '{}', 1, 5, 6, 0, 2, 0);"
                "INSERT INTO messages VALUES (7, 1, 1, 9, 'request', 5, 0, 'hi', '{\"parts\":[{\"content\":\"Hi\","
                "\"part_kind\":\"user-prompt\"}],\"kind\":\"request\"}');"
                "INSERT INTO snapshots VALUES (7, 1, 100, 6)");
  }
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  auto chat = (*db)->load_chat(3, 7);
  REQUIRE(chat);
  CHECK(chat->chat.title == "Primes");
  CHECK(chat->chat.python.empty());
  CHECK(chat->runs.at(0).resumes == 2);
  CHECK(chat->snapshots.at(0).footer == 100);
  CHECK(*(*db)->other_workspaces_bytes(3, 0) == 0);
  CHECK((*db)->schema_version() == static_cast<int>(schema_migrations().size()));
}

TEST_CASE(
  "the version-3 schema is frozen too: chats of a file of it have no prefix yet, and their model's own effort") {
  scratch_dir scratch;
  auto of_version = [](int version) {
    return contents_of(fs::path{VARRO_SOURCE_DIR} / ("tests/storage/version_" + std::to_string(version) + ".sql"));
  };
  CHECK("\n" + of_version(3) == schema_migrations()[2]);
  {
    raw_database raw{scratch / "varro.db"};
    for (int version = 1; version <= 3; ++version)
      raw.execute(of_version(version));
    raw.execute("PRAGMA user_version = 3;"
                "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', '', 5);"
                "INSERT INTO chats VALUES (7, 3, 'Primes', 'offline', 2, 5, 6, 'geo', 100)");
  }
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  auto chat = (*db)->load_chat(3, 7);
  REQUIRE(chat);
  CHECK(chat->chat.python == "geo");
  CHECK(chat->chat.effort.empty());
  CHECK_FALSE(chat->prefix);
}

TEST_CASE("the version-4 schema is frozen too: all of a file of it is to be looked at by the search, once") {
  scratch_dir scratch;
  auto of_version = [](int version) {
    return contents_of(fs::path{VARRO_SOURCE_DIR} / ("tests/storage/version_" + std::to_string(version) + ".sql"));
  };
  CHECK("\n" + of_version(4) == schema_migrations()[3]);
  {
    raw_database raw{scratch / "varro.db"};
    for (int version = 1; version <= 4; ++version)
      raw.execute(of_version(version));
    raw.execute("PRAGMA user_version = 4;"
                "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', '', 5);"
                "INSERT INTO chats VALUES (7, 3, 'Primes', 'offline', 2, 5, 6, 'geo', 100, 'high');"
                "INSERT INTO messages VALUES (7, 1, 1, 9, 'request', 5, 0, 'hi', '{\"parts\":[{\"content\":\"Hi you\","
                "\"part_kind\":\"user-prompt\"}],\"kind\":\"request\"}')");
  }
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK((*db)->load_chat(3, 7)->chat.effort == "high");
  raw_database raw{scratch / "varro.db"};
  CHECK(raw.text("SELECT group_concat(chat_id || '.' || seq) FROM search_changes") == "7.0,7.1");
  REQUIRE((*db)->apply(batch_of(3, make_row(7, 2, answer("Good day.")))) == caf::none);
  CHECK(raw.text("SELECT max(chat_id || '.' || seq) FROM search_changes") == "7.2");
}

TEST_CASE("migrations go forward one by one and keep what is stored") {
  scratch_dir scratch;
  {
    raw_database raw{scratch / "varro.db"};
    raw.execute("CREATE TABLE a(x); INSERT INTO a VALUES (1); PRAGMA user_version = 1");
  }
  auto db = connection::open(scratch / "varro.db", false);
  REQUIRE(db);
  std::array steps{"CREATE TABLE never(x)", "ALTER TABLE a ADD COLUMN y DEFAULT 2", "CREATE TABLE b(z)"};
  REQUIRE(migrate(**db, steps) == caf::none);
  CHECK(*read_schema_version(**db) == 3);
  raw_database raw{scratch / "varro.db"};
  CHECK(raw.text("SELECT x + y FROM a") == "3");
  CHECK(raw.text("SELECT count(*) FROM sqlite_schema WHERE name = 'never'") == "0");
  SUBCASE("and doing it again changes nothing") {
    CHECK(migrate(**db, steps) == caf::none);
    CHECK(*read_schema_version(**db) == 3);
  }
}

TEST_CASE("a migration that fails leaves the version before it") {
  scratch_dir scratch;
  {
    raw_database raw{scratch / "varro.db"};
    raw.execute("CREATE TABLE a(x); PRAGMA user_version = 1");
  }
  auto db = connection::open(scratch / "varro.db", false);
  REQUIRE(db);
  std::array steps{"", "CREATE TABLE b(z)", "CREATE TABLE c(z); CREATE TABLE a(x)"};
  auto err = migrate(**db, steps);
  CHECK(text_of(err).find("table a already exists") != std::string::npos);
  CHECK(*read_schema_version(**db) == 2);
  raw_database raw{scratch / "varro.db"};
  CHECK(raw.text("SELECT group_concat(name) FROM sqlite_schema") == "a,b");
}

TEST_CASE("a database of a newer Varro is refused and untouched") {
  scratch_dir scratch;
  REQUIRE(sqlite_database::open(scratch.path(), read_write));
  raw_database{scratch / "varro.db"}.execute("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)");
  auto before = contents_of(scratch / "varro.db");
  for (auto mode : {read_write, read_only}) {
    auto text = open_error(scratch.path(), mode);
    CHECK(text.find((scratch / "varro.db").string()) != std::string::npos);
    CHECK(text.find("99") != std::string::npos);
  }
  CHECK(contents_of(scratch / "varro.db") == before);
}

TEST_CASE("a database of another program is refused and untouched") {
  scratch_dir scratch;
  raw_database{scratch / "varro.db"}.execute("CREATE TABLE recipes(x)");
  auto before = contents_of(scratch / "varro.db");
  CHECK(open_error(scratch.path()).find("another program") != std::string::npos);
  CHECK(contents_of(scratch / "varro.db") == before);
}

TEST_CASE("a file that is no database is refused by name and untouched") {
  scratch_dir scratch;
  std::string bytes(8192, 'x');
  write_file(scratch / "varro.db", bytes);
  auto text = open_error(scratch.path());
  CHECK(text.find((scratch / "varro.db").string()) != std::string::npos);
  CHECK(text.find("damaged") != std::string::npos);
  CHECK(contents_of(scratch / "varro.db") == bytes);
}

TEST_CASE("check finds a damaged page") {
  scratch_dir scratch;
  {
    auto db = sqlite_database::open(scratch.path(), read_write);
    REQUIRE(db);
    auto user = (*db)->local_user();
    auto batch = batch_of(make_chat(1, user->id));
    for (int64_t seq = 1; seq <= 200; ++seq)
      batch.messages.push_back(make_row(1, seq, prompt(std::string(500, 'a'))));
    REQUIRE((*db)->apply(batch) == caf::none);
    CHECK((*db)->check() == caf::none);
  }
  auto bytes = contents_of(scratch / "varro.db");
  REQUIRE(bytes.size() > 100'000);
  // Beyond the pages that opening reads: rows of messages.
  const auto middle = bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2);
  std::fill(middle, middle + 24'576, '\x5a');
  write_file(scratch / "varro.db", bytes);
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK(text_of((*db)->check()).find((scratch / "varro.db").string()) != std::string::npos);
}

TEST_CASE("a directory or file without rights to write is an error that names it") {
  scratch_dir scratch;
  auto dir = scratch / "data";
  REQUIRE(sqlite_database::open(dir, read_write));
  REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
  REQUIRE(::chmod(dir.c_str(), 0555) == 0);
  SUBCASE("for a file that may only be read") {
    REQUIRE(::chmod((dir / "varro.db").c_str(), 0444) == 0);
    CHECK(as_nobody([&] { return open_error(dir); }).find((dir / "varro.db").string()) != std::string::npos);
  }
  SUBCASE("for a missing file") {
    fs::remove(dir / "varro.db");
    CHECK(as_nobody([&] { return open_error(dir); }).find((dir / "varro.db").string()) != std::string::npos);
  }
  SUBCASE("for a missing directory") {
    CHECK(as_nobody([&] { return open_error(dir / "below"); }).find((dir / "below").string()) != std::string::npos);
  }
  SUBCASE("and the same user opens what is theirs") {
    auto own = scratch / "own";
    fs::create_directory(own);
    REQUIRE(::chmod(own.c_str(), 0777) == 0);
    CHECK(as_nobody([&] { return open_error(own); }) == "");
  }
  ::chmod(dir.c_str(), 0755);
}

TEST_CASE("a data directory that is a file is an error that names it") {
  scratch_dir scratch;
  write_file(scratch / "data", "text");
  CHECK(open_error(scratch / "data").find((scratch / "data").string()) != std::string::npos);
}

TEST_CASE("a data directory has one server at a time") {
  scratch_dir scratch;
  auto dir = scratch / "data";
  auto first = data_lock::take(dir);
  REQUIRE(first);
  auto second = data_lock::take(dir);
  REQUIRE_FALSE(second);
  CHECK(code_of(second.error()) == errc::storage_locked);
  CHECK(text_of(second.error()).find(dir.string()) != std::string::npos);
  CHECK(text_of(second.error()).find(std::to_string(::getpid())) != std::string::npos);
  SUBCASE("another directory is free") {
    CHECK(data_lock::take(scratch / "other"));
  }
  SUBCASE("another process is refused as well") {
    REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
    auto child = ::fork();
    if (child == 0) {
      auto lock = data_lock::take(dir);
      ::_exit(!lock && code_of(lock.error()) == errc::storage_locked ? 0 : 1);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  SUBCASE("it is free again when the first one is gone") {
    { data_lock moved = std::move(*first); }
    CHECK(data_lock::take(dir));
  }
}
