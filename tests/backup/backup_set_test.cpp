#include "backup/backup_set.hpp"

#include "backup/manifest.hpp"
#include "backup/restore_backup.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace varro;
using namespace varro::test;

namespace fs = std::filesystem;

TEST_CASE("a backup's name is a number and a time, and nothing else is one") {
  CHECK(is_backup_name("000042-2026-11-30T12-00-00Z"));
  CHECK(is_backup_name("1000000-2026-11-30T12-00-00Z"));
  for (const auto* name : {"", "00042-2026-11-30T12-00-00Z", "000042-2026-11-30T12-00-00Z.partial", "000042",
                           "000042-2026-11-30T12-00-00", "000042-by-hand-as-it-would-b", "x00042-2026-11-30T12-00-00Z"})
    CHECK_FALSE(is_backup_name(name));
}

TEST_CASE("numbers go on after the greatest one, partial ones too, whatever the clock says") {
  scratch_dir scratch;
  auto set = backup_set::open_to_write(scratch.path());
  REQUIRE(set);
  fs::create_directory(scratch / "000008-2030-01-01T00-00-00Z");
  fs::create_directories(scratch / "000009-2020-01-01T00-00-00Z.partial" / "files");
  fs::create_directory(scratch / "000100-mine");
  auto partial = set->begin(0);
  REQUIRE(partial);
  CHECK(partial->filename() == "000010-1970-01-01T00-00-00Z.partial");
  CHECK_FALSE(fs::exists(scratch / "000009-2020-01-01T00-00-00Z.partial"));
  CHECK(fs::exists(scratch / "000100-mine"));
  CHECK(set->whole()->size() == 1);
  auto whole = set->finish(*partial);
  REQUIRE(whole);
  CHECK(set->whole()->back() == *whole);
}

TEST_CASE("after the number with the most digits comes one with more, and it is the newest") {
  scratch_dir scratch;
  auto set = backup_set::open_to_write(scratch.path());
  REQUIRE(set);
  fs::create_directory(scratch / "999999-2026-01-01T00-00-00Z");
  auto partial = set->begin(0);
  REQUIRE(partial);
  REQUIRE(set->finish(*partial));
  CHECK(set->whole()->back().filename() == "1000000-1970-01-01T00-00-00Z");
}

TEST_CASE("as many backups stay as are to, the newest ones") {
  scratch_dir scratch;
  auto set = backup_set::open_to_write(scratch.path());
  REQUIRE(set);
  for (const auto* name : {"000001-2026-01-01T00-00-00Z", "000002-2026-01-01T00-00-00Z"})
    fs::create_directory(scratch / name);
  CHECK(*set->keep_newest(2) == 0);
  CHECK(*set->keep_newest(1) == 1);
  REQUIRE(set->whole()->size() == 1);
  CHECK(set->whole()->at(0).filename() == "000002-2026-01-01T00-00-00Z");
}

TEST_CASE("a link to the directory of backups is that directory") {
  scratch_dir scratch, disk;
  fs::create_directory_symlink(disk.path(), scratch / "backups");
  for (const auto* name : {"000001-1970-01-01T00-00-00Z", "000002-1970-01-01T00-00-00Z"}) {
    auto set = backup_set::open_to_write(scratch / "backups");
    REQUIRE(set);
    auto partial = set->begin(0);
    REQUIRE(partial);
    auto whole = set->finish(*partial);
    REQUIRE(whole);
    CHECK(whole->filename() == name);
  }
  CHECK(backup_at(scratch / "backups")->filename() == "000002-1970-01-01T00-00-00Z");
}

TEST_CASE("one makes a backup, or several read them") {
  scratch_dir scratch;
  {
    auto writer = backup_set::open_to_write(scratch.path());
    REQUIRE(writer);
    auto refused = backup_set::open_to_write(scratch.path());
    REQUIRE_FALSE(refused);
    CHECK(code_of(refused.error()) == errc::storage_locked);
    CHECK_FALSE(backup_set::open_to_read(scratch.path()));
  }
  auto reader = backup_set::open_to_read(scratch.path());
  CHECK(reader);
  CHECK(backup_set::open_to_read(scratch.path()));
  CHECK_FALSE(backup_set::open_to_write(scratch.path()));
}

TEST_CASE("a backup is named itself or is the newest whole one, and never a partial one") {
  scratch_dir scratch;
  CHECK(code_of(backup_at(scratch / "nothing").error()) == errc::not_found);
  CHECK(code_of(backup_at(scratch.path()).error()) == errc::not_found);
  for (const auto* name :
       {"000001-2026-01-01T00-00-00Z", "000002-2026-01-01T00-00-00Z", "000003-2026-01-01T00-00-00Z.partial"}) {
    fs::create_directory(scratch / name);
    std::ofstream{scratch / name / manifest_name} << "";
  }
  CHECK(backup_at(scratch.path())->filename() == "000002-2026-01-01T00-00-00Z");
  CHECK(*backup_at(scratch / "000001-2026-01-01T00-00-00Z") == scratch / "000001-2026-01-01T00-00-00Z");
  CHECK(code_of(backup_at(scratch / "000003-2026-01-01T00-00-00Z.partial").error()) == errc::invalid_input);
}
