// The database file as any SQLite program sees it: for tests that build old files, damage them or count rows.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace varro::test {

class raw_database {
public:
  explicit raw_database(const std::filesystem::path& file) {
    if (sqlite3_open(file.c_str(), &native_) != SQLITE_OK)
      throw std::runtime_error("cannot open " + file.string());
  }
  ~raw_database() {
    sqlite3_close_v2(native_);
  }
  raw_database(const raw_database&) = delete;
  raw_database& operator=(const raw_database&) = delete;

  void execute(const std::string& sql) {
    if (sqlite3_exec(native_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(native_));
  }

  // The first column of the first row; empty when there is none.
  std::string text(const std::string& sql) {
    sqlite3_stmt* query = nullptr;
    if (sqlite3_prepare_v2(native_, sql.c_str(), -1, &query, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(native_));
    std::string out;
    if (sqlite3_step(query) == SQLITE_ROW)
      if (auto bytes = sqlite3_column_text(query, 0))
        out = reinterpret_cast<const char*>(bytes);
    sqlite3_finalize(query);
    return out;
  }

private:
  sqlite3* native_ = nullptr;
};

} // namespace varro::test
