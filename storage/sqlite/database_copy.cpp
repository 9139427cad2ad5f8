#include "storage/database_copy.hpp"

#include "base/new_name.hpp"
#include "storage/data_dir.hpp"
#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/schema.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sqlite3.h>

namespace varro {

namespace fs = std::filesystem;

namespace {

constexpr int all_pages = -1;

// Takes the unfinished file away, whatever happens.
struct unfinished_file {
  fs::path path;
  bool finished = false;
  ~unfinished_file() {
    std::error_code ignored;
    if (!finished)
      fs::remove(path, ignored);
  }
};

caf::error failed(const fs::path& file, const std::string& what) {
  return fail(errc::storage_failed, "backup " + file.string() + ": " + what);
}

caf::error copy_pages(connection& from, connection& to) {
  auto* copy = sqlite3_backup_init(to.native(), "main", from.native(), "main");
  if (copy == nullptr)
    return to.error();
  // All pages in one step: in one read transaction, so that a writer between two steps cannot make it begin again.
  sqlite3_backup_step(copy, all_pages);
  auto code = sqlite3_backup_finish(copy);
  return code == SQLITE_OK ? caf::error{} : to.error(code);
}

// One file that needs no log beside it, and is sound.
caf::error settle(connection& copy) {
  if (auto err = copy.execute("PRAGMA journal_mode = DELETE"))
    return err;
  auto damage = copy.damage();
  if (!damage)
    return damage.error();
  if (!damage->empty())
    return fail(errc::storage_failed, "database " + copy.file() + " is damaged: " + *damage);
  return caf::none;
}

caf::error sync(const fs::path& path, int flags) {
  auto fd = ::open(path.c_str(), flags | O_CLOEXEC);
  auto done = fd >= 0 && ::fsync(fd) == 0;
  auto why = errno;
  if (fd >= 0)
    ::close(fd);
  return done ? caf::error{} : failed(path, std::strerror(why));
}

} // namespace

caf::expected<uintmax_t> back_up(const fs::path& data_dir, const fs::path& file) {
  std::error_code problem;
  if (fs::exists(fs::symlink_status(file, problem)))
    return failed(file, "there is a file of this name; choose another one");
  auto from = connection::open(data_dir / "varro.db", true);
  if (!from)
    return from.error();
  if (auto version = read_schema_version(**from); !version)
    return version.error();
  unfinished_file part{fs::path{file} += ".part"};
  fs::remove(part.path, problem);
  if (auto err = create_private_file(part.path))
    return err;
  {
    auto to = connection::open(part.path, false);
    if (!to)
      return to.error();
    if (auto err = copy_pages(**from, **to))
      return err;
    if (auto err = settle(**to))
      return err;
  }
  if (auto err = sync(part.path, O_RDONLY))
    return err;
  if (!rename_to_new(AT_FDCWD, part.path.c_str(), AT_FDCWD, file.c_str()))
    return failed(file, std::strerror(errno));
  part.finished = true;
  if (auto err = sync(file.has_parent_path() ? file.parent_path() : fs::path{"."}, O_RDONLY | O_DIRECTORY))
    return err;
  return fs::file_size(file, problem);
}

caf::expected<database_copy> look_into_copy(const fs::path& file) {
  auto db = connection::open(file, true);
  if (!db)
    return db.error();
  auto schema = read_schema_version(**db);
  if (!schema)
    return schema.error();
  database_copy copy{*schema, {}};
  auto rows = (*db)->use("SELECT id FROM chats ORDER BY id");
  if (auto err = rows.each_row([&] { copy.chats.push_back(rows.integer(0)); }))
    return err;
  return copy;
}

int newest_schema() {
  return static_cast<int>(schema_migrations().size());
}

} // namespace varro
