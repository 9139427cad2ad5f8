#include "workspace/versions.hpp"

#include "base/descriptor.hpp"
#include "base/json.hpp"
#include "workspace/directory.hpp"
#include "workspace/file_listing.hpp"
#include "workspace/owner.hpp"
#include "workspace/paths.hpp"
#include "workspace/usage.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>

#include <fcntl.h>
#include <sys/stat.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr int64_t clock_grain_ns = 50'000'000; // times of files are as coarse as the kernel's tick
constexpr std::string_view list_suffix = ".cbor";
constexpr std::string_view blob_prefix = "blob-";
constexpr auto change_file = "branch-change";

caf::error failed(const fs::path& path) {
  return fail(errc::storage_failed, "the workspace's versions " + path.string() + ": " + std::strerror(errno));
}

fs::path directory_of(const fs::path& data_dir, int64_t chat) {
  return data_dir / "versions" / std::to_string(chat);
}

fs::path list_of(const fs::path& directory, const std::string& name) {
  return directory / (name + std::string{list_suffix});
}

fs::path blob_of(const fs::path& directory, uint64_t number) {
  return directory / (std::string{blob_prefix} + std::to_string(number));
}

int64_t now_ns() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::optional<file_listing> load(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in)
    return std::nullopt;
  return listing_from({std::istreambuf_iterator<char>{in}, {}});
}

caf::error save(const fs::path& file, const std::vector<uint8_t>& bytes) {
  auto temporary = file;
  temporary += ".tmp";
  {
    std::ofstream out{temporary, std::ios::binary | std::ios::trunc};
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.flush();
    if (!out)
      return failed(temporary);
  }
  return ::rename(temporary.c_str(), file.c_str()) == 0 ? caf::error{} : failed(file);
}

// The files of one chat.
struct version_store {
  fs::path directory;
  std::vector<std::pair<fs::file_time_type, fs::path>> lists; // oldest first
  std::map<uint64_t, uint64_t> blobs;                         // number → bytes

  explicit version_store(fs::path path) : directory(std::move(path)) {
    std::error_code ignored;
    for (const auto& file : fs::directory_iterator{directory, ignored}) {
      auto name = file.path().filename().string();
      if (name.starts_with(blob_prefix))
        blobs[std::strtoull(name.c_str() + blob_prefix.size(), nullptr, 10)] = file.file_size(ignored);
      else if (name.ends_with(list_suffix))
        lists.emplace_back(file.last_write_time(ignored), file.path());
    }
    std::sort(lists.begin(), lists.end());
  }

  fs::path blob(uint64_t number) const {
    return blob_of(directory, number);
  }

  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const auto& [number, size] : blobs)
      sum += size;
    return sum;
  }

  void remove_blob(uint64_t number) {
    std::error_code ignored;
    fs::remove(blob(number), ignored);
    blobs.erase(number);
  }
};

// How many listings hold each blob.
class blob_holders {
public:
  void add(const file_listing& one) {
    for (const auto& [path, entry] : one.entries)
      ++counts_[entry.blob];
  }
  // Calls with each blob that nobody holds any more.
  template <class F>
  void remove(const file_listing& one, F&& unused) {
    for (const auto& [path, entry] : one.entries)
      if (--counts_[entry.blob] == 0)
        unused(entry.blob);
  }
  bool has(uint64_t blob) const {
    auto found = counts_.find(blob);
    return found != counts_.end() && found->second > 0;
  }

private:
  std::map<uint64_t, size_t> counts_;
};

// Takes over the blobs of what has not changed since the newest version.
void reuse_blobs(const version_store& store, file_listing& now) {
  auto newest = store.lists.empty() ? std::nullopt : load(store.lists.back().second);
  if (!newest)
    return;
  for (auto& [path, entry] : now.entries) {
    auto before = newest->entries.find(path);
    if (entry.what == file_kind::file && before != newest->entries.end() && before->second.settled
        && store.blobs.contains(before->second.blob) && is_unchanged(before->second, entry)) {
      entry.blob = before->second.blob;
      entry.settled = true;
    }
  }
}

// The files whose bytes are to be copied, smallest first, as many as may be kept together with what is kept already.
std::vector<std::pair<uint64_t, std::string>> files_to_copy(const file_listing& now, uint64_t bytes_max) {
  std::vector<std::pair<uint64_t, std::string>> files;
  uint64_t sum = 0;
  for (const auto& [path, entry] : now.entries)
    if (entry.blob != 0)
      sum += entry.bytes;
    else if (entry.what == file_kind::file)
      files.emplace_back(entry.bytes, path);
  std::sort(files.begin(), files.end());
  auto end
    = std::find_if(files.begin(), files.end(), [&](const auto& file) { return (sum += file.first) > bytes_max; });
  files.erase(end, files.end());
  return files;
}

// Drops the oldest versions, but not those with these names.
void make_room(version_store& store, uint64_t wanted, const file_listing& now, const std::vector<std::string>& needed,
               uint64_t bytes_max) {
  auto too_many = store.lists.size() >= versions_max;
  if (!too_many && store.bytes() + wanted <= bytes_max)
    return;
  blob_holders holders;
  holders.add(now);
  for (const auto& [time, file] : store.lists)
    if (auto one = load(file))
      holders.add(*one);
  auto blobs = store.blobs;
  for (const auto& [number, size] : blobs)
    if (!holders.has(number))
      store.remove_blob(number);
  auto versions_left = too_many ? versions_max - versions_max / 10 : versions_max; // not one at each turn
  for (auto next = store.lists.begin(); next != store.lists.end();) {
    if (store.lists.size() <= versions_left && store.bytes() + wanted <= bytes_max)
      return;
    if (std::find(needed.begin(), needed.end(), next->second.stem().string()) != needed.end()) {
      ++next;
      continue;
    }
    if (auto one = load(next->second))
      holders.remove(*one, [&](uint64_t blob) { store.remove_blob(blob); });
    std::error_code ignored;
    fs::remove(next->second, ignored);
    next = store.lists.erase(next);
  }
}

