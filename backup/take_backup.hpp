// Makes a backup of a data directory, while a server may be writing in it.
//
// What is in it: the database, of each chat that the database has its workspace, earlier files and snapshots, and
// varro.toml and models.json where they lie in the data directory. Not search.db, which is made anew.
//
// Why all that was acknowledged before it began is in it. The database is taken first, as it is at one moment after the
// beginning; whoever commits does not wait for that. Then the files, each as it is later. A row names a file only after
// that is on the disk: an upload, an earlier state of files and a snapshot are written before the commit that tells of
// them. So whatever a row of the copy names was there when the files were read, unless somebody deleted it after the
// beginning. Read in the other order, a row could name a file that was not read. Snapshots only grow, so that a row's
// place in one stays what it is; one that is begun anew meanwhile, because it is too large, makes the chat lose
// variables.
// Of a chat the workspace is read before its earlier files, because a change of branches moves files from there to
// here.
//
// One thread; blocking file I/O.
#pragma once

#include "backup/manifest.hpp"
#include "backup/tree_taker.hpp"
#include "base/errors.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace varro {

inline constexpr int version_looks_max = 3;        // at earlier files that a server replaces meanwhile
inline constexpr uint64_t left_out_shown_max = 20; // things that are named; the manifest has all

struct backup_request {
  std::filesystem::path data_dir;
  std::filesystem::path directory; // of all backups
  bool full = false;               // no file is shared with the backup before
  size_t keep = 0;                 // so many whole backups stay, if this one is as good as they are; 0: all
  // Called for the first left_out_shown_max things that were left out: where they lie (as shown_name() has it), and
  // why.
  std::function<void(const std::string& path, const std::string& why)> left_out;
};

struct backup_summary {
  std::filesystem::path path;
  size_t chats = 0;
  taking_sums sums;
  uint64_t changed = 0; // files that were written to while they were read
  uint64_t left_out = 0;
  size_t removed = 0;          // older backups; none where something was unreadable, or all_chats_gone
  bool all_chats_gone = false; // the database has none, and the backup before has some
};

// errc::storage_failed, errc::storage_locked, errc::not_found (no database). After an error there is no further backup;
// what there is of it is removed.
caf::expected<backup_summary> take_backup(const backup_request& request);

} // namespace varro
