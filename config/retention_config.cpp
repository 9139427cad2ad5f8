#include "config/retention_config.hpp"

#include <algorithm>

namespace varro {

namespace {

using time_of_rule = std::optional<int64_t> retention_rule::*;

int64_t longer(int64_t a, int64_t b) {
  return a == 0 || b == 0 ? 0 : std::max(a, b);
}

int64_t days_of(const retention_config& configured, const std::vector<std::string>& groups, time_of_rule time) {
  std::optional<int64_t> days;
  for (const auto& each : configured.groups) {
    const bool is_theirs = std::find(groups.begin(), groups.end(), each.name) != groups.end();
    if (const auto& said = each.rule.*time; is_theirs && said)
      days = days ? longer(*days, *said) : *said;
  }
  return days ? *days : (configured.everybody.*time).value_or(0);
}

bool says_something(const retention_rule& rule) {
  return rule.chats_unused_days.value_or(0) > 0 || rule.attachments_unused_days.value_or(0) > 0;
}

} // namespace

kept_days kept_days_of(const retention_config& configured, const std::vector<std::string>& groups) {
  return {days_of(configured, groups, &retention_rule::chats_unused_days),
          days_of(configured, groups, &retention_rule::attachments_unused_days)};
}

bool has_retention(const retention_config& configured) {
  return says_something(configured.everybody)
    || std::any_of(configured.groups.begin(), configured.groups.end(),
                   [](const group_retention& each) { return says_something(each.rule); });
}

} // namespace varro
