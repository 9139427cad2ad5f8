#include "models/message_json.hpp"
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
#include <limits>
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
  struct stat status{};
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

// The SQL of this version as it was when it was released.
std::string of_version(int version) {
  return contents_of(fs::path{VARRO_SOURCE_DIR} / ("tests/storage/version_" + std::to_string(version) + ".sql"));
}

// A file as this version made it, with these rows. What was released is frozen: editing a migration would leave
// existing files behind.
void make_file_of(const scratch_dir& scratch, int version, const std::string& rows) {
  CHECK("\n" + of_version(version) == schema_migrations()[static_cast<size_t>(version) - 1]);
  raw_database raw{scratch / "varro.db"};
  for (int earlier = 1; earlier <= version; ++earlier)
    raw.execute(of_version(earlier));
  raw.execute("PRAGMA user_version = " + std::to_string(version) + ";" + rows);
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
  auto drawn = (*db)->draw_ids({1, 1});
  REQUIRE(drawn);
  CHECK(drawn->chats.first == 8);
  CHECK(drawn->runs.first == 10);
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
  CHECK((*db)->holdings(3, 0)->other_workspaces == 0);
  CHECK((*db)->schema_version() == static_cast<int>(schema_migrations().size()));
}

TEST_CASE(
  "the version-3 schema is frozen too: chats of a file of it have no prefix yet, and their model's own effort") {
  scratch_dir scratch;
  make_file_of(scratch, 3,
               "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', '', 5);"
               "INSERT INTO chats VALUES (7, 3, 'Primes', 'offline', 2, 5, 6, 'geo', 100)");
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
  make_file_of(scratch, 4,
               "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', '', 5);"
               "INSERT INTO chats VALUES (7, 3, 'Primes', 'offline', 2, 5, 6, 'geo', 100, 'high');"
               "INSERT INTO messages VALUES (7, 1, 1, 9, 'request', 5, 0, 'hi', '{\"parts\":[{\"content\":\"Hi you\","
               "\"part_kind\":\"user-prompt\"}],\"kind\":\"request\"}')");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK((*db)->load_chat(3, 7)->chat.effort == "high");
  raw_database raw{scratch / "varro.db"};
  CHECK(raw.text("SELECT group_concat(chat_id || '.' || seq) FROM search_changes") == "7.0,7.1");
  REQUIRE((*db)->apply(batch_of(3, make_row(7, 2, answer("Good day.")))) == caf::none);
  CHECK(raw.text("SELECT max(chat_id || '.' || seq) FROM search_changes") == "7.2");
}

TEST_CASE(
  "the version-5 schema is frozen too: the bytes of a file's messages are counted, and follow what is written") {
  scratch_dir scratch;
  const std::string json = R"({"parts":[{"content":"Hi ü","part_kind":"user-prompt"}],"kind":"request"})";
  make_file_of(scratch, 5,
               "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', '', 5), (4, 'bob', '', 5);"
               "INSERT INTO chats VALUES (7, 3, 'Primes', 'offline', 2, 5, 6, 'geo', 100, 'high'),"
               " (8, 3, 'Empty', 'offline', 0, 5, 6, '', 0, ''), (9, 4, 'Other', 'offline', 1, 5, 6, '', 0, '');"
               "INSERT INTO messages VALUES (7, 1, 1, 9, 'request', 5, 0, '', '"
                 + json + "'), (7, 2, 1, 9, 'request', 5, 1, '', '" + json + "'), (9, 1, 1, 8, 'request', 5, 0, '', '"
                 + json + "')");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  auto one = static_cast<int64_t>(json.size());
  CHECK((*db)->holdings(3, 7)->histories == 2 * one);
  CHECK((*db)->holdings(4, 7)->histories == one);
  auto row = make_row(7, 3, answer("Good day."));
  REQUIRE((*db)->apply(batch_of(3, row)) == caf::none);
  auto written = static_cast<int64_t>(to_json_text(*row.content).size());
  CHECK((*db)->holdings(3, 7)->histories == 2 * one + written);
  CHECK((*db)->holdings(3, 7)->history == 2 * one + written);
  CHECK((*db)->holdings(3, 8)->history == 0);
  CHECK((*db)->holdings(3, 9)->history == 0); // bob's
  // The same number twice is refused, and counts nothing.
  CHECK((*db)->apply(batch_of(3, row)) != caf::none);
  CHECK((*db)->holdings(3, 7)->histories == 2 * one + written);
  REQUIRE((*db)->delete_chat(3, 7) == caf::none);
  CHECK((*db)->holdings(3, 7)->histories == 0);
  CHECK((*db)->holdings(4, 7)->histories == one);
}

