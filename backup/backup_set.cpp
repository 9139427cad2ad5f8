#include "backup/backup_set.hpp"

#include "base/day.hpp"
#include "base/new_name.hpp"
#include "storage/data_dir.hpp"
#include "workspace/directory.hpp"
#include "workspace/removal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr size_t number_digits = 6; // at least
constexpr uint64_t blobs_in_directory = 1'000;

// Of the form of "000042-2026-11-30T12-00-00Z": a number, and a time of which only the form is looked at.
constexpr std::string_view time_form = "-0000-00-00T00-00-00Z";

caf::error failed(const fs::path& path, const std::string& doing) {
  return fail(errc::storage_failed, "cannot " + doing + " " + path.string() + ": " + std::strerror(errno));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

uint64_t number_of(const std::string& name) {
  return std::strtoull(name.c_str(), nullptr, 10);
}

std::string name_of(uint64_t number, unix_us now) {
  constexpr int64_t second_us = 1'000'000;
  auto seconds = now % day_us / second_us;
  char text[64];
  std::snprintf(text, sizeof text, "%0*llu-%sT%02d-%02d-%02dZ", static_cast<int>(number_digits),
                static_cast<unsigned long long>(number), date_text(now / day_us).c_str(),
                static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  return text;
}

bool is_partial_name(const std::string& name) {
  constexpr std::string_view suffix = partial_suffix;
  return name.ends_with(suffix) && is_backup_name(name.substr(0, name.size() - suffix.size()));
}

// Names that begin with a number, by it.
caf::expected<std::vector<std::string>> names_of(const fs::path& directory, bool (*is_wanted)(const std::string&)) {
  std::vector<std::string> names;
  int problem = 0;
  auto opened = open_directory(AT_FDCWD, directory.string());
  if (opened)
    names = names_in(opened.get(), &problem);
  if (!opened || problem != 0) {
    errno = opened ? problem : errno;
    return failed(directory, "read");
  }
  std::erase_if(names, [&](const std::string& name) { return !is_wanted(name); });
  std::sort(names.begin(), names.end(),
            [](const auto& a, const auto& b) { return std::pair{number_of(a), a} < std::pair{number_of(b), b}; });
  return names;
}

caf::expected<descriptor> take_lock(const fs::path& directory, int flags, int how) {
  auto path = directory / "backup.lock";
  descriptor lock{::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!lock && errno == ENOENT) // of backups that somebody has copied elsewhere, to read them
    return lock;
  if (!lock)
    return failed(path, "open");
  if (::flock(lock.get(), how | LOCK_NB) == 0)
    return lock;
  if (errno != EWOULDBLOCK)
    return failed(path, "lock");
  return fail(errc::storage_locked,
              "the backups in " + directory.string() + " are in use by another `varro backup` or `varro restore`; wait "
                + "until that has ended");
}

caf::error sync_directory(const fs::path& directory) {
  descriptor opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return opened && ::fsync(opened.get()) == 0 ? caf::error{} : failed(directory, "write the directory");
}

} // namespace

bool is_backup_name(const std::string& name) {
  auto digits = static_cast<size_t>(std::find_if_not(name.begin(), name.end(), is_digit) - name.begin());
  if (digits < number_digits || name.size() - digits != time_form.size())
    return false;
  return std::equal(time_form.begin(), time_form.end(), name.begin() + static_cast<ptrdiff_t>(digits),
                    [](char form, char c) { return form == '0' ? is_digit(c) : form == c; });
}

std::string blob_path(uint64_t blob) {
  return "files/" + std::to_string(blob / blobs_in_directory) + "/" + std::to_string(blob);
}

caf::error sync_all(const descriptor& on, const fs::path& path) {
  // One call for all files, which a backup may have millions of. It reports what failed since Linux 5.8.
  return ::syncfs(on.get()) == 0 ? caf::error{} : failed(path, "write to the disk what is in");
}

caf::expected<backup_set> backup_set::open_to_write(const fs::path& directory) {
  std::error_code problem;
  if (fs::exists(directory, problem) && !fs::is_directory(directory, problem))
    return fail(errc::invalid_input, directory.string() + " is a file; backups go into a directory");
  if (auto err = create_data_dir(directory))
    return err;
  auto place = fs::canonical(directory, problem); // it may be a link to where the disk is
  if (problem)
    return fail(errc::storage_failed, "cannot open " + directory.string() + ": " + problem.message());
  auto lock = take_lock(place, O_RDWR | O_CREAT, LOCK_EX);
  if (!lock)
    return lock.error();
  return backup_set{place, std::move(*lock)};
}

caf::expected<backup_set> backup_set::open_to_read(const fs::path& directory) {
  std::error_code problem;
  auto place = fs::canonical(directory, problem);
  if (problem)
    return fail(errc::not_found, "cannot open " + directory.string() + ": " + problem.message());
  auto lock = take_lock(place, O_RDONLY, LOCK_SH);
  if (!lock)
    return lock.error();
  return backup_set{place, std::move(*lock)};
}

caf::expected<std::vector<fs::path>> backup_set::whole() const {
  auto names = names_of(directory_, is_backup_name);
  if (!names)
    return names.error();
  std::vector<fs::path> found;
  for (const auto& name : *names)
    found.push_back(directory_ / name);
  return found;
}

caf::expected<fs::path> backup_set::begin(unix_us now) {
  auto cut_off = names_of(directory_, is_partial_name), complete = names_of(directory_, is_backup_name);
  if (!cut_off || !complete)
    return cut_off ? complete.error() : cut_off.error();
  uint64_t last = 0;
  for (const auto& name : *cut_off) {
    last = std::max(last, number_of(name));
    if (!remove_tree(directory_ / name))
      return failed(directory_ / name, "remove");
  }
  for (const auto& name : *complete)
    last = std::max(last, number_of(name));
  auto path = directory_ / (name_of(last + 1, now) + partial_suffix);
  if (::mkdir(path.c_str(), 0700) != 0 || ::mkdir((path / "files").c_str(), 0700) != 0)
    return failed(path, "make");
  // Here, because only failures that come after it was opened are told to who waits with it.
  unfinished_ = open_directory(AT_FDCWD, path.string());
  if (!unfinished_)
    return failed(path, "open");
  return path;
}

caf::expected<fs::path> backup_set::finish(const fs::path& partial) {
  if (auto err = sync_all(unfinished_, partial))
    return err;
  auto name = partial.filename().string();
  auto whole = directory_ / name.substr(0, name.size() - std::string_view{partial_suffix}.size());
  if (!rename_to_new(AT_FDCWD, partial.c_str(), AT_FDCWD, whole.c_str()))
    return failed(partial, "rename");
  if (auto err = sync_directory(directory_))
    return err;
  return whole;
}

caf::expected<size_t> backup_set::keep_newest(size_t count) {
  auto found = whole();
  if (!found)
    return found.error();
  const auto& all = *found;
  auto surplus = all.size() - std::min(all.size(), count);
  for (size_t i = 0; i < surplus; ++i) {
    auto removed = fs::path{all[i]} += partial_suffix;
    if (::rename(all[i].c_str(), removed.c_str()) != 0)
      return failed(all[i], "rename");
    if (auto err = sync_directory(directory_))
      return err;
    if (!remove_tree(removed))
      return failed(removed, "remove");
  }
  return surplus;
}

} // namespace varro
