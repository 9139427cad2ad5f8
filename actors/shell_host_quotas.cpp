// The quotas of users: what is left for a shell's files, and what the user's other shells are told.
#include "actors/shell_host_parts.hpp"
#include "base/log.hpp"
#include "workspace/usage.hpp"

#include <algorithm>

namespace varro {

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
        then({left_for_user(static_cast<size_t>(held.other_workspaces + held.histories), settings.shell),
              left_for_history(static_cast<size_t>(held.history), settings.chat)});
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
      self->state.client->allow(number, left.of_user);
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
