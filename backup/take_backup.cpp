#include "backup/take_backup.hpp"

#include "backup/backup_set.hpp"
#include "backup/file_copy.hpp"
#include "storage/database_copy.hpp"
#include "workspace/directory.hpp"
#include "workspace/paths.hpp"
#include "workspace/removal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

caf::error failed(const fs::path& path) {
  return fail(errc::storage_failed, "cannot read " + path.string() + ": " + std::strerror(errno));
}

// Of one chat, or of the data directory itself.
using former_trees = std::map<tree_kind, former_tree>;

// What the backup before holds, chat by chat in ascending order, as it was written.
class former_backup {
public:
  explicit former_backup(std::optional<manifest_reader> manifest) : manifest_(std::move(manifest)) {}

  // Whether there is a chat, once 0 was asked for.
  bool has_chats() const {
    return waiting_.has_value();
  }

  // Empty where it has none. REQUIRES: no greater chat was asked for before.
  former_trees of(int64_t chat) {
    former_trees trees;
    while (manifest_) {
      if (waiting_ && waiting_->chat > chat)
        break;
      auto tree = std::exchange(waiting_, std::nullopt);
      auto wanted = tree && tree->chat == chat ? &trees[tree->what] : nullptr;
      read_tree(wanted);
      if (!waiting_)
        manifest_.reset(); // the end, or nothing that can be read: from here on everything is copied
    }
    return trees;
  }

private:
  // To the beginning of the next one.
  void read_tree(former_tree* into) {
    for (;;) {
      auto line = manifest_->next();
      if (!line || !*line)
        return;
      if (auto next = std::get_if<manifest_tree>(&**line)) {
        waiting_ = *next;
        return;
      }
      auto entry = std::get_if<manifest_entry>(&**line);
      if (into != nullptr && entry != nullptr)
        into->add(std::move(*entry));
    }
  }

  std::optional<manifest_reader> manifest_;
  std::optional<manifest_tree> waiting_; // the next tree, whose entries were not read
};

// Takes the unfinished backup away, whatever happens.
struct unfinished_backup {
  fs::path path;
  ~unfinished_backup() {
    if (!path.empty())
      remove_tree(path);
  }
};

class taking {
public:
  taking(const backup_request& request, blob_store blobs, manifest_writer manifest, former_backup before)
    : request_(request), blobs_(std::move(blobs)), manifest_(std::move(manifest)), before_(std::move(before)) {}

  caf::error take_all(const fs::path& partial, unix_us began, backup_summary& summary) {
    auto data = open_directory(AT_FDCWD, request_.data_dir.string());
    if (!data)
      return failed(request_.data_dir);
    began_ = began;
    auto copy = take_database(partial);
    if (!copy)
      return copy.error();
    auto former = before_.of(0);
    summary.all_chats_gone = copy->chats.empty() && before_.has_chats();
    for (const auto* name : {"models.json", "varro.toml"})
      if (auto err = take_file({tree_kind::top, 0}, data, name, former))
        return err;
    for (auto chat : copy->chats)
      if (auto err = take_chat(chat))
        return err;
    summary.chats = copy->chats.size();
    summary.sums = sums_;
    summary.changed = changed_;
    summary.left_out = left_out_;
    return manifest_.finish();
  }

private:
  caf::expected<database_copy> take_database(const fs::path& partial) {
    if (!blobs_.reserve())
      return failed(partial);
    auto file = partial / blob_path(blobs_.last());
    if (auto bytes = back_up(request_.data_dir, file); !bytes)
      return bytes.error();
    auto copy = look_into_copy(file);
    if (!copy)
      return copy;
    manifest_.add(manifest_head{copy->schema, VARRO_VERSION, began_});
    manifest_entry entry;
    auto opened = blobs_.open(blobs_.last());
    auto found = look_at(AT_FDCWD, file.string());
    if (!opened || !found)
      return failed(file);
    auto hashed = copy_hashed(opened.get(), found->bytes, -1);
    if (hashed.read_error != 0) {
      errno = hashed.read_error;
      return failed(file);
    }
    entry.number = 1;
    entry.name = "varro.db";
    entry.file = *found;
    entry.file.blob = blobs_.last();
    entry.sha256 = hashed.sha256;
    manifest_.add(manifest_tree{tree_kind::top, 0});
    manifest_.add(entry);
    ++sums_.files;
    sums_.bytes += found->bytes;
    return copy;
  }