TEST_CASE("the version-6 schema is frozen too: who was there is a user, the local user an admin, sessions go on") {
  scratch_dir scratch;
  make_file_of(scratch, 6,
               "INSERT INTO users(id, name, password_hash, created_at) VALUES (1, 'local', '', 5), (3, 'ada', 'x', 5);"
               "INSERT INTO logins VALUES ('t', 3, 'csrf', 100, 900)");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK((*db)->find_user(1)->role == user_role::admin);
  CHECK((*db)->find_user(3)->role == user_role::user);
  CHECK_FALSE(*(*db)->has_admin());
  auto found = (*db)->find_login("t", 899);
  REQUIRE(found);
  CHECK(found->login.last_used_at == 100);
  CHECK(found->login.ends_at == 900);
  CHECK(found->user.role == user_role::user);
}

TEST_CASE("the version-7 schema is frozen too: the ledger of a file of it begins empty, and links go on") {
  scratch_dir scratch;
  make_file_of(scratch, 7,
               "INSERT INTO users(id, name, password_hash, created_at, role) VALUES (3, 'ada', 'x', 5, 'admin');"
               "INSERT INTO links VALUES ('t', 'invitation', 'user', NULL, 100, 900)");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK(*(*db)->has_admin());
  CHECK((*db)->find_link("t", 899)->link.role == user_role::user);
  auto none = (*db)->usage_sums(usage_by::user, 0, std::numeric_limits<unix_us>::max());
  REQUIRE(none);
  CHECK(none->empty());
}

TEST_CASE("the version-8 schema is frozen too: the audit of a file of it begins with what is done next") {
  scratch_dir scratch;
  make_file_of(scratch, 8,
               "INSERT INTO users(id, name, password_hash, created_at, role) VALUES (3, 'ada', 'x', 5, 'admin');"
               "INSERT INTO logins VALUES ('t', 3, 'csrf', 100, 900, 100, 900, '', '')");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK((*db)->find_login("t", 899));
  CHECK((*db)->newest_audit()->id == 0);
  CHECK((*db)->add_user("bob", "x"));
  CHECK((*db)->newest_audit()->id == 1);
}

TEST_CASE("the version-9 schema is frozen too: a file of it has no tokens, and can have some") {
  scratch_dir scratch;
  make_file_of(scratch, 9,
               "INSERT INTO users(id, name, password_hash, created_at, role) VALUES (3, 'ada', 'x', 5, 'admin')");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK((*db)->tokens_of(3, 0)->empty());
  CHECK((*db)->apply(token_write{token_made{{"h", "id", 3, "a script", {true, false, true}, 100, 900}, 1}})
        == caf::none);
  CHECK((*db)->find_token("h", 899)->user.name == "ada");
}

TEST_CASE("the version-10 schema is frozen too: who was there is vouched for by nobody, and in no group") {
  scratch_dir scratch;
  make_file_of(scratch, 10,
               "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', 'x', 5), (4, 'bob', 'x', 5)");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK((*db)->groups_of(3)->empty());
  CHECK((*db)->list_memberships()->empty());
  // Several accounts without an issuer are no conflict, and none of them is whoever comes with that name.
  REQUIRE((*db)->apply(account_write{identity_seen{{"proxy", "ada"}, "ada", "", {}, {}, 9, 10, {}, {}}}) == caf::none);
  CHECK((*db)->find_user(std::string_view{"ada"})->id == 3);
  CHECK((*db)->find_user(std::string_view{"ada-2"})->id == 5);
}

TEST_CASE("the version-11 schema is frozen too: nobody in a file of it is being erased") {
  scratch_dir scratch;
  make_file_of(scratch, 11,
               "INSERT INTO users(id, name, password_hash, created_at, role) VALUES (3, 'ada', 'x', 5, 'user')");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK((*db)->open_erasures()->empty());
  CHECK((*db)->begin_erasure("ada", {}, 7)->asked_at == 7);
}