bool copy_into(const descriptor& source, const fs::path& blob, uint64_t bytes) {
  descriptor target{open(blob.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (source && target && copy_bytes(source, target, bytes))
    return true;
  unlink(blob.c_str());
  return false;
}

// Copies these files into new blobs as long as there is room.
void copy_blobs(version_store& store, const descriptor& workspace,
                const std::vector<std::pair<uint64_t, std::string>>& files, file_listing& now, uint64_t bytes_max) {
  auto used = store.bytes();
  auto next = store.blobs.empty() ? 1 : store.blobs.rbegin()->first + 1;
  for (const auto& [bytes, path] : files) {
    if (used + bytes > bytes_max)
      break;
    auto& entry = now.entries.at(path);
    auto began = now_ns();
    // Without O_NONBLOCK a file that has become a FIFO meanwhile would hold us for ever.
    if (!copy_into(open_beneath(workspace.get(), path, O_RDONLY | O_NONBLOCK), store.blob(next), bytes))
      continue;
    entry.settled = entry.changed_ns + clock_grain_ns < began;
    entry.blob = next;
    store.blobs[next++] = bytes;
    used += bytes;
  }
}

// Made when it is missing and `create` is set; a root server gives it to the user of the shells.
caf::expected<descriptor> open_workspace(const fs::path& path, bool create) {
  if (create) {
    mkdir(path.parent_path().c_str(), 0700);
    mkdir(path.c_str(), 0700);
  }
  auto workspace = open_directory(AT_FDCWD, path.string());
  if (!workspace && errno == ENOENT && !create)
    return workspace;
  auto owner = shell_user();
  if (!workspace || (create && geteuid() == 0 && fchown(workspace.get(), owner, static_cast<gid_t>(owner)) != 0))
    return failed(path);
  return workspace;
}

} // namespace

caf::error keep_version(const fs::path& data_dir, int64_t chat, const std::string& name, const shell_config& limits,
                        const std::vector<std::string>& needed) {
  auto directory = directory_of(data_dir, chat);
  mkdir(directory.parent_path().c_str(), 0700);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return failed(directory);
  auto workspace = open_workspace(workspace_of(data_dir, chat), false);
  if (!workspace)
    return std::move(workspace.error());
  file_listing now;
  if (*workspace) {
    now = list_files(*workspace, limits.workspace_files_max);
    version_store store{directory};
    reuse_blobs(store, now);
    auto files = files_to_copy(now, limits.versions_bytes_max);
    uint64_t wanted = 0;
    for (const auto& [bytes, path] : files)
      wanted += bytes;
    make_room(store, wanted, now, needed, limits.versions_bytes_max);
    copy_blobs(store, *workspace, files, now, limits.versions_bytes_max);
  }
  return save(list_of(directory, name), to_bytes(now));
}

std::string version_before(int64_t run) {
  return "before-" + std::to_string(run);
}

std::string version_after(int64_t run) {
  return "after-" + std::to_string(run);
}

bool has_version(const fs::path& data_dir, int64_t chat, const std::string& name) {
  return access(list_of(directory_of(data_dir, chat), name).c_str(), F_OK) == 0;
}

caf::expected<workspace_change> restore_version(const fs::path& data_dir, int64_t chat, const std::string& name,
                                                int64_t to) {
  workspace_change change;
  if (!has_version(data_dir, chat, name))
    return change;
  auto directory = directory_of(data_dir, chat);
  auto wanted = load(list_of(directory, name));
  if (!wanted)
    return fail(errc::storage_failed, "the workspace's version " + list_of(directory, name).string() + " is damaged");
  auto workspace = open_workspace(workspace_of(data_dir, to), !wanted->entries.empty());
  if (!workspace)
    return std::move(workspace.error());
  change.found = true;
  if (!*workspace)
    return change;
  auto open_blob = [&](const file_entry& entry) {
    return descriptor{open(blob_of(directory, entry.blob).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  };
  change.differing = restore_files(*workspace, *wanted, open_blob, shell_user());
  return change;
}

int64_t versions_bytes(const fs::path& data_dir, int64_t chat) {
  constexpr auto all = std::numeric_limits<size_t>::max();
  return static_cast<int64_t>(measure_workspace(directory_of(data_dir, chat), all).bytes);
}

void remove_versions(const fs::path& data_dir, int64_t chat) noexcept {
  std::error_code ignored;
  fs::remove_all(directory_of(data_dir, chat), ignored);
}

caf::error note_branch_change(const fs::path& data_dir, int64_t chat, const branch_change& change) {
  auto text = json{{"left_run", change.left_run}, {"next", change.next}}.dump();
  return save(directory_of(data_dir, chat) / change_file, {text.begin(), text.end()});
}

std::optional<branch_change> branch_change_under_way(const fs::path& data_dir, int64_t chat) {
  std::ifstream in{directory_of(data_dir, chat) / change_file};
  if (!in)
    return std::nullopt;
  auto value = json::parse(in, nullptr, false);
  branch_change change;
  if (!value.is_object() || !value.value("left_run", json{}).is_number_integer())
    return std::nullopt;
  change.left_run = value["left_run"].get<int64_t>();
  for (const auto& name : value.value("next", json::array()))
    if (name.is_string())
      change.next.push_back(name.get<std::string>());
  return change;
}

void forget_branch_change(const fs::path& data_dir, int64_t chat) noexcept {
  unlink((directory_of(data_dir, chat) / change_file).c_str());
}

} // namespace varro