  caf::error take_chat(int64_t chat) {
    auto former = before_.of(chat);
    const auto& data = request_.data_dir;
    auto snapshots = open_directory(AT_FDCWD, (data / "snapshots").string());
    if (!snapshots && errno != ENOENT)
      return failed(data / "snapshots");
    if (snapshots)
      if (auto err = take_file({tree_kind::snapshots, chat}, snapshots, std::to_string(chat) + ".snap", former))
        return err;
    // Before the earlier files: where a change of branches puts other files into the workspace meanwhile, those that
    // were there are among them by then.
    if (auto err = take_workspace(chat, former[tree_kind::workspace]))
      return err;
    return take_versions(chat, former[tree_kind::versions]);
  }

  caf::error take_workspace(int64_t chat, const former_tree& former) {
    const manifest_tree head{tree_kind::workspace, chat};
    auto workspace = open_workspace(workspace_of(request_.data_dir, chat).string());
    if (!workspace && errno == ENOENT)
      return caf::none;
    if (!workspace) { // one chat is no reason to have no backup
      sums_.unreadable += errno == EACCES ? 0 : 1;
      return write({head, {}, {{0, "all files", std::string{"cannot be read: "} + std::strerror(errno)}}});
    }
    tree_taker taker{blobs_, sums_};
    auto tree = taker.take(head, workspace, former);
    return tree ? write(*tree) : std::move(tree.error());
  }

  // A list names files beside it, which go when no list names them any more. So a list that was replaced or removed
  // while its files were read is not worth anything: all is looked at again, and in the end it is left out.
  caf::error take_versions(int64_t chat, const former_tree& former) {
    auto directory = open_directory(AT_FDCWD, (request_.data_dir / "versions" / std::to_string(chat)).string());
    if (!directory)
      return errno == ENOENT ? caf::error{} : failed(request_.data_dir / "versions" / std::to_string(chat));
    for (int look = 1;; ++look) {
      auto mark = blobs_.last();
      auto sums = sums_;
      tree_taker taker{blobs_, sums_};
      auto tree = taker.take({tree_kind::versions, chat}, directory, former);
      if (!tree)
        return std::move(tree.error());
      keep_files_only(*tree);
      auto is_replaced = [&](const manifest_entry& entry) {
        auto now = look_at(directory.get(), entry.name);
        return entry.name.ends_with(".cbor") && (!now || !is_unchanged(entry.file, *now));
      };
      if (std::none_of(tree->entries.begin(), tree->entries.end(), is_replaced))
        return write_versions(*tree);
      if (look < version_looks_max) {
        blobs_.forget_after(mark);
        sums_ = sums;
        continue;
      }
      for (const auto& entry : tree->entries)
        if (is_replaced(entry))
          tree->gaps.push_back({entry.in, entry.name, "replaced while it was read"});
      std::erase_if(tree->entries, is_replaced);
      return write_versions(*tree);
    }
  }

  // A branch that was left since the beginning may be the active one in the copy of the database, and the workspace
  // hold the files of the other one already. Its own are kept as `after` its newest run by then. So a change of
  // branches is noted as under way, which the chat ends when it is loaded: it brings back what is kept of the branch
  // that it has.
  caf::error write_versions(taken_tree& tree) {
    constexpr int64_t clock_tick_ns = 20'000'000; // times of files are as coarse
    constexpr std::string_view note = R"({"left_run":0,"next":[]})";
    constexpr auto note_name = "branch-change"; // workspace/versions.hpp
    auto is_left_branch = [&](const manifest_entry& entry) {
      return entry.name.starts_with("after-") && entry.name.ends_with(".cbor")
        && entry.file.modified_ns + clock_tick_ns >= began_ * 1'000;
    };
    if (std::none_of(tree.entries.begin(), tree.entries.end(), is_left_branch))
      return write(tree);
    std::erase_if(tree.entries, [&](const manifest_entry& entry) { return entry.name == note_name; });
    auto file = blobs_.create();
    if (!file || ::write(file.get(), note.data(), note.size()) != static_cast<ssize_t>(note.size()))
      return fail(errc::storage_failed, std::string{"the backup cannot be written: "} + std::strerror(errno));
    manifest_entry entry;
    entry.number = tree.entries.empty() ? 1 : tree.entries.back().number + 1;
    entry.name = note_name;
    entry.file.mode = 0600;
    entry.file.bytes = note.size();
    entry.file.modified_ns = began_ * 1'000;
    entry.file.blob = blobs_.last();
    entry.sha256 = copy_hashed(file.get(), note.size(), -1).sha256;
    tree.entries.push_back(std::move(entry));
    return write(tree);
  }

