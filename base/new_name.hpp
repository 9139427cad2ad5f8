// Giving a file another name that nobody has. Any thread.
#pragma once

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>

namespace varro {

// False: errno says why; EEXIST where there is something of that name. REQUIRES that nobody else makes that name at the
// same moment: network file systems know no RENAME_NOREPLACE, and there it is looked at first.
inline bool rename_to_new(int from_at, const char* from, int to_at, const char* to) {
  if (::renameat2(from_at, from, to_at, to, RENAME_NOREPLACE) == 0)
    return true;
  struct stat status{};
  if (errno != EINVAL)
    return false;
  if (::fstatat(to_at, to, &status, AT_SYMLINK_NOFOLLOW) == 0)
    errno = EEXIST;
  return errno == ENOENT && ::renameat(from_at, from, to_at, to) == 0;
}

} // namespace varro
