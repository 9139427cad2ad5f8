#include "shell/diagnosis.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace varro;

namespace {

const interpreter_config python{"default", "/usr/bin/python3", {}};

std::string remedy(const std::string& log, const kernel_switches& kernel = {}) {
  return shell_remedy(log, python, kernel);
}

bool names(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a refused start in a container names the flag that is missing") {
  // What bubblewrap and shell/entry say there.
  const std::pair<const char*, const char*> refusals[]{
    {"bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths=unconfined"},
    {"bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "unmask=ALL"},
    {"bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "procMount: Unmasked"},
    {"bwrap: Can't set hostname to varro: Operation not permitted", "sethostname"},
    {"bwrap: pivot_root: Operation not permitted", "apparmor=unconfined"},
    {"separate the mounts: Operation not permitted", "--user 1000"},
    {"bwrap: No permissions to create new namespace", "seccomp=FILE"},
  };
  for (const auto& refusal : refusals) {
    CAPTURE(refusal.first);
    CHECK(names(remedy(refusal.first), refusal.second));
  }
}

TEST_CASE("the kernel's own switches are named where they are the reason, and only there") {
  const std::string refused = "bwrap: No permissions to create new namespace";
  CHECK(names(remedy(refused, {0, 1, 0}), "user.max_user_namespaces"));
  CHECK(names(remedy(refused, {100, 0, 0}), "kernel.unprivileged_userns_clone=1"));
  CHECK(names(remedy(refused, {100, 1, 1}), "/etc/apparmor.d/varro"));
  for (const auto& open : {kernel_switches{}, kernel_switches{100, 1, 0}}) {
    CHECK_FALSE(names(remedy(refused, open), "sysctl"));
    CHECK_FALSE(names(remedy(refused, open), "AppArmor"));
  }
}

TEST_CASE("a program or a package that is missing is named before anything else") {
  const kernel_switches closed{0, 0, 1};
  CHECK(names(remedy("/usr/bin/bwrap is not installed", closed), "apt install bubblewrap"));
  CHECK(names(remedy("/usr/bin/python3 is not installed", closed), "apt install python3"));
  CHECK(names(remedy("ModuleNotFoundError: No module named 'IPython'", closed), "apt install python3-ipython"));
  CHECK_FALSE(remedy("something that nobody has thought of").empty());
}