TEST_CASE("the version-12 schema is frozen too: the sums of days are those of a file's ledger") {
  scratch_dir scratch;
  const std::string row = " (5, 3, 1, 1, 0, 'model', ";
  const std::string tokens = ", 'm', 'p', '', 1, 2, 3, 4, 5, 0, ";
  make_file_of(scratch, 12,
               "INSERT INTO users(id, name, password_hash, created_at, role) VALUES (3, 'ada', 'x', 5, 'admin');"
               "INSERT INTO usage(at, user_id, chat_id, run_id, seq, kind, outcome, model, provider, vendor_id,"
               " input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,"
               " estimated, cost_nano, currency, processor_us, wall_us) VALUES"
                 + row + "'answered'" + tokens + "7, 'USD', NULL, 0)," + row + "'refused'" + tokens
                 + "NULL, '', NULL, 0)," + row + "'lost'" + tokens + "8, 'USD', NULL, 0),"
                 + " (5, 3, 1, 1, 0, 'cell', 'ok', '', '', '', 0, 0, 0, 0, 0, 0, NULL, '', 9, 10)");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  auto use = (*db)->use_of(3, 6, "USD");
  REQUIRE(use);
  CHECK(use->requests == 2);
  CHECK(use->tokens == 3 * 15);
  CHECK(use->cost_nano == 15);
  CHECK(use->processor_us == 9);
  CHECK((*db)->all_limits()->empty());
}

TEST_CASE(
  "the version-13 schema is frozen too: browser sessions of a file of it were begun at no provider, and go on") {
  scratch_dir scratch;
  make_file_of(scratch, 13,
               "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', 'x', 5);"
               "INSERT INTO logins VALUES ('t', 3, 'c', 5, 900, 5, 900, '', '')");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK((*db)->find_login("t", 10));
  CHECK(code_of((*db)->find_oidc_login("t").error()) == errc::not_found);
  CHECK((*db)->oidc_logins_due(1'000, 10, 10)->empty());
}

TEST_CASE("the version-14 schema is frozen too: nothing of a file of it was uploaded, and its sums and files stay") {
  scratch_dir scratch;
  make_file_of(scratch, 14,
               "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', 'x', 5);"
               "INSERT INTO chats(id, user_id, title, model, last_seq, created_at, updated_at, workspace_bytes)"
               " VALUES (7, 3, 'Primes', 'offline', 0, 5, 6, 100);"
               "INSERT INTO usage_days VALUES (3, 0, 'USD', 1, 2, 3, 4)");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  auto use = (*db)->use_of(3, 6, "USD");
  REQUIRE(use);
  CHECK(use->tokens == 2);
  CHECK(use->cost_nano == 3);
  CHECK(use->upload_bytes == 0);
  CHECK((*db)->disk_of(3, 0)->files == 100);
  CHECK((*db)->disk_of(3, 0)->snapshots == 0);
  CHECK((*db)->disk_of(3, 0)->versions == 0);
}

TEST_CASE("nobody is known to have looked at the chats of a file of it") {
  scratch_dir scratch;
  make_file_of(scratch, 14,
               "INSERT INTO users(id, name, password_hash, created_at) VALUES (3, 'ada', 'x', 5);"
               "INSERT INTO chats(id, user_id, title, model, last_seq, created_at, updated_at)"
               " VALUES (4, 3, 't', 'm', 0, 5, 6)");
  auto db = sqlite_database::open(scratch.path(), read_write);
  REQUIRE(db);
  CHECK((*db)->load_chat(3, 4)->chat.files_deleted_at == 0);
  const auto unused = (*db)->unused_chats(3, 6, retired_part::files, 0, 10);
  REQUIRE(unused);
  REQUIRE(unused->size() == 1);
  CHECK(unused->front().used_at == 6);
  CHECK_FALSE(*(*db)->newest_retention());
  CHECK((*db)->retired_chats()->empty());
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
  // Beyond the pages that opening reads: rows of messages, which were written last.
  const auto rows = bytes.end() - 65'536;
  std::fill(rows, rows + 24'576, '\x5a');
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
    {
      data_lock moved = std::move(*first);
    }
    CHECK(data_lock::take(dir));
  }
}