  caf::error take_file(const manifest_tree& head, const descriptor& directory, const std::string& name,
                       former_trees& former) {
    tree_taker taker{blobs_, sums_};
    auto tree = taker.take_file(head, directory, name, former[head.what]);
    if (!tree)
      return std::move(tree.error());
    keep_files_only(*tree);
    return tree->entries.empty() && tree->gaps.empty() ? caf::error{} : write(*tree);
  }

  // A server puts nothing else there, and a restore takes nothing else.
  static void keep_files_only(taken_tree& tree) {
    auto is_foreign = [](const manifest_entry& entry) { return entry.file.what != file_kind::file || entry.in != 0; };
    for (const auto& entry : tree.entries)
      if (is_foreign(entry))
        tree.gaps.push_back({0, entry.name, "is no file"});
    std::erase_if(tree.entries, is_foreign);
  }

  caf::error write(const taken_tree& tree) {
    manifest_.add(tree.head);
    for (const auto& entry : tree.entries) {
      changed_ += entry.changed ? 1 : 0;
      manifest_.add(entry);
    }
    for (const auto& gap : tree.gaps) {
      ++left_out_;
      if (request_.left_out && left_out_ <= left_out_shown_max)
        request_.left_out(path_of(tree, gap), gap.why);
      manifest_.add(gap);
    }
    return caf::none;
  }

  // For people. Of a tree with directories an entry's number is its place in the list.
  static std::string path_of(const taken_tree& tree, const manifest_gap& gap) {
    auto path = shown_name(gap.name);
    for (auto in = gap.in; in != 0 && in <= tree.entries.size(); in = tree.entries[in - 1].in)
      path = shown_name(tree.entries[in - 1].name) + "/" + path;
    return tree.head.chat == 0 ? path : "chat " + std::to_string(tree.head.chat) + ": " + path;
  }

  const backup_request& request_;
  blob_store blobs_;
  manifest_writer manifest_;
  former_backup before_;
  taking_sums sums_;
  unix_us began_ = 0;
  uint64_t changed_ = 0;
  uint64_t left_out_ = 0;
};

// A user who is erased shall not be found in the data directory any more.
caf::error check_place(const backup_request& request) {
  std::error_code problem;
  if (!fs::exists(request.data_dir / "varro.db", problem))
    return fail(errc::not_found,
                "there is no database in " + request.data_dir.string() + "; give its directory with " + "--data");
  auto data = fs::weakly_canonical(fs::absolute(request.data_dir), problem);
  auto directory = fs::weakly_canonical(fs::absolute(request.directory), problem);
  for (auto above = directory; above != above.root_path(); above = above.parent_path())
    if (above == data)
      return fail(errc::invalid_input,
                  request.directory.string() + " lies in the data directory, whose backups it "
                    + "would hold; choose another disk");
  return caf::none;
}

} // namespace

caf::expected<backup_summary> take_backup(const backup_request& request) {
  auto began = now_us();
  if (auto err = check_place(request))
    return err;
  auto set = backup_set::open_to_write(request.directory);
  if (!set)
    return set.error();
  auto partial = set->begin(began);
  if (!partial)
    return partial.error();
  unfinished_backup guard{*partial};
  auto all = set->whole();
  if (!all)
    return all.error();
  std::optional<manifest_reader> former;
  descriptor before;
  if (!all->empty())
    if (auto manifest = manifest_reader::open(all->back())) { // one that is damaged is no help
      former = std::move(*manifest);
      if (!request.full)
        before = open_directory(AT_FDCWD, all->back().string());
    }
  auto here = open_directory(AT_FDCWD, partial->string());
  if (!here)
    return failed(*partial);
  auto manifest = manifest_writer::create(here.get());
  if (!manifest)
    return manifest.error();
  backup_summary summary;
  taking work{request, blob_store{std::move(here), std::move(before)}, std::move(*manifest),
              former_backup{std::move(former)}};
  if (auto err = work.take_all(*partial, began, summary))
    return err;
  auto whole = set->finish(*partial);
  if (!whole)
    return whole.error();
  guard.path.clear();
  summary.path = *whole;
  // Not where the older ones may have what this one has lost.
  if (request.keep > 0 && summary.sums.unreadable == 0 && !summary.all_chats_gone) {
    auto removed = set->keep_newest(request.keep);
    if (!removed)
      return removed.error();
    summary.removed = *removed;
  }
  return summary;
}

} // namespace varro
