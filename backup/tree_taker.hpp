// Takes directories that belong to hostile code into a backup, while that code may be writing in them.
//
// All is done by descriptors and no link is followed. A file that is written to while it is read is read again, at most
// reads_max times, and then kept as it was read, which the manifest says. What disappears meanwhile is not missed. Of a
// directory or file that its owner has no right to read, a server that is not root gives the right back for the time of
// the look. Sockets, pipes and devices belong to processes: they are named, as is all that was left out. Attributes
// beyond rights and times of modification are not kept.
//
// One thread at a time; blocking file I/O.
#pragma once

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
inline constexpr int reads_max = 3;                     // of one file that changes

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

// The files of the backup that is being made, by number.
class blob_store {
public:
  // `before`: the backup whose files may be shared, or none. Both are directories.
  blob_store(descriptor backup, descriptor before) : backup_(std::move(backup)), before_(std::move(before)) {}

  // A further file, empty; its number is last() afterwards. Closed on failure; errno says why.
  descriptor create();
  // The place of a further file, which somebody else makes; its number is last() afterwards. False: errno says why.
  bool reserve();
  // A further file which is that one of the backup before; false where that cannot be.
  bool share(uint64_t former, uint64_t bytes);
  uint64_t last() const {
    return last_;
  }
  // Removes the files after this one.
  void forget_after(uint64_t blob);
  descriptor open(uint64_t blob) const;

private:
  bool make_place();

  descriptor backup_;
  descriptor before_;
  uint64_t last_ = 0;
};

struct taking_sums {
  uint64_t files = 0;
  uint64_t bytes = 0;      // read and written
  uint64_t shared = 0;     // files that did not change since the backup before
  uint64_t unreadable = 0; // files that the disk does not give back
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

  caf::error walk(const place& here);
  caf::error take_entry(const place& here, const std::string& name);
  caf::error take_directory(const place& here, const std::string& name);
  caf::error take_bytes(const place& here, const std::string& name, mode_t mode);
  // Without a blob afterwards: it could not be read, and is left out.
  caf::error copy(const place& here, manifest_entry& entry, const descriptor& source);
  void leave_out(const place& here, const std::string& name, std::string why);
  manifest_entry& add(const place& here, const std::string& name, file_entry file);

  blob_store& blobs_;
  taking_sums& sums_;
  size_t entries_max_;
  const former_tree* before_ = nullptr;
  taken_tree tree_;
  std::map<std::pair<uint64_t, uint64_t>, size_t> named_; // files with several names: device and inode → entry
};

} // namespace varro
