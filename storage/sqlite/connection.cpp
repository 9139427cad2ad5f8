#include "storage/sqlite/connection.hpp"

#include <algorithm>
#include <utility>

#include "storage/limits.hpp"

#include <sqlite3.h>

namespace varro {

namespace {

const char* advice(int code) {
  switch (code & 0xff) {
  case SQLITE_FULL:
    return "; free some space on that disk, nothing of this change was stored";
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return "; the file is damaged or not a database: restore it from a backup";
  case SQLITE_READONLY:
  case SQLITE_CANTOPEN:
  case SQLITE_PERM:
    return "; check that the user who runs Varro may write to the file and its directory";
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return "; another process is writing to it, try again";
  default:
    return "";
  }
}

} // namespace

statement::~statement() {
  if (prepared_ == nullptr)
    return;
  sqlite3_reset(prepared_);
  sqlite3_clear_bindings(prepared_);
}

statement& statement::bind(int64_t value) {
  if (code_ == SQLITE_OK)
    code_ = sqlite3_bind_int64(prepared_, ++bound_, value);
  return *this;
}

statement& statement::bind(std::string_view value) {
  // A null pointer would bind NULL instead of the empty text.
  const char* bytes = value.data() == nullptr ? "" : value.data();
  if (code_ == SQLITE_OK)
    code_ = sqlite3_bind_text64(prepared_, ++bound_, bytes, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

statement& statement::bind(std::optional<int64_t> value) {
  if (value)
    return bind(*value);
  if (code_ == SQLITE_OK)
    code_ = sqlite3_bind_null(prepared_, ++bound_);
  return *this;
}

caf::expected<bool> statement::step() {
  if (code_ != SQLITE_OK)
    return owner_->error(code_);
  auto code = sqlite3_step(prepared_);
  if (code == SQLITE_ROW)
    return true;
  if (code == SQLITE_DONE)
    return false;
  code_ = sqlite3_extended_errcode(owner_->native());
  return owner_->error(code_);
}

caf::error statement::run() {
  for (;;) {
    auto row = step();
    if (!row)
      return std::move(row.error());
    if (!*row)
      return caf::none;
  }
}

int64_t statement::integer(int column) const {
  return sqlite3_column_int64(prepared_, column);
}

std::string_view statement::text_view(int column) const {
  auto bytes = reinterpret_cast<const char*>(sqlite3_column_text(prepared_, column));
  if (bytes == nullptr)
    return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(prepared_, column))};
}

std::string statement::text(int column) const {
  return std::string{text_view(column)};
}

caf::expected<std::unique_ptr<connection>> connection::open(const std::filesystem::path& file, bool read_only) {
  auto flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
  sqlite3* native = nullptr;
  auto code = sqlite3_open_v2(file.c_str(), &native, flags, nullptr);
  if (native == nullptr)
    return fail(errc::storage_failed, "database " + file.string() + ": out of memory");
  auto opened = std::unique_ptr<connection>{new connection{native, file.string()}};
  if (code != SQLITE_OK)
    return opened->error();
  sqlite3_busy_timeout(native, storage_busy_ms_max);
  return opened;
}

connection::~connection() {
  for (auto& [sql, prepared] : prepared_)
    sqlite3_finalize(prepared);
  sqlite3_close_v2(native_);
}

statement connection::use(std::string_view sql) {
  if (auto found = prepared_.find(sql); found != prepared_.end())
    return {*this, found->second, SQLITE_OK};
  sqlite3_stmt* prepared = nullptr;
  auto code = sqlite3_prepare_v3(native_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                 &prepared, nullptr);
  if (code != SQLITE_OK)
    return {*this, nullptr, code};
  prepared_.emplace(sql, prepared);
  return {*this, prepared, SQLITE_OK};
}

caf::expected<int64_t> connection::number(std::string_view sql) {
  auto query = use(sql);
  auto row = query.step();
  if (!row)
    return std::move(row.error());
  return *row ? query.integer(0) : 0;
}

caf::error connection::execute(const char* sql) {
  if (sqlite3_exec(native_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return error();
  return caf::none;
}

int64_t connection::changes() const {
  return sqlite3_changes64(native_);
}

bool connection::in_transaction() const {
  return sqlite3_get_autocommit(native_) == 0;
}

caf::error connection::error() const {
  return error(sqlite3_extended_errcode(native_));
}

caf::error connection::error(int code) const {
  // The connection's own words are richer, but only as long as they are about this code.
  const char* words = sqlite3_extended_errcode(native_) == code ? sqlite3_errmsg(native_) : sqlite3_errstr(code);
  return fail(errc::storage_failed, "database " + file_ + ": " + words + advice(code));
}

caf::error connection::compact() {
  if (auto err = execute("VACUUM main"))
    return err;
  // Until it is copied into the file, the file is as it was, and the log holds every row once more.
  auto copied = use("PRAGMA main.wal_checkpoint(TRUNCATE)");
  auto row = copied.step();
  if (!row)
    return std::move(row.error());
  if (*row && copied.integer(0) != 0)
    return fail(errc::storage_failed,
                "database " + file_ + ": a reader keeps what was deleted in the log; it is tried again");
  return caf::none;
}

caf::expected<std::string> connection::damage() {
  auto query = use("PRAGMA quick_check(1)");
  auto row = query.step();
  if (!row)
    return std::move(row.error());
  auto words = query.text(0);
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words == "ok" ? std::string{} : words;
}

} // namespace varro
