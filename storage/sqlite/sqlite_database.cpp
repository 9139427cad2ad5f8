#include "storage/sqlite/sqlite_database.hpp"

#include "storage/data_dir.hpp"
#include "storage/limits.hpp"
#include "storage/sqlite/schema.hpp"
#include "storage/sqlite/sqlite_database_impl.hpp"

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
  // What is deleted is overwritten, as Debian's SQLite does by default.
  return db.execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON");
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

caf::error write_one(sqlite_database& db, const write_batch& batch) {
  return db.apply(batch);
}

caf::error write_one(sqlite_database& db, const chat_renamed& write) {
  return db.rename_chat(write.user_id, write.chat_id, write.title);
}

caf::error write_one(sqlite_database& db, const chat_deleted& write) {
  return db.delete_chat(write.user_id, write.chat_id, write.by);
}

caf::error write_one(sqlite_database& db, const workspace_measured& write) {
  return db.set_workspace_bytes(write.user_id, write.chat_id, write.bytes);
}

caf::error write_one(sqlite_database& db, const versions_measured& write) {
  return db.set_versions_bytes(write.user_id, write.chat_id, write.bytes);
}

caf::error write_one(sqlite_database& db, const usage_noted& write) {
  return db.note_usage(write.rows);
}

caf::error write_one(sqlite_database& db, const upload_counted& write) {
  return db.count_upload(write);
}

caf::error write_one(sqlite_database& db, const login_record& login) {
  return db.put_login(login);
}

caf::error write_one(sqlite_database& db, const login_dropped& write) {
  return db.drop_login(write.token_hash, write.by);
}

caf::error write_one(sqlite_database& db, const account_write& write) {
  return db.apply(write);
}

} // namespace

caf::expected<std::unique_ptr<sqlite_database>> sqlite_database::open(const std::filesystem::path& data_dir, mode m) {
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
  return std::unique_ptr<sqlite_database>{new sqlite_database{std::move(pimpl)}};
}

sqlite_database::sqlite_database(std::unique_ptr<impl> pimpl) : impl_(std::move(pimpl)) {}

sqlite_database::~sqlite_database() {
  rollback();
  // After an orderly end varro.db alone is the whole database, whoever closes last: a reader cannot empty the log.
  if (sqlite3_db_readonly(impl_->db->native(), "main") == 0)
    impl_->db->execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

caf::error sqlite_database::impl::begin() {
  if (grouped)
    return fail(errc::storage_failed, "database " + db->file() + ": a transaction is open already");
  // IMMEDIATE: waiting for another process happens here, not in the middle of a group.
  if (auto err = db->use("BEGIN IMMEDIATE").run())
    return err;
  grouped = true;
  return caf::none;
}

caf::error sqlite_database::impl::commit() {
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

void sqlite_database::impl::rollback() noexcept {
  if (db->in_transaction())
    db->execute("ROLLBACK");
  grouped = false;
  lost = caf::none;
}

caf::error sqlite_database::begin() {
  return impl_->begin();
}

caf::error sqlite_database::commit() {
  return impl_->commit();
}

group_outcome sqlite_database::commit(std::span<const store_write> writes, ids_wanted wanted) {
  if (auto err = begin())
    return {std::vector<caf::error>(writes.size(), err), err};
  group_outcome outcome;
  outcome.writes.reserve(writes.size());
  for (const auto& write : writes)
    outcome.writes.push_back(std::visit([this](const auto& one) { return write_one(*this, one); }, write));
  outcome.ids = draw_ids(wanted);
  if (auto err = commit()) {
    for (auto& answer : outcome.writes)
      if (!answer)
        answer = err;
    if (outcome.ids)
      outcome.ids = err;
  }
  return outcome;
}

void sqlite_database::rollback() noexcept {
  impl_->rollback();
}

caf::error sqlite_database::check() {
  auto damage = impl_->db->damage();
  if (!damage)
    return damage.error();
  if (!damage->empty())
    return fail(errc::storage_failed,
                "database " + impl_->db->file() + " is damaged: " + *damage + "; restore it from a backup");
  return caf::none;
}

int sqlite_database::schema_version() {
  auto version = read_schema_version(*impl_->db);
  return version ? *version : -1;
}

} // namespace varro
