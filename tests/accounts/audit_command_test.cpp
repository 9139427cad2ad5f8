#include "accounts/audit_command.hpp"

#include "accounts/csv.hpp"
#include "accounts/link_command.hpp"
#include "accounts/read_notes.hpp"
#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/raw_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

using namespace varro;
using namespace varro::test;

namespace {

struct audited_server {
  scratch_dir scratch;
  std::ostringstream out, err;
  std::unique_ptr<sqlite_database> db = opened();

  std::unique_ptr<sqlite_database> opened() {
    auto result = sqlite_database::open(scratch.path(), sqlite_database::mode::read_write);
    REQUIRE(result);
    REQUIRE((*result)->add_user("ada", "hash", user_role::admin));
    REQUIRE((*result)->add_user("bob", "hash"));
    REQUIRE((*result)->set_disabled("bob", true, {1, "ada", audit_way::browser, "192.0.2.7"}) == caf::none);
    return std::move(*result);
  }
  std::string list(const audit_filter& filter) {
    out.str("");
    CHECK(show_audit(scratch.path(), filter, out, err) == 0);
    return out.str();
  }
  int verify(const std::string& known = "") {
    out.str("");
    err.str("");
    return check_audit(scratch.path(), known, out, err);
  }
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE_FIXTURE(audited_server, "the audit is listed with a line for each row, oldest first, or as the filter says") {
  const auto all = list({});
  CHECK(std::count(all.begin(), all.end(), '\n') == 3);
  CHECK(all.starts_with("1\t20"));
  CHECK(contains(all, "\tada\tbrowser\t192.0.2.7\tuser.disabled\tbob\t{}\n"));
  CHECK_FALSE(contains(list({.user = "Bob"}), "user.added\tada"));
  CHECK(contains(list({.user = "user 2"}), "user.added\tbob"));
  CHECK(list({.action = "login"}).empty());
  CHECK(list({.since = "2100-01-01"}).empty());
  CHECK(contains(list({.csv = true}), "id,time,who,way,address,action,about,details,hash\r\n1,20"));
  CHECK(show_audit(scratch.path(), {.user = "nobody"}, out, err) == 1);
  CHECK(show_audit(scratch.path(), {.since = "yesterday"}, out, err) == 1);
  CHECK(contains(err.str(), "there is no user \"nobody\""));
  CHECK(contains(err.str(), "--since is a day"));
  CHECK(show_audit(scratch.path() / "elsewhere", {}, out, err) == 1);
}

TEST_CASE_FIXTURE(audited_server, "the chain is checked, and a kept end finds what was cut off") {
  CHECK(verify() == 0);
  CHECK(contains(out.str(), "3 rows, each as it was written"));
  CHECK(contains(err.str(), "--head"));
  std::ostringstream printed;
  REQUIRE(show_audit_head(scratch.path(), printed, err) == 0);
  auto head = printed.str();
  head.pop_back();
  CHECK(verify(head) == 0);
  CHECK(err.str().empty());
  CHECK(verify("3:abc") == 1);
  CHECK(contains(err.str(), "--head is what `varro audit head` printed"));
  raw_database{scratch / "varro.db"}.execute("DROP TRIGGER audit_kept; DELETE FROM audit WHERE id = 3");
  CHECK(verify() == 0);
  CHECK(verify(head) == 1);
  CHECK(contains(err.str(), "the end is cut off: row 3"));
  raw_database{scratch / "varro.db"}.execute("DROP TRIGGER audit_unchanged; UPDATE audit SET at = 1 WHERE id = 2");
  CHECK(verify() == 1);
  CHECK(contains(err.str(), "the audit is broken: row 2 was changed"));
}

TEST_CASE_FIXTURE(audited_server, "links are listed by numbers and taken back by them") {
  std::string hash(64, 'b');
  std::fill_n(hash.begin(), 8, 'a');
  REQUIRE(db->put_link({hash, link_purpose::invitation, user_role::admin, 0, now_us(), now_us() + 3'600'000'000})
          == caf::none);
  CHECK(link_list(scratch.path(), out, err) == 0);
  CHECK(out.str().starts_with("aaaaaaaa\tinvitation\tadmin\t20"));
  CHECK_FALSE(contains(out.str(), "bbbb"));
  for (auto number : {"aaaaaaa", "aaaaaaab", "", "bbbbbbbb"})
    CHECK_MESSAGE(link_revoke(scratch.path(), number, out, err) == 1, number);
  CHECK(link_revoke(scratch.path(), "aaaaaaaa", out, err) == 0);
  out.str("");
  CHECK(link_list(scratch.path(), out, err) == 0);
  CHECK(out.str().empty());
  CHECK(contains(list({.action = "link"}), "command line"));
}

TEST_CASE("a field of comma-separated values is what was put in, and never a formula") {
  CHECK(csv_field("ada") == "ada");
  CHECK(csv_field("") == "");
  CHECK(csv_field("a,b") == "\"a,b\"");
  CHECK(csv_field("a\"b") == "\"a\"\"b\"");
  CHECK(csv_field("two\nlines") == "\"two\nlines\"");
  for (auto formula : {"=1", "+1", "-1", "@x"})
    CHECK(csv_field(formula) == "'" + std::string{formula});
}

TEST_CASE("a page that an admin reloads is new once an hour, for each of them") {
  constexpr unix_us hour = 3'600'000'000;
  read_notes notes;
  CHECK(notes.is_new(1, "/admin", hour));
  notes.told(1, "/admin", hour);
  CHECK_FALSE(notes.is_new(1, "/admin", 2 * hour - 1));
  CHECK(notes.is_new(1, "/admin", 2 * hour));
  CHECK(notes.is_new(2, "/admin", hour));
  CHECK(notes.is_new(1, "/admin/usage", hour));
  for (size_t i = 0; i < read_notes_max; ++i)
    notes.told(3, std::to_string(i), hour);
  CHECK(notes.is_new(1, "/admin", hour)); // forgotten, so told once more
}
