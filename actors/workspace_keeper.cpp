#include "actors/workspace_keeper.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"
#include "workspace/paths.hpp"
#include "workspace/removal.hpp"
#include "workspace/snapshot_store.hpp"
#include "workspace/usage.hpp"
#include "workspace/versions.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <set>

namespace varro {

namespace {

caf::result<done_atom> done_unless(const caf::error& error) {
  if (error)
    return error;
  return done_atom_v;
}

// The first of these versions that there is.
caf::expected<workspace_change> restore_first(const config& settings, int64_t chat,
                                              const std::vector<std::string>& names, int64_t to) {
  caf::expected<workspace_change> change{workspace_change{}};
  for (auto name = names.begin(); name != names.end() && change && !change->found; ++name)
    change = restore_version(settings.data_dir, chat, *name, to);
  return change;
}

caf::error keep_before_branch_change(const config& settings, int64_t chat, int64_t left_run,
                                     const std::vector<std::string>& next) {
  if (auto err = keep_version(settings.data_dir, chat, version_after(left_run), settings.shell, next))
    return err;
  return note_branch_change(settings.data_dir, chat, {left_run, next});
}

// The files of a fork are those of the first of these versions that there is, else those of now.
caf::expected<workspace_change> fork_files(const config& settings, int64_t chat, std::vector<std::string> names,
                                           int64_t to) {
  static const std::string now = "now";
  if (auto err = copy_snapshots(settings.data_dir, chat, to))
    return err;
  auto change = restore_first(settings, chat, names, to);
  if (!change || change->found || !std::filesystem::exists(workspace_of(settings.data_dir, chat)))
    return change;
  if (auto err = keep_version(settings.data_dir, chat, now, settings.shell))
    return err;
  return restore_version(settings.data_dir, chat, now, to);
}

// The chats whose earlier files are those that were measured last.
struct measured_chats {
  static constexpr size_t chats_max = 10'000; // then all are measured anew
  std::set<int64_t> chats;

  void add(int64_t chat) {
    if (chats.size() >= chats_max)
      chats.clear();
    chats.insert(chat);
  }
};
using measured_pointer = std::shared_ptr<measured_chats>;

void measure_versions(workspace_keeper_actor::pointer self, const config& settings, const store_actor& store,
                      const measured_pointer& measured, int64_t user, int64_t chat) {
  if (measured->chats.contains(chat))
    return;
  measured->add(chat);
  const versions_measured one{user, chat, versions_bytes(settings.data_dir, chat)};
  self->request(store, caf::infinite, usage_atom_v, one)
    .then([](done_atom) {},
          [=](caf::error& error) {
            measured->chats.erase(chat);
            log(log_level::error, "the size of earlier files was not kept: " + text_of(error));
          });
}

void measure_files(workspace_keeper_actor::pointer self, const config& settings, const store_actor& store, int64_t user,
                   int64_t chat) {
  const auto usage = measure_workspace(workspace_of(settings.data_dir, chat), settings.shell);
  self->request(store, caf::infinite, usage_atom_v, user, chat, static_cast<int64_t>(usage.bytes))
    .then([](done_atom) {},
          [](caf::error& error) { log(log_level::error, "the size of a workspace was not kept: " + text_of(error)); });
}

// What chats have outside of the database: "7", "7.deleted", "7.snap" of a chat 7.
struct files_of_chat {
  std::filesystem::path path;
  int64_t chat = 0;
  bool deleted = false;
};

std::vector<files_of_chat> all_files_of_chats(const std::filesystem::path& data_dir) {
  std::vector<files_of_chat> found;
  std::error_code ignored;
  for (const auto* part : {"workspaces", "snapshots", "versions"})
    for (const auto& file : std::filesystem::directory_iterator{data_dir / part, ignored}) {
      auto name = file.path().filename().string();
      int64_t chat = 0;
      auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), chat);
      auto suffix = std::string_view{name}.substr(static_cast<size_t>(end - name.data()));
      if (error != std::errc{} || chat <= 0 || !(suffix.empty() || suffix == ".deleted" || suffix == ".snap"))
        continue; // not ours
      found.push_back({file.path(), chat, suffix == ".deleted"});
    }
  return found;
}

// What a deletion that a crash cut off has left, of a chat that is in the database no more.
void sweep(const std::filesystem::path& data_dir, const known_chats& known) {
  for (const auto& files : all_files_of_chats(data_dir)) {
    auto gone = files.chat <= known.greatest && !std::binary_search(known.ids.begin(), known.ids.end(), files.chat);
    if (gone || files.deleted)
      remove_tree(files.path);
  }
}

} // namespace

int64_t greatest_chat_with_files(const std::filesystem::path& data_dir) {
  int64_t greatest = 0;
  for (const auto& files : all_files_of_chats(data_dir))
    greatest = std::max(greatest, files.chat);
  return greatest;
}

workspace_keeper_actor::behavior_type workspace_keeper(workspace_keeper_actor::pointer self,
                                                       std::shared_ptr<const config> settings, known_chats known,
                                                       store_actor store) {
  sweep(settings->data_dir, known);
  auto measured = std::make_shared<measured_chats>();
  return {
    [=](keep_atom, int64_t chat, const std::string& name, int64_t latest) -> caf::result<done_atom> {
      if (has_version(settings->data_dir, chat, name))
        return done_atom_v;
      if (now_us() > latest) // the cell may run already
        return fail(errc::storage_failed, "other chats' files took too long");
      measured->chats.erase(chat);
      return done_unless(keep_version(settings->data_dir, chat, name, settings->shell));
    },
    [=](branch_atom, int64_t chat, int64_t left_run, const std::vector<std::string>& next) {
      measured->chats.erase(chat);
      return done_unless(keep_before_branch_change(*settings, chat, left_run, next));
    },
    [=](restore_atom, int64_t chat, const std::vector<std::string>& names) -> caf::result<workspace_change> {
      auto change = restore_first(*settings, chat, names, chat);
      if (!change)
        return std::move(change.error());
      forget_branch_change(settings->data_dir, chat);
      return std::move(*change);
    },
    [=](fork_atom, int64_t chat, std::vector<std::string>& names, int64_t to) -> caf::result<workspace_change> {
      measured->chats.erase(chat);
      auto change = fork_files(*settings, chat, std::move(names), to);
      if (!change)
        return std::move(change.error());
      return std::move(*change);
    },
    [=](usage_atom, int64_t user, int64_t chat, bool workspace) {
      if (!store)
        return;
      measure_versions(self, *settings, store, measured, user, chat);
      if (workspace)
        measure_files(self, *settings, store, user, chat);
    },
  };
}

workspace_keeper_actor spawn_workspace_keeper(caf::actor_system& system, std::shared_ptr<const config> settings,
                                              known_chats known, store_actor store) {
  return system.spawn<caf::detached>(workspace_keeper, std::move(settings), std::move(known), std::move(store));
}

} // namespace varro
