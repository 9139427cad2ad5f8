// Snapshots: the chat's file is opened here and handed to the shell's worker.
#include "actors/shell_host_parts.hpp"
#include "workspace/snapshot_store.hpp"

namespace varro {

caf::result<bool> ask_for_snapshot(shell_host_pointer self, uint64_t shell, int64_t chat, uint64_t id, int64_t base) {
  auto& state = self->state;
  if (!state.client)
    return fail(errc::shell_lost, "The shell is gone.");
  const auto& limits = state.settings->shell;
  auto opened = open_snapshots(state.settings->data_dir, chat, limits.snapshot_file_bytes_max);
  if (!opened)
    return opened.error();
  std::optional<uint64_t> before;
  if (base >= 0 && !opened->anew)
    before = static_cast<uint64_t>(base);
  auto frame = snapshot_frame(id, before, limits.snapshot_bytes_max, limits.snapshot_max);
  state.client->send_frame(shell, std::move(frame), std::move(opened->file));
  return opened->anew;
}

caf::result<done_atom> ask_to_restore(shell_host_pointer self, uint64_t shell, int64_t chat, uint64_t id,
                                      int64_t footer) {
  auto& state = self->state;
  if (!state.client || footer < 0)
    return fail(errc::shell_lost, "The shell is gone.");
  auto file = read_snapshots(state.settings->data_dir, chat);
  if (!file)
    return file.error();
  state.client->send_frame(shell, restore_frame(id, static_cast<uint64_t>(footer)), std::move(*file));
  return done_atom_v;
}

} // namespace varro
