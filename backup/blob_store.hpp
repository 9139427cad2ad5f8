// The files of the backup that is being made, by number. One thread at a time; blocking file I/O.
#pragma once

#include "base/descriptor.hpp"

#include <cstdint>
#include <utility>

namespace varro {

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
  // Removes one file, whose number stays unused.
  void forget(uint64_t blob);
  // Removes the files after this one.
  void forget_after(uint64_t blob);
  descriptor open(uint64_t blob) const;

private:
  bool make_place();

  descriptor backup_;
  descriptor before_;
  uint64_t last_ = 0;
};

} // namespace varro
