#include "backup/restore_backup.hpp"

#include "backup/backup_set.hpp"
#include "backup/tree_maker.hpp"
#include "base/new_name.hpp"
#include "storage/data_dir.hpp"
#include "storage/database_copy.hpp"
#include "workspace/directory.hpp"
#include "workspace/removal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr auto unfinished_name = "restore.partial";
constexpr auto database_name = "varro.db";

caf::error failed(const fs::path& path, const std::string& doing) {
  return fail(errc::storage_failed, "cannot " + doing + " " + path.string() + ": " + std::strerror(errno));
}

// What may lie in a directory in which nothing is: of a mounted disk, of a former restore, of a lock.
bool is_nothing(const std::string& name) {
  return name == "lost+found" || name == "varro.lock" || name == unfinished_name;
}

caf::error check_empty(const fs::path& data_dir) {
  auto names = std::vector<std::string>{};
  if (auto directory = open_directory(AT_FDCWD, data_dir.string()))
    names = names_in(directory.get());
  else if (errno != ENOENT)
    return failed(data_dir, "open");
  if (std::all_of(names.begin(), names.end(), is_nothing))
    return caf::none;
  auto is_there = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  if (is_there(unfinished_name))
    return fail(errc::invalid_input,
                "a `varro restore` into " + data_dir.string() + " was cut off while it put all in "
                  + "place; remove everything in it, and call it again");
  if (is_there("varro.lock"))
    if (auto lock = data_lock::take(data_dir); !lock) // says who runs there
      return lock.error();
  return fail(errc::invalid_input,
              data_dir.string() + " is not empty; name a directory that is, or is not there yet, " + "with --data");
}

// Takes the unfinished files away, whatever happens.
struct unfinished_files {
  fs::path path;
  bool stay = false; // a server shall not start there
  ~unfinished_files() {
    if (!stay)
      remove_tree(path);
  }
};

caf::expected<manifest_reader> open_manifest(const fs::path& backup) {
  auto manifest = manifest_reader::open(backup);
  if (!manifest || manifest->head().schema <= newest_schema())
    return manifest;
  return fail(errc::invalid_input,
              "backup " + backup.string() + " was made by Varro " + manifest->head().version + ", whose database has "
                + "schema " + std::to_string(manifest->head().schema) + "; this Varro knows "
                + std::to_string(newest_schema()) + ": restore with the newer one");
}

// A backup that is read. As long as it is, no `varro backup` removes it.
struct opened_backup {
  fs::path path;
  backup_set held;
  manifest_reader manifest;
};

caf::expected<opened_backup> open_backup(const fs::path& path) {
  auto backup = backup_at(path);
  if (!backup)
    return std::move(backup.error());
  auto set = backup_set::open_to_read(backup->has_parent_path() ? backup->parent_path() : fs::path{"."});
  if (!set)
    return std::move(set.error());
  auto manifest = open_manifest(*backup);
  if (!manifest)
    return std::move(manifest.error());
  return opened_backup{std::move(*backup), std::move(*set), std::move(*manifest)};
}

// All lines; those that are damaged are named together, or end it.
caf::error read_all(manifest_reader& manifest, tree_maker& maker, bool all, restored_backup& told) {
  std::string damages;
  size_t damaged = 0;
  auto note = [&](const caf::error& err) {
    if (++damaged <= damaged_shown_max)
      damages += "\n  " + text_of(err);
  };
  for (;;) {
    auto line = manifest.next();
    if (!line)
      return line.error();
    if (!*line)
      break;
    if (const auto* entry = std::get_if<manifest_entry>(&**line))
      told.changed += entry->changed ? 1 : 0;
    told.left_out += std::holds_alternative<manifest_gap>(**line) ? 1 : 0;
    auto err = maker.take(**line);
    if (!err)
      continue;
    if (code_of(err) != errc::invalid_input)
      return err;
    note(err);
    if (!all)
      break;
  }
  if (damaged == 0)
    if (auto err = maker.finish())
      return err;
  told.files = maker.files();
  told.bytes = maker.bytes();
  told.unmade = maker.unmade();
  told.unmade_count = maker.unmade_count();
  if (damaged == 0)
    return caf::none;
  return fail(errc::invalid_input,
              "backup " + told.backup.string() + " is damaged (" + std::to_string(damaged) + (all ? "" : " or more")
                + " files); another one may be whole:" + damages);
}

