#include "workspace/owner.hpp"

#include <cstdint>
#include <fstream>

#include <unistd.h>

namespace varro {

namespace {

// Above every range that login, systemd or subordinate ids use; inside a container with 65,536 ids the range that
// Debian leaves unassigned.
constexpr uint64_t high_first = 1'900'000'000, high_count = 200'000'000;
constexpr uint64_t low_first = 30'000, low_count = 30'000;

} // namespace

uid_t shell_user() noexcept {
  static const uid_t user = [] {
    std::ifstream map{"/proc/self/uid_map"};
    uint64_t first = 1, outside = 0, count = 0;
    bool all = map >> first >> outside >> count && first == 0 && count > high_first + high_count;
    return geteuid() != 0 ? uid_t{0} : static_cast<uid_t>(all ? high_first : low_first);
  }();
  return user;
}

bool is_former_shell_user(uid_t user) noexcept {
  return user != shell_user()
    && ((user >= high_first && user < high_first + high_count) || (user >= low_first && user < low_first + low_count));
}

} // namespace varro
