#include "config/effective_limits.hpp"

#include <algorithm>
#include <optional>

namespace varro {

namespace {

template <class Number>
Number more_generous(Number a, Number b) {
  return a == 0 || b == 0 ? Number{0} : std::max(a, b);
}

std::vector<std::string> more_generous(std::vector<std::string> a, const std::vector<std::string>& b) {
  if (a.empty() || b.empty())
    return {};
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// One limit of all these; nothing where nobody has it.
template <class Value>
using member_of = std::optional<Value> user_limits::*;

template <class Value>
std::optional<Value> of_group(const limits_config& configured, const written_limits& written, const std::string& group,
                              member_of<Value> member) {
  if (auto found = written.groups.find(group); found != written.groups.end() && found->second.*member)
    return found->second.*member;
  for (const auto& each : configured.groups)
    if (each.name == group)
      return each.limits.*member;
  return std::nullopt;
}

template <class Value>
void settle(user_limits& limits, const limits_config& configured, const written_limits& written,
            const std::vector<std::string>& groups, member_of<Value> member) {
  auto& value = limits.*member;
  value = written.user.*member;
  if (value)
    return;
  for (const auto& group : groups)
    if (auto of_this = of_group(configured, written, group, member))
      value = value ? more_generous(*value, *of_this) : *of_this;
  if (!value)
    value = written.everybody.*member ? written.everybody.*member : configured.everybody.*member;
}

} // namespace

user_limits effective_limits(const limits_config& configured, const written_limits& written,
                             const std::vector<std::string>& groups) {
  user_limits limits;
  settle(limits, configured, written, groups, &user_limits::models);
  settle(limits, configured, written, groups, &user_limits::money_per_month);
  for (auto member : {&user_limits::runs_at_once, &user_limits::model_requests_per_day, &user_limits::tokens_per_day,
                      &user_limits::cell_cpu_seconds_per_day, &user_limits::chats, &user_limits::upload_bytes_per_day,
                      &user_limits::disk_bytes, &user_limits::shells_alive, &user_limits::shell_memory_bytes})
    settle(limits, configured, written, groups, member);
  return limits;
}

size_t shell_memory_of(const user_limits& limits, size_t most) {
  if (!is_limited(limits.shell_memory_bytes))
    return most;
  return std::min(static_cast<size_t>(std::max(*limits.shell_memory_bytes, shell_memory_min)), most);
}

bool is_allowed_model(const user_limits& limits, std::string_view id) {
  if (!limits.models || limits.models->empty())
    return true;
  return std::any_of(limits.models->begin(), limits.models->end(), [&](std::string_view allowed) {
    return allowed == id || (allowed.ends_with(":*") && id.starts_with(allowed.substr(0, allowed.size() - 1)));
  });
}

} // namespace varro
