#include "backup/file_copy.hpp"

#include "backup/sha256.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

namespace varro {

namespace {

constexpr size_t buffer_bytes = 16 * zero_block_bytes;
constexpr size_t page_bytes = 4096; // what a file system gives a file at least

bool is_zero(const char* bytes, size_t count) {
  return count == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0);
}

// Until there is nothing more, or an error, which errno has then.
ssize_t read_fully(int file, char* into, size_t count, uint64_t offset) {
  size_t done = 0;
  while (done < count) {
    auto n = ::pread(file, into + done, count - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    if (n == 0)
      break;
    done += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

bool write_fully(int file, const char* bytes, size_t count, uint64_t offset) {
  while (count > 0) {
    auto n = ::pwrite(file, bytes, count, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    bytes += n;
    count -= static_cast<size_t>(n);
    offset += static_cast<uint64_t>(n);
  }
  return true;
}

// Without pages of zeros: a file with one byte in each block takes as much room as before.
bool write_pages(int file, const char* bytes, size_t count, uint64_t offset) {
  size_t from = 0; // of the pages that are to be written
  for (size_t i = 0; i < count; i += page_bytes) {
    auto page = std::min(page_bytes, count - i);
    if (!is_zero(bytes + i, page))
      continue;
    if (from < i && !write_fully(file, bytes + from, i - from, offset + from))
      return false;
    from = i + page;
  }
  return from >= count || write_fully(file, bytes + from, count - from, offset + from);
}

// Where the next block begins that may hold anything but zeros; `end` where there is none.
uint64_t skip_hole(int file, uint64_t position, uint64_t end) {
  auto data = ::lseek(file, static_cast<off_t>(position), SEEK_DATA);
  if (data < 0)
    return errno == ENXIO ? end : position; // a file system that knows no holes reads zeros
  auto offset = static_cast<uint64_t>(data);
  return std::min(end, std::max(position, offset - offset % zero_block_bytes));
}

} // namespace

file_copy copy_hashed(int from, uint64_t bytes_max, int to) {
  file_copy result;
  sha256 hash;
  std::vector<char> buffer(buffer_bytes);
  bool left_out = false;
  uint64_t position = 0;
  while ((position = skip_hole(from, position, bytes_max)) < bytes_max) {
    left_out = left_out || position != result.bytes;
    auto wanted = static_cast<size_t>(std::min<uint64_t>(buffer_bytes, bytes_max - position));
    auto count = read_fully(from, buffer.data(), wanted, position);
    if (count < 0) {
      result.read_error = errno;
      return result;
    }
    for (size_t i = 0; i < static_cast<size_t>(count); i += zero_block_bytes) {
      auto block = std::min(zero_block_bytes, static_cast<size_t>(count) - i);
      if (is_zero(buffer.data() + i, block)) {
        left_out = true;
        continue;
      }
      if (left_out) {
        char offset[8];
        for (size_t digit = 0; digit < sizeof offset; ++digit)
          offset[digit] = static_cast<char>((position + i) >> (8 * digit) & 0xff);
        hash.add(offset, sizeof offset);
        left_out = false;
      }
      hash.add(buffer.data() + i, block);
      if (to >= 0 && !write_pages(to, buffer.data() + i, block, position + i)) {
        result.write_error = errno;
        return result;
      }
    }
    position += static_cast<uint64_t>(count);
    result.bytes = position;
    if (static_cast<size_t>(count) < wanted) { // it has become shorter
      bytes_max = position;
      break;
    }
  }
  result.bytes = bytes_max;
  if (to >= 0 && ::ftruncate(to, static_cast<off_t>(result.bytes)) != 0)
    result.write_error = errno;
  result.sha256 = hash.digits();
  return result;
}

} // namespace varro
