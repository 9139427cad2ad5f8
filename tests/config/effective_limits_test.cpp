#include "config/effective_limits.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace varro;

namespace {

using tokens = std::optional<int64_t>;

user_limits of(tokens value) {
  user_limits limits;
  limits.tokens_per_day = value;
  return limits;
}

// What is said of one limit at each place, and what is in force of it.
struct row {
  const char* why;
  tokens user;
  std::vector<tokens> written_groups; // of the groups a, b, … of which the user is a member
  std::vector<tokens> configured_groups;
  tokens written_everybody;
  tokens configured_everybody;
  tokens expected;
};

constexpr auto no = std::nullopt;

const row table[]{
  {"nothing is said", no, {no}, {no}, no, no, no},
  {"the configuration speaks for everybody", no, {}, {}, no, 5, 5},
  {"what is written for everybody comes before it", no, {}, {}, 6, 5, 6},
  {"also where it takes a limit away", no, {}, {}, 0, 5, 0},
  {"a group comes before everybody, also where it is smaller", no, {no}, {3}, 6, 5, 3},
  {"what is written for a group comes before its configuration, also where it is smaller", no, {2}, {3}, 6, 5, 2},
  {"the most generous group counts", no, {2, 4}, {no, no}, 6, 5, 4},
  {"written or not", no, {2, no}, {no, 9}, 6, 5, 9},
  {"0 is the most generous", no, {0, 4}, {no, no}, 6, 5, 0},
  {"a group that says nothing takes nothing away", no, {no, 4}, {no, no}, 0, no, 4},
  {"the user's own value comes first, also where it is smaller", 1, {7}, {8}, 6, 5, 1},
  {"or takes the limit away", 0, {7}, {8}, 6, 5, 0},
};

} // namespace

TEST_CASE("the limit in force is the user's own, else the most generous of their groups', else everybody's") {
  for (const auto& each : table) {
    CAPTURE(each.why);
    limits_config configured;
    written_limits written;
    std::vector<std::string> groups;
    written.user = of(each.user);
    written.everybody = of(each.written_everybody);
    configured.everybody = of(each.configured_everybody);
    for (size_t i = 0; i < each.written_groups.size(); ++i) {
      groups.emplace_back(1, static_cast<char>('a' + i));
      written.groups[groups.back()] = of(each.written_groups[i]);
      configured.groups.push_back({groups.back(), of(each.configured_groups[i])});
    }
    // Groups of others are nobody's business.
    configured.groups.push_back({"others", of(1'000)});
    written.groups["strangers"] = of(0);
    CHECK(effective_limits(configured, written, groups).tokens_per_day == each.expected);
  }
}

TEST_CASE("every limit goes by the same rule") {
  user_limits all{std::vector<std::string>{"a:*"}, 1, 2, 3, 4.5, 5, 6, 7, 8, 9, 10};
  limits_config configured;
  configured.everybody = all;
  auto in_force = effective_limits(configured, {}, {});
  CHECK(in_force.models == all.models);
  CHECK(in_force.runs_at_once == 1);
  CHECK(in_force.model_requests_per_day == 2);
  CHECK(in_force.tokens_per_day == 3);
  CHECK(in_force.money_per_month == 4.5);
  CHECK(in_force.cell_cpu_seconds_per_day == 5);
  CHECK(in_force.chats == 6);
  CHECK(in_force.upload_bytes_per_day == 7);
  CHECK(in_force.shells_alive == 8);
  CHECK(in_force.shell_memory_bytes == 9);
  CHECK(in_force.disk_bytes == 10);
}

TEST_CASE("a user's shell has what its limit says, but what it needs, and never more than the server's shells have") {
  constexpr size_t mib = 1u << 20;
  const auto memory = [](std::optional<int64_t> limit, size_t most) {
    user_limits limits;
    limits.shell_memory_bytes = limit;
    return shell_memory_of(limits, most);
  };
  CHECK(memory({}, 2'048 * mib) == 2'048 * mib);
  CHECK(memory(0, 2'048 * mib) == 2'048 * mib);
  CHECK(memory(300 * mib, 2'048 * mib) == 300 * mib);
  CHECK(memory(2'048 * mib + 1, 2'048 * mib) == 2'048 * mib);
  CHECK(memory(1, 2'048 * mib) == 256 * mib);
  CHECK(memory(1, 256 * mib) == 256 * mib);
}

TEST_CASE("the models of all groups may be used together, and all where one group has no list") {
  limits_config configured;
  configured.groups = {{"a", {}}, {"b", {}}, {"c", {}}};
  configured.groups[0].limits.models = {"x:one"};
  configured.groups[1].limits.models = {"y:*"};
  configured.groups[2].limits.models = std::vector<std::string>{};
  auto two = effective_limits(configured, {}, {"a", "b"});
  CHECK(is_allowed_model(two, "x:one"));
  CHECK(is_allowed_model(two, "y:anything"));
  CHECK_FALSE(is_allowed_model(two, "x:two"));
  CHECK_FALSE(is_allowed_model(two, "yy:one"));
  CHECK_FALSE(is_allowed_model(two, "x:one-and-more"));
  CHECK(is_allowed_model(effective_limits(configured, {}, {"a", "c"}), "z:one"));
  CHECK(is_allowed_model({}, "z:one"));
}
