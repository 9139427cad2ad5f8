// One SQLite connection with its prepared statements. Internal to storage/.
//
// A connection belongs to one thread at a time (SQLITE_OPEN_NOMUTEX). Errors are errc::storage_failed; their text names
// the database file, what was being done, SQLite's words and, where there is one, what to do about it.
#pragma once

#include "base/errors.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace varro {

class connection;

// One use of a prepared statement: values are bound in the order of ?1, ?2, …; the statement is reset and its values
// are dropped when this object ends. A failed preparation or binding is reported by the first step() or run().
class statement {
public:
  statement(connection& owner, sqlite3_stmt* prepared, int code) : owner_(&owner), prepared_(prepared), code_(code) {}
  statement(statement&& other) noexcept
    : owner_(other.owner_), prepared_(std::exchange(other.prepared_, nullptr)), bound_(other.bound_),
      code_(other.code_) {}
  statement& operator=(statement&&) = delete;
  ~statement();

  statement& bind(int64_t value);
  statement& bind(std::string_view value);       // copied
  statement& bind(std::optional<int64_t> value); // nothing: NULL

  caf::expected<bool> step(); // true: a row stands ready
  caf::error run();           // to the end, rows are passed over

  // Calls `take` for each row that is left. An error, of a step or returned by `take`, ends it.
  template <class Take>
  caf::error each_row(Take take) {
    for (;;) {
      auto row = step();
      if (!row)
        return std::move(row.error());
      if (!*row)
        return caf::none;
      if constexpr (std::is_void_v<decltype(take())>)
        take();
      else if (caf::error err = take())
        return err;
    }
  }

  // Columns of the row that stands ready, from 0.
  int64_t integer(int column) const;
  std::string text(int column) const;
  std::string_view text_view(int column) const; // until the next step

  // SQLite's extended result code of the last failure, or 0.
  int code() const {
    return code_;
  }

private:
  connection* owner_;
  sqlite3_stmt* prepared_;
  int bound_ = 0;
  int code_;
};

class connection {
public:
  // Opens `file` with a busy timeout and foreign keys off. REQUIRES: the file exists.
  static caf::expected<std::unique_ptr<connection>> open(const std::filesystem::path& file, bool read_only);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  // A statement for `sql`, prepared once. REQUIRES: `sql` lives as long as the program (a literal); no second use of
  // the same literal while the first one lives.
  statement use(std::string_view sql);

  // What a query of one number says; 0 where it has no row. `sql` as for use().
  caf::expected<int64_t> number(std::string_view sql);

  // Runs one or more statements that return nothing of interest and are not worth keeping.
  caf::error execute(const char* sql);

  // Writes the file anew without what was deleted, and empties its log. REQUIRES: no transaction is open.
  caf::error compact();

  // PRAGMA quick_check: what it found, in one line; empty when the file is sound.
  caf::expected<std::string> damage();

  // Rows that the last statement inserted, updated or deleted itself (cascades not counted).
  int64_t changes() const;
  bool in_transaction() const;

  // What went wrong last, as an error.
  caf::error error() const;
  caf::error error(int code) const;
  const std::string& file() const {
    return file_;
  }
  sqlite3* native() const {
    return native_;
  }

private:
  connection(sqlite3* native, std::string file) : native_(native), file_(std::move(file)) {}

  sqlite3* native_;
  std::string file_;
  std::unordered_map<std::string_view, sqlite3_stmt*> prepared_;
};

} // namespace varro
