// A disk that counts and fails, under SQLite: the default VFS with its write and sync replaced.
//
// Only files that are opened while the object lives are affected; one object at a time. Writes and syncs are one count:
// the n-th of them, in the order in which they came, can be made to fail.
#pragma once

#include <sqlite3.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>

namespace varro::test {

class faulty_disk {
public:
  faulty_disk() : below_(sqlite3_vfs_find(nullptr)) {
    below() = below_;
    wrapped_ = *below_;
    wrapped_.zName = "faulty-disk";
    wrapped_.pNext = nullptr;
    wrapped_.xOpen = open;
    bytes_left() = INT64_MAX;
    syncs() = 0;
    heal();
    if (sqlite3_vfs_register(&wrapped_, 1) != SQLITE_OK)
      throw std::runtime_error("cannot register a VFS");
  }
  // REQUIRES: every file that was opened through it is closed.
  ~faulty_disk() {
    sqlite3_vfs_unregister(&wrapped_);
    sqlite3_vfs_register(below_, 1);
  }
  faulty_disk(const faulty_disk&) = delete;
  faulty_disk& operator=(const faulty_disk&) = delete;

  void fill_after(int64_t bytes) {
    bytes_left() = bytes;
  }
  void make_room() {
    bytes_left() = INT64_MAX;
  }
  int64_t synced() const {
    return syncs();
  }

  enum class failing { once, for_ever };
  // The n-th write or sync from now on (1: the next) answers `code`, and all later ones do if it fails for ever.
  void fail_at(int64_t n, int code, failing how) {
    auto& fault = plan();
    fault.code = code;
    fault.how = how;
    fault.met = false;
    fault.left = n;
  }
  void heal() {
    plan().left = INT64_MAX;
  }
  // Whether anything failed since fail_at().
  bool met() const {
    return plan().met;
  }

private:
  static sqlite3_vfs*& below() {
    static sqlite3_vfs* vfs = nullptr;
    return vfs;
  }
  static std::atomic<int64_t>& bytes_left() {
    static std::atomic<int64_t> left{INT64_MAX};
    return left;
  }
  static std::atomic<int64_t>& syncs() {
    static std::atomic<int64_t> count{0};
    return count;
  }
  struct fault {
    std::atomic<int64_t> left{INT64_MAX}; // until the first failure; 0 and less: it has come
    std::atomic<bool> met{false};
    int code = SQLITE_IOERR;
    failing how = failing::once;
  };
  static fault& plan() {
    static fault one;
    return one;
  }
  // What this write or sync answers instead; SQLITE_OK: nothing.
  static int fails() {
    auto& fault = plan();
    auto left = --fault.left;
    if (left > 0 || (left < 0 && fault.how == failing::once))
      return SQLITE_OK;
    fault.met = true;
    return fault.code;
  }
  // The methods of files with locks (the database) and without (its log) differ.
  struct replaced {
    const sqlite3_io_methods* real = nullptr;
    sqlite3_io_methods ours{};
  };
  static std::array<replaced, 4>& table() {
    static std::array<replaced, 4> entries;
    return entries;
  }
  static const sqlite3_io_methods* real(sqlite3_file* file) {
    for (auto& entry : table())
      if (file->pMethods == &entry.ours)
        return entry.real;
    std::abort();
  }
  static const sqlite3_io_methods* replace(const sqlite3_io_methods* methods) {
    for (auto& entry : table()) {
      if (entry.real == methods)
        return &entry.ours;
      if (entry.real != nullptr)
        continue;
      entry.real = methods;
      entry.ours = *methods;
      entry.ours.xWrite = write;
      entry.ours.xSync = sync;
      return &entry.ours;
    }
    std::abort();
  }

  static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
    if (auto code = fails(); code != SQLITE_OK)
      return code;
    if ((bytes_left() -= count) < 0)
      return SQLITE_FULL;
    return real(file)->xWrite(file, bytes, count, offset);
  }
  static int sync(sqlite3_file* file, int flags) {
    if (auto code = fails(); code != SQLITE_OK)
      return code;
    ++syncs();
    return real(file)->xSync(file, flags);
  }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    auto code = below()->xOpen(below(), name, file, flags, out_flags);
    if (code == SQLITE_OK && file->pMethods != nullptr)
      file->pMethods = replace(file->pMethods);
    return code;
  }

  sqlite3_vfs* below_;
  sqlite3_vfs wrapped_{};
};

} // namespace varro::test
