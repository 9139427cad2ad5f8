// The bytes of one file, copied and hashed in one pass. Any thread; blocking file I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace varro {

// Zeros are left out by whole blocks of this size, so that a sparse file stays one, whatever its holes look like.
inline constexpr size_t zero_block_bytes = 64u << 10;

struct file_copy {
  uint64_t bytes = 0; // with the zeros; fewer than wanted where the file has become shorter
  // SHA-256 of the blocks that are not only zeros; behind those that are left out stands the offset of the next one
  // that is not (8 bytes, little-endian). Of a file without such blocks it is the SHA-256 of its bytes, as sha256sum
  // says it. So a file of a terabyte that takes no room on the disk takes no time either.
  std::string sha256 = {};
  int read_error = 0; // errno of what ended it; 0: nothing did
  int write_error = 0;
};

// Reads `from`, a regular file that is open for reading, up to `bytes_max` bytes. Writes them to `to`, which is open
// for writing and empty, or nowhere: -1.
file_copy copy_hashed(int from, uint64_t bytes_max, int to);

} // namespace varro
