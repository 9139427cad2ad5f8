#include "actors/chat_parts.hpp"
#include "base/log.hpp"
#include "workspace/paths.hpp"
#include "workspace/removal.hpp"
#include "workspace/snapshot_store.hpp"

#include <filesystem>
#include <system_error>

namespace varro {

namespace {

void complain(chat_session_pointer self, const std::string& what, const caf::error& error) {
  auto chat = std::to_string(self->state.history.chat().id);
  log(log_level::error, "the files of chat " + chat + " are not " + what + ": " + text_of(error));
}

void clear_away(caf::event_based_actor*, const std::filesystem::path& data, int64_t chat) {
  remove_chat_files(data, chat); // what is left is cleared away at the next start
}

} // namespace

std::string notice_of(const workspace_change& change, bool expected) {
  if (!change.found)
    return expected ? "The variables belong to this version of the chat, but its files are as they are now: no earlier "
                      "state of them was kept."
                    : "";
  const auto& differing = change.differing;
  if (differing.count == 0)
    return {};
  std::string text = "Not all files are as they were in this version of the chat: ";
  for (const auto& path : differing.paths)
    text += (&path == &differing.paths.front() ? "" : ", ") + path;
  if (differing.count > differing.paths.size())
    text += " and " + std::to_string(differing.count - differing.paths.size()) + " more";
  return text + ". They were too large to keep (shell.versions_bytes_max), or could not be written.";
}

void restore_files_of(chat_session_pointer self, earlier_files files, continuation then) {
  auto& state = self->state;
  self
    ->request(state.services.keeper, caf::infinite, restore_atom_v, state.history.chat().id, std::move(files.versions))
    .then(
      [=, expected = files.expected](const workspace_change& change) {
        self->state.notice = notice_of(change, expected);
        measure_disk(self, self->state.history.chat().id, true);
        then();
      },
      [=](caf::error& error) {
        complain(self, "restored", error);
        self->state.notice = "The files are as they are now: their earlier state could not be restored.";
        then();
      });
}

void finish_branch_change(chat_session_pointer self) {
  auto& state = self->state;
  auto change = state.stored && !state.history.runs().empty()
    ? branch_change_under_way(state.services.settings->data_dir, state.history.chat().id)
    : std::nullopt;
  if (!change)
    return;
  // While the branch that was to be left is still the active one, nothing was committed, and the files are its own.
  auto committed = !state.history.run_ids().contains(change->left_run);
  auto versions = change->next.empty() ? std::vector{version_after(state.history.runs().back().id)} : change->next;
  if (!committed)
    versions.clear();
  self->request(state.services.keeper, caf::infinite, restore_atom_v, state.history.chat().id, std::move(versions))
    .await([=](const workspace_change& restored) { self->state.notice = notice_of(restored, false); },
           [=](caf::error& error) { complain(self, "restored", error); });
}

void measure_disk(chat_session_pointer self, int64_t chat, bool workspace) {
  const auto& state = self->state;
  if (state.services.keeper)
    self->send(state.services.keeper, usage_atom_v, state.history.chat().user_id, chat, workspace);
}

void remove_files_of(chat_session_pointer self, int64_t chat) {
  const auto& data = self->state.services.settings->data_dir;
  remove_snapshots(data, chat);
  std::error_code ignored; // there may be none
  std::filesystem::rename(workspace_of(data, chat), removed_workspace_of(data, chat), ignored);
  // A thread of its own, for a workspace may hold a million files. What it works on are arguments: CAF 0.17 takes a
  // reference to the empty tuple of a function without any, and that tuple is null.
  self->spawn<caf::detached>(clear_away, data, chat);
}

} // namespace varro
