// The quotas of users: what is left for a shell's files, and what the user's other shells are told.
#include "actors/shell_host_parts.hpp"
#include "base/log.hpp"
#include "workspace/usage.hpp"

#include <algorithm>

namespace varro {

namespace {

// The tighter one of the server's quota and the user's own limit holds.
void add_disk_limit(shell_host_pointer self, int64_t user, int64_t chat, quota_left left,
                    const std::function<void(quota_left)>& then) {
  if (!self->state.allowances) {
    then(std::move(left));
    return;
  }
  self->request(self->state.allowances, caf::infinite, usage_atom_v, user, chat)
    .then(
      [=](const allowance_ptr& allowance) {
        auto tighter = left;
        const auto disk = disk_left(*allowance);
        if (disk && static_cast<size_t>(*disk) < tighter.of_user) {
          tighter.of_user = static_cast<size_t>(*disk);
          tighter.user_quota = disk_quota_words(*allowance);
        }
        then(std::move(tighter));
      },
      [=](caf::error& error) {
        log(log_level::error, "the limits of a user are not known: " + text_of(error));
        then(left);
      });
}

} // namespace

void find_left(shell_host_pointer self, int64_t user, int64_t chat, std::function<void(quota_left)> then) {
  auto& state = self->state;
  if (user == 0 || !state.reader) {
    then({});
    return;
  }
  self->request(state.reader, caf::infinite, usage_atom_v, user, chat)
    .then(
      [=](const user_holdings& held) {
        const auto& settings = *self->state.settings;
        const auto others = static_cast<size_t>(held.other_workspaces + held.histories);
        add_disk_limit(self, user, chat,
                       {left_for_user(others, settings.shell),
                        left_for_history(static_cast<size_t>(held.history), settings.chat),
                        {}},
                       then);
      },
      [=](caf::error& error) {
        log(log_level::error, "the quota of a user is not known: " + text_of(error));
        then({});
      });
}

void allow_anew(shell_host_pointer self, int64_t chat) {
  auto found = self->state.shells.find(chat);
  if (found == self->state.shells.end())
    return;
  find_left(self, found->second.user, chat, [=, number = found->second.number](quota_left left) mutable {
    if (self->state.client && number != 0)
      self->state.client->allow(number, left.of_user, left.user_quota);
    auto shell = self->state.shells.find(chat);
    if (shell == self->state.shells.end() || !shell->second.handle)
      return;
    left.of_user -= std::min(left.of_user, shell->second.files_bytes);
    self->send(shell->second.handle, usage_atom_v, left);
  });
}

void note_committed_cell(shell_host_pointer self, uint64_t shell) {
  for (const auto& [chat, each] : self->state.shells)
    if (each.number == shell) {
      allow_anew(self, chat);
      return;
    }
}

void note_usage(shell_host_pointer self, int64_t user, int64_t chat, int64_t bytes) {
  auto& state = self->state;
  if (auto found = state.shells.find(chat); found != state.shells.end())
    found->second.files_bytes = static_cast<size_t>(std::max<int64_t>(bytes, 0));
  if (!state.store || user == 0)
    return;
  self->request(state.store, caf::infinite, usage_atom_v, user, chat, bytes)
    .then(
      [=](done_atom) {
        for (const auto& [other, shell] : self->state.shells)
          if (other != chat && shell.user == user && shell.busy)
            allow_anew(self, other);
      },
      [](caf::error& error) { log(log_level::error, "the size of a workspace was not kept: " + text_of(error)); });
}

} // namespace varro