// Out of the place where all was built. The database comes last: what has one is whole.
caf::error put_in_place(const fs::path& built, const fs::path& data_dir) {
  auto opened = open_directory(AT_FDCWD, built.string());
  if (!opened)
    return failed(built, "open");
  auto names = names_in(opened.get());
  std::stable_partition(names.begin(), names.end(), [](const auto& name) { return name != database_name; });
  auto place = open_directory(AT_FDCWD, data_dir.string());
  for (const auto& name : names) {
    if (name == database_name && ::fsync(place.get()) != 0)
      return failed(data_dir, "write the directory");
    if (!rename_to_new(opened.get(), name.c_str(), place.get(), name.c_str()))
      return failed(data_dir / name, "put in place");
  }
  return ::fsync(place.get()) == 0 ? caf::error{} : failed(data_dir, "write the directory");
}

} // namespace

caf::expected<fs::path> backup_at(const fs::path& path) {
  // "DIR/" means DIR.
  auto given = path.has_filename() ? path : path.parent_path();
  auto name = given.filename().string();
  if (name.ends_with(partial_suffix))
    return fail(errc::invalid_input, path.string() + " was not finished; take a whole one");
  std::error_code problem;
  if (fs::exists(given / manifest_name, problem))
    return given;
  auto set = backup_set::open_to_read(given);
  if (!set)
    return set.error();
  auto all = set->whole();
  if (!all)
    return all.error();
  if (all->empty())
    return fail(errc::not_found, "there is no whole backup in " + path.string());
  return all->back();
}

caf::expected<restored_backup> check_backup(const fs::path& path) {
  auto backup = open_backup(path);
  if (!backup)
    return backup.error();
  restored_backup told{backup->path, backup->manifest.head()};
  tree_maker maker{open_directory(AT_FDCWD, backup->path.string()), {}};
  if (auto err = read_all(backup->manifest, maker, true, told))
    return err;
  return told;
}

caf::expected<restored_backup> restore_backup(const fs::path& path, const fs::path& data_dir) {
  auto backup = open_backup(path);
  if (!backup)
    return backup.error();
  if (auto err = check_empty(data_dir))
    return err;
  auto lock = data_lock::take(data_dir); // makes the directory
  if (!lock)
    return lock.error();
  unfinished_files built{data_dir / unfinished_name};
  if (!remove_tree(built.path) || ::mkdir(built.path.c_str(), 0700) != 0)
    return failed(built.path, "make");
  auto into = open_directory(AT_FDCWD, built.path.string());
  auto from = open_directory(AT_FDCWD, backup->path.string());
  if (!into || !from)
    return failed(into ? backup->path : built.path, "open");
  restored_backup told{backup->path, backup->manifest.head()};
  tree_maker maker{std::move(from), open_directory(into.get(), ".")};
  if (auto err = read_all(backup->manifest, maker, false, told))
    return err;
  if (!look_at(into.get(), database_name))
    return fail(errc::invalid_input, "backup " + backup->path.string() + " has no database");
  if (auto err = sync_all(into, built.path))
    return err;
  if (auto err = check_empty(data_dir))
    return err;
  built.stay = true;
  if (auto err = put_in_place(built.path, data_dir))
    return err;
  built.stay = false;
  return told;
}

caf::error check_restored(const fs::path& data_dir) {
  struct stat status{};
  auto unfinished = data_dir / unfinished_name;
  if (::lstat(unfinished.c_str(), &status) != 0)
    return caf::none;
  return fail(errc::invalid_input,
              "a `varro restore` into " + data_dir.string() + " was cut off, or is under way; call "
                + "it again, or remove " + unfinished.string());
}

} // namespace varro
