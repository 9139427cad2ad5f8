#include "shell/supervisor/nameless_files.hpp"

#include "shell/supervisor/process_tree.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace varro {

namespace {

constexpr size_t block_bytes = 512; // stat's unit
constexpr std::string_view gone_mark = " (deleted)";

struct search {
  dev_t device;
  ino_t channel;
  nameless_files found{};
  std::set<ino_t> seen{};

  void add(const struct stat& file) {
    if (file.st_dev != device || file.st_nlink != 0 || !seen.insert(file.st_ino).second)
      return;
    found.bytes += static_cast<size_t>(file.st_blocks) * block_bytes;
    ++found.files;
  }

  void look_at_open(const std::string& process) {
    DIR* list = opendir((process + "/fd").c_str());
    if (list == nullptr)
      return;
    while (const dirent* entry = readdir(list)) {
      struct stat file{};
      if (entry->d_name[0] == '.' || fstatat(dirfd(list), entry->d_name, &file, 0) != 0)
        continue;
      add(file);
      if (S_ISSOCK(file.st_mode) && file.st_ino != channel)
        look_at_socket(process + "/fdinfo/" + entry->d_name);
    }
    closedir(list);
  }

  // A descriptor in flight is in nobody's table. The kernel tells how many a socket holds.
  void look_at_socket(const std::string& path) {
    auto text = read_process_file(path);
    auto at = text.find("\nscm_fds:");
    if (at != std::string::npos && std::strtoul(text.c_str() + at + std::strlen("\nscm_fds:"), nullptr, 10) != 0)
      found.may_be_more = true;
  }

  void look_at_mapped(const std::string& process) {
    auto text = read_process_file(process + "/maps");
    for (size_t at = 0, end = 0; at < text.size(); at = end + 1) {
      end = std::min(text.find('\n', at), text.size());
      auto line = text.substr(at, end - at);
      unsigned long first = 0, last = 0, inode = 0;
      unsigned high = 0, low = 0;
      if (!line.ends_with(gone_mark)
          || std::sscanf(line.c_str(), "%lx-%lx %*s %*s %x:%x %lu", &first, &last, &high, &low, &inode) != 5
          || makedev(high, low) != device || seen.contains(inode))
        continue;
      struct stat file{};
      char range[40];
      std::snprintf(range, sizeof range, "%lx-%lx", first, last);
      auto link = process + "/map_files/" + range;
      if (stat(link.c_str(), &file) == 0) {
        add(file);
        continue;
      }
      seen.insert(inode);
      found.bytes += last - first;
      ++found.files;
      found.may_be_more = true;
    }
  }
};

} // namespace

nameless_files nameless_files_of(const std::vector<pid_t>& processes, dev_t device, ino_t channel) {
  search all{device, channel};
  // What is open is known better than what is mapped.
  for (auto process : processes)
    all.look_at_open("/proc/" + std::to_string(process));
  for (auto process : processes)
    all.look_at_mapped("/proc/" + std::to_string(process));
  return all.found;
}

} // namespace varro
