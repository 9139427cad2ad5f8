// The files of a backup, compared with their hashes and, where that is wanted, made again. One thread; blocking file
// I/O.
#pragma once

#include "backup/manifest.hpp"
#include "base/descriptor.hpp"
#include "base/errors.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

namespace varro {

class tree_maker {
public:
  // `backup`: where its files are. `into`: a directory, with nothing in it but its trees; none: they are only compared.
  tree_maker(descriptor backup, descriptor into);
  ~tree_maker();
  tree_maker(const tree_maker&) = delete;
  tree_maker& operator=(const tree_maker&) = delete;

  // One line of a tree after the other. errc::invalid_input: a file is not as it was, or the manifest makes no sense;
  // where files are only compared, one can go on after it. errc::storage_failed: it cannot be written.
  caf::error take(const manifest_line& line);
  // After the last one.
  caf::error finish();

  uint64_t files() const {
    return files_;
  }
  uint64_t bytes() const {
    return bytes_;
  }
  // What of workspaces this file system cannot hold, such as a longer name or target of a link: paths with the reason,
  // at most unmade_shown_max of them.
  const std::vector<std::string>& unmade() const {
    return unmade_;
  }
  uint64_t unmade_count() const {
    return unmade_count_;
  }

  static constexpr size_t unmade_shown_max = 20;

private:
  // A directory that is being filled; it gets its rights and times afterwards.
  struct filled {
    uint64_t number;
    descriptor directory; // none where files are only compared, and where it could not be made
    mode_t mode;
    int64_t modified_ns;
    std::string name;
  };

  caf::error begin(const manifest_tree& tree);
  caf::error take(const manifest_entry& entry);
  caf::error take_file(const manifest_entry& entry);
  caf::error make_directory(const manifest_entry& entry);
  caf::error make_link(const manifest_entry& entry);
  caf::error compare(const manifest_entry& entry, int to);
  caf::error leave(uint64_t until);
  caf::error close_tree();
  bool give(int file, mode_t mode, int64_t modified_ns) const;
  std::string path_of(const std::string& name) const;
  caf::error broken(const std::string& name, const std::string& what) const;
  caf::error failed(const std::string& name) const;
  // As failed(), but of what a workspace can do without.
  caf::error not_made(const std::string& name);

  descriptor backup_;
  descriptor into_;
  manifest_tree tree_;
  std::vector<filled> path_;      // from the tree's top to the directory that is being filled
  std::set<uint64_t> with_names_; // files of this tree that may be named again
  uint64_t files_ = 0;
  uint64_t bytes_ = 0;
  std::vector<std::string> unmade_;
  uint64_t unmade_count_ = 0;
};

} // namespace varro
