// The quotas of users: what is left for a shell's files, and what the user's other shells are told.
#include "actors/shell_host_parts.hpp"
#include "base/log.hpp"
#include "workspace/usage.hpp"

#include <limits>

namespace varro {

void find_left(shell_host_pointer self, int64_t user, int64_t chat, std::function<void(size_t)> then) {
  auto& state = self->state;
  const auto& limits = state.settings->shell;
  if (limits.user_bytes_max == 0 || user == 0 || !state.reader) {
    then(std::numeric_limits<size_t>::max());
    return;
  }
  self->request(state.reader, caf::infinite, usage_atom_v, user, chat)
    .then([=, &limits](int64_t others) mutable { then(left_for_user(static_cast<size_t>(others), limits)); },
          [=](caf::error& error) mutable {
            log(log_level::error, "the quota of a user is not known: " + text_of(error));
            then(std::numeric_limits<size_t>::max());
          });
}

void allow_anew(shell_host_pointer self, int64_t chat) {
  auto found = self->state.shells.find(chat);
  if (found == self->state.shells.end() || self->state.settings->shell.user_bytes_max == 0)
    return;
  find_left(self, found->second.user, chat, [=, number = found->second.number](size_t left) {
    if (self->state.client && number != 0)
      self->state.client->allow(number, left);
  });
}

void note_usage(shell_host_pointer self, int64_t user, int64_t chat, int64_t bytes) {
  auto& state = self->state;
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
