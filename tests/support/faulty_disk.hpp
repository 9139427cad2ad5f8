// A disk that counts and fails, under SQLite: the default VFS with its write and sync replaced.
//
// Only files that are opened while the object lives are affected; one object at a time.
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
    if ((bytes_left() -= count) < 0)
      return SQLITE_FULL;
    return real(file)->xWrite(file, bytes, count, offset);
  }
  static int sync(sqlite3_file* file, int flags) {
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
