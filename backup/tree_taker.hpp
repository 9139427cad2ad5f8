// Takes directories that belong to hostile code into a backup, while that code may be writing in them.
//
// All is done by descriptors and no link is followed. A file that is written to while it is read is read again, at most
// reads_max times, and then kept as it was read, which the manifest says. What disappears meanwhile is not missed. What
// is moved from a directory that was not yet read into one that was would be: so all directories are looked at once
// more in the end, and where one has changed, the tree is taken again, at most looks_max times; what it has read of
// files that did not change it does not read again. Of a directory or file that its owner has no right to read, a
// server that is not root gives the right back for the time of the look. Sockets, pipes and devices belong to
// processes: they are named, as is all that was left out. Attributes beyond rights and times of modification are not
// kept.
//
// One thread at a time; blocking file I/O.
#pragma once

#include "backup/blob_store.hpp"
#include "backup/manifest.hpp"
#include "base/descriptor.hpp"
#include "base/errors.hpp"
#include "workspace/file_listing.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace varro {

inline constexpr size_t backup_depth_max = 256;         // directories deeper than this are left out
inline constexpr size_t backup_entries_max = 1'000'000; // of one tree; what is beyond it is left out
inline constexpr int looks_max = 3;                     // at one tree whose directories change
// A file that has not changed for so long is shared with the next backup as long as its times stay. A change within the
// clock's grain, and one by a memory mapping before the kernel writes it back (30 s by default), would not show in
// them.
inline constexpr int64_t settled_ns = 120'000'000'000;
inline constexpr int reads_max = 3; // of one file that changes

// A tree as a backup has it.
struct taken_tree {
  manifest_tree head;
  std::vector<manifest_entry> entries; // a directory before what lies in it
  std::vector<manifest_gap> gaps;
};

// The same, looked up by directory and name.
class former_tree {
public:
  void add(manifest_entry entry);
  const manifest_entry* find(uint64_t in, const std::string& name) const;
  bool empty() const {
    return entries_.empty();
  }

private:
  std::map<std::pair<uint64_t, std::string>, manifest_entry> entries_;
};

struct taking_sums {
  uint64_t files = 0;
  uint64_t bytes = 0;      // read and written
  uint64_t shared = 0;     // files that did not change since the backup before
  uint64_t unreadable = 0; // what the disk or the machine does not give back
  uint64_t restless = 0;   // trees whose directories changed at each look: what was moved may be missing
};

class tree_taker {
public:
  tree_taker(blob_store& blobs, taking_sums& sums, size_t entries_max = backup_entries_max)
    : blobs_(blobs), sums_(sums), entries_max_(entries_max) {}

  // errc::storage_failed: the backup cannot be written.
  caf::expected<taken_tree> take(const manifest_tree& head, const descriptor& top, const former_tree& before);
  // One file of a directory alone, as the tree's only entry; not there: an empty tree.
  caf::expected<taken_tree> take_file(const manifest_tree& head, const descriptor& directory, const std::string& name,
                                      const former_tree& before);

private:
  struct place {
    int directory;
    uint64_t number;
    uint64_t former; // its number in the backup before; no_former: it was not there
    size_t depth;
  };
  static constexpr uint64_t no_former = ~uint64_t{0};

  caf::error look(const descriptor& top);
  bool has_moved(const descriptor& top) const;
  void forget_unused();
  caf::error walk(const place& here);
  caf::error take_entry(const place& here, const std::string& name);
  caf::error take_directory(const place& here, const std::string& name);
  caf::error take_bytes(const place& here, const std::string& name, mode_t mode);
  // Without a blob afterwards: it could not be read, and is left out.
  caf::error copy(const place& here, manifest_entry& entry, const descriptor& source);
  void leave_out(const place& here, const std::string& name, std::string why);
  void leave_out_failed(const place& here, const std::string& name, int number);
  manifest_entry& add(const place& here, const std::string& name, file_entry file);

  blob_store& blobs_;
  taking_sums& sums_;
  size_t entries_max_;
  const former_tree* before_ = nullptr;
  taken_tree tree_;
  file_entry top_;                                        // as it was before it was read
  std::map<uint64_t, manifest_entry> earlier_;            // files that earlier looks have read, by inode
  std::vector<uint64_t> read_;                            // blobs that were made at any look
  std::map<std::pair<uint64_t, uint64_t>, size_t> named_; // files with several names: device and inode → entry
};

} // namespace varro
