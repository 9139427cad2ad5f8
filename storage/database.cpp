#include "storage/database.hpp"

#include "storage/data_dir.hpp"
#include "storage/database_impl.hpp"
#include "storage/limits.hpp"
#include "storage/schema.hpp"

#include <sqlite3.h>

namespace varro {

namespace {

// WAL first of all: a reader never waits for the writer. FULL: a commit is on the disk when it returns.
caf::error prepare_writer(connection& db) {
  if (sqlite3_db_readonly(db.native(), "main") != 0)
    return db.error(SQLITE_READONLY);
  if (auto err = migrate(db, schema_migrations()))
    return err;
  {
    auto query = db.use("PRAGMA journal_mode = WAL");
    auto row = query.step();
    if (!row)
      return std::move(row.error());
    if (query.text_view(0) != "wal")
      return fail(errc::storage_failed,
                  "database " + db.file()
                    + ": its file system cannot share memory between processes (WAL); use a local"
                      " disk");
  }
  auto limit = "PRAGMA journal_size_limit = " + std::to_string(storage_log_bytes_max);
  if (auto err = db.execute(limit.c_str()))
    return err;
  return db.execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
}

caf::error prepare_reader(connection& db) {
  auto version = read_schema_version(db);
  if (!version)
    return std::move(version.error());
  auto known = static_cast<int>(schema_migrations().size());
  if (*version != known)
    return fail(errc::storage_failed,
                "database " + db.file() + ": has schema " + std::to_string(*version) + ", this Varro reads "
                  + std::to_string(known) + "; start `varro serve` of the newest version once");
  return db.execute("PRAGMA query_only = ON");
}

} // namespace

caf::expected<std::unique_ptr<database>> database::open(const std::filesystem::path& data_dir, mode m) {
  auto file = data_dir / "varro.db";
  if (m == mode::read_write) {
    if (auto err = create_data_dir(data_dir))
      return err;
    if (auto err = create_private_file(file))
      return err;
  }
  auto opened = connection::open(file, m == mode::read_only);
  if (!opened)
    return std::move(opened.error());
  auto& db = **opened;
  if (auto err = m == mode::read_write ? prepare_writer(db) : prepare_reader(db))
    return err;
  auto pimpl = std::make_unique<impl>();
  pimpl->db = std::move(*opened);
  return std::unique_ptr<database>{new database{std::move(pimpl)}};
}

database::database(std::unique_ptr<impl> pimpl) : impl_(std::move(pimpl)) {}

database::~database() {
  rollback();
  // After an orderly end varro.db alone is the whole database, whoever closes last: a reader cannot empty the log.
  if (sqlite3_db_readonly(impl_->db->native(), "main") == 0)
    impl_->db->execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

caf::error database::impl::begin() {
  if (grouped)
    return fail(errc::storage_failed, "database " + db->file() + ": a transaction is open already");
  // IMMEDIATE: waiting for another process happens here, not in the middle of a group.
  if (auto err = db->use("BEGIN IMMEDIATE").run())
    return err;
  grouped = true;
  return caf::none;
}

caf::error database::impl::commit() {
  if (!grouped)
    return fail(errc::storage_failed, "database " + db->file() + ": no transaction is open");
  auto err = lost ? lost : db->use("COMMIT").run();
  if (err) {
    rollback();
    return err;
  }
  grouped = false;
  return caf::none;
}

void database::impl::rollback() noexcept {
  if (db->in_transaction())
    db->execute("ROLLBACK");
  grouped = false;
  lost = caf::none;
}

caf::error database::begin() {
  return impl_->begin();
}

caf::error database::commit() {
  return impl_->commit();
}

void database::rollback() noexcept {
  impl_->rollback();
}

caf::error database::check() {
  auto damage = impl_->db->damage();
  if (!damage)
    return damage.error();
  if (!damage->empty())
    return fail(errc::storage_failed,
                "database " + impl_->db->file() + " is damaged: " + *damage + "; restore it from a backup");
  return caf::none;
}

int database::schema_version() {
  auto version = read_schema_version(*impl_->db);
  return version ? *version : -1;
}

unix_us now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

} // namespace varro
