// What lies below a directory, as a value; and making a directory hold that again.
//
// The directory belongs to hostile code: it is walked by descriptors without following links. Regular files,
// directories and links (as such) are listed; sockets, pipes and devices belong to processes. Any thread; blocking file
// I/O.
#pragma once

#include "base/descriptor.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace varro {

enum class file_kind { file, directory, link };

struct file_entry {
  file_kind what = file_kind::file;
  mode_t mode = 0; // the nine bits of rights
  uint64_t bytes = 0;
  int64_t modified_ns = 0; // Unix time
  int64_t changed_ns = 0;  // of the inode, which no program sets at will
  uint64_t inode = 0;
  std::string target; // of a link
  // For the store of versions.
  uint64_t blob = 0;    // where its bytes are kept; 0: nowhere
  bool settled = false; // it had not changed for longer than the clock's grain when it was copied
};

struct file_listing {
  std::map<std::string, file_entry> entries; // by path below the directory
  std::vector<std::string> left_out;         // what was too deep or too much

  static constexpr size_t depth_max = 64; // deeper directories are not listed
};

file_listing list_files(const descriptor& directory, size_t files_max);

// Nothing has written to the file since.
bool is_unchanged(const file_entry& before, const file_entry& now) noexcept;

// Paths are bytes, which JSON text cannot hold: CBOR. nullopt: these bytes are no listing.
std::vector<uint8_t> to_bytes(const file_listing& listing);
std::optional<file_listing> listing_from(const std::vector<uint8_t>& bytes);

// What of a listing could not be restored: paths, at most listed_max of them.
struct file_differences {
  std::vector<std::string> paths;
  size_t count = 0;

  static constexpr size_t listed_max = 5;
};

// Makes the directory hold what the listing says. `open_bytes` opens what a file held. A root caller gives everything
// to `owner`. What is unchanged stays untouched; files whose bytes are kept nowhere stay as they are now.
file_differences restore_files(const descriptor& directory, const file_listing& wanted,
                               const std::function<descriptor(const file_entry&)>& open_bytes, uid_t owner);

// Regular files only: `bytes` of them. The copy shares its blocks with the source where the file system can.
bool copy_bytes(const descriptor& source, const descriptor& target, uint64_t bytes);

} // namespace varro
