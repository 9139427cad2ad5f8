#include "actors/allowances.hpp"

#include "config/keys.hpp"

#include <algorithm>

namespace varro {

namespace {

using self_pointer = allowances_actor::stateful_pointer<allowances_state>;

user_limits& limits_in(written_limits& written, const limit_row& row) {
  if (row.subject == limit_subject::user)
    return written.user;
  return row.subject == limit_subject::group ? written.groups[row.who] : written.everybody;
}

caf::expected<user_limits> limits_of(self_pointer self, int64_t user) {
  auto& state = self->state;
  const auto now = self->clock().now();
  if (auto found = state.known.find(user); found != state.known.end() && now - found->second.read_at < limits_known_max)
    return found->second.limits;
  auto rows = state.book->limits_of(user);
  auto groups = rows ? state.book->groups_of(user) : caf::expected<std::vector<std::string>>{rows.error()};
  auto written = groups ? written_in(*rows) : caf::expected<written_limits>{groups.error()};
  if (!written)
    return std::move(written.error());
  if (state.known.size() >= limits_known_users_max)
    state.known.clear();
  auto limits = effective_limits(state.settings->limits, *written, *groups);
  state.known[user] = {limits, now};
  return limits;
}

bool counts_use(const user_limits& limits) {
  return is_limited(limits.model_requests_per_day) || is_limited(limits.tokens_per_day)
    || is_limited(limits.money_per_month) || is_limited(limits.cell_cpu_seconds_per_day)
    || is_limited(limits.upload_bytes_per_day);
}

// What was known of limits went by the configuration before.
void take_configuration(allowances_state& state) {
  auto now = state.in_force->now();
  if (now == state.settings)
    return;
  state.settings = std::move(now);
  state.known.clear();
}

caf::result<allowance_ptr> allowance_of(self_pointer self, int64_t user, int64_t chat) {
  auto& state = self->state;
  take_configuration(state);
  auto limits = limits_of(self, user);
  if (!limits)
    return std::move(limits.error());
  if (state.runs)
    state.runs->note(user, limits->runs_at_once.value_or(0));
  auto allowance = std::make_shared<user_allowance>();
  allowance->limits = std::move(*limits);
  allowance->at = state.now();
  allowance->settings = state.settings;
  if (counts_use(allowance->limits)) {
    auto used = state.book->use_of(user, allowance->at, state.settings->prices.currency);
    if (!used)
      return std::move(used.error());
    allowance->used = *used;
  }
  if (is_limited(allowance->limits.chats)) {
    auto chats = state.book->count_chats(user);
    if (!chats)
      return std::move(chats.error());
    allowance->chats = *chats;
  }
  if (is_limited(allowance->limits.disk_bytes)) {
    auto disk = state.book->disk_of(user, chat);
    if (!disk)
      return std::move(disk.error());
    allowance->disk = *disk;
  }
  return allowance_ptr{std::move(allowance)};
}

} // namespace

caf::expected<written_limits> written_in(const std::vector<limit_row>& rows) {
  written_limits written;
  for (const auto& row : rows) {
    const auto keys = limit_keys();
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const auto& each) { return each.path == row.name; });
    auto problem = key == keys.end() ? fail(errc::config_invalid, "there is no such limit")
                                     : assign_text(*key, key->locate(limits_in(written, row)), row.value);
    if (problem)
      return fail(errc::storage_failed,
                  "the limit " + row.name + " of " + row.subject + " " + row.who
                    + " cannot be read: " + text_of(problem) + "; set it again with `varro limit set`");
  }
  return written;
}

allowances_actor::behavior_type allowances(self_pointer self, std::unique_ptr<limit_book> book,
                                           std::shared_ptr<const config_in_force> in_force,
                                           std::function<unix_us()> now, std::shared_ptr<run_limits> runs) {
  self->state.book = std::move(book);
  self->state.in_force = std::move(in_force);
  self->state.now = std::move(now);
  self->state.runs = std::move(runs);
  return {
    [=](usage_atom, int64_t user) { return allowance_of(self, user, 0); },
    [=](usage_atom, int64_t user, int64_t chat) { return allowance_of(self, user, chat); },
  };
}

allowances_actor spawn_allowances(caf::actor_system& system, std::unique_ptr<limit_book> book,
                                  std::shared_ptr<const config_in_force> in_force, std::shared_ptr<run_limits> runs) {
  return system.spawn<caf::detached>(allowances, std::move(book), std::move(in_force), now_us, std::move(runs));
}

std::function<int64_t(int64_t user)> runs_at_once_of(std::shared_ptr<run_limits> runs, const allowances_actor& actor) {
  return [runs = std::move(runs), actor](int64_t user) {
    return runs->of(user, [&] { caf::anon_send(actor, usage_atom_v, user); });
  };
}

} // namespace varro
