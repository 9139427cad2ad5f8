#include "config/keys.hpp"
#include "tests/config/support.hpp"

#include <algorithm>
#include <utility>

using namespace varro;
using namespace varro::test;

namespace {

retention_config rules() {
  return written_config{R"(
[retention]
chats_unused_days = 365
attachments_unused_days = 90
[retention.group.guests]
chats_unused_days = 30
[retention.group.research]
chats_unused_days = 730
attachments_unused_days = 0
[retention.group.archive]
chats_unused_days = 0
)"}
    .load()
    .retention;
}

} // namespace

TEST_CASE("rules of everybody and of groups are read from the configuration") {
  const auto configured = rules();
  CHECK(configured.everybody.chats_unused_days == 365);
  REQUIRE(configured.groups.size() == 3);
  const auto guests = std::find_if(configured.groups.begin(), configured.groups.end(),
                                   [](const group_retention& each) { return each.name == "guests"; });
  REQUIRE(guests != configured.groups.end());
  CHECK(guests->rule.chats_unused_days == 30);
  CHECK_FALSE(guests->rule.attachments_unused_days);
}

TEST_CASE("of each time the longest of a user's groups holds, else everybody's; 0 is the longest") {
  const auto configured = rules();
  auto of = [&](const std::vector<std::string>& groups) {
    const auto days = kept_days_of(configured, groups);
    return std::pair{days.chats, days.attachments};
  };
  CHECK(of({}) == std::pair<int64_t, int64_t>{365, 90});
  CHECK(of({"nobody knows it"}) == std::pair<int64_t, int64_t>{365, 90});
  CHECK(of({"guests"}) == std::pair<int64_t, int64_t>{30, 90}); // which says nothing of files
  CHECK(of({"guests", "research"}) == std::pair<int64_t, int64_t>{730, 0});
  CHECK(of({"research", "archive"}) == std::pair<int64_t, int64_t>{0, 0});
  CHECK(of({"archive", "guests"}) == std::pair<int64_t, int64_t>{0, 90});
}

TEST_CASE("without a rule nothing goes") {
  CHECK_FALSE(has_retention({}));
  CHECK_FALSE(has_retention(written_config{"[retention]\nchats_unused_days = 0\n"}.load().retention));
  CHECK(has_retention(written_config{"[retention]\nattachments_unused_days = 1\n"}.load().retention));
  CHECK(has_retention(written_config{"[retention.group.a]\nchats_unused_days = 1\n"}.load().retention));
  const auto days = kept_days_of({}, {"a"});
  CHECK(days.chats == 0);
  CHECK(days.attachments == 0);
}

TEST_CASE("a rule that is none stops the start with its place and what is allowed") {
  CHECK(error_of("[retention]\nchats_unused_days = -1\n")
        == "test.toml:2: retention.chats_unused_days: expected an integer from 0 to 36600, got -1");
  CHECK(contains(error_of("[retention]\nchats_days = 1\n"), "test.toml:2: retention.chats_days: no such key"));
  CHECK(contains(error_of("[retention.group.a]\nfiles = 1\n"), "no such key"));
  CHECK(contains(error_of("[retention.group]\na = 1\n"), "expected a section, written [retention.group.a]"));
  CHECK(contains(error_of("[retention.group.\"\"]\nchats_unused_days = 1\n"), "1 to 200 bytes"));
}

TEST_CASE("each rule of a group is one of everybody, with the same bounds") {
  for (const auto& key : retention_keys()) {
    CAPTURE(key.path);
    const auto path = "retention." + std::string{key.path};
    const auto rows = config_keys();
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& each) { return each.path == path; });
    REQUIRE(row != rows.end());
    CHECK(row->min == key.min);
    CHECK(row->max == key.max);
  }
}
