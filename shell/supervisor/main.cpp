// varro-shells: started by `varro serve`, see shell/supervisor/supervisor.hpp. Usage: varro-shells SETTINGS, JSON.
#include "base/log.hpp"
#include "shell/supervisor/supervisor.hpp"

#include <csignal>
#include <cstdio>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

constexpr int ready_fd = 3; // closed without a byte once the socket is there; else what went wrong

int refuse(const std::string& why) {
  (void)!write(ready_fd, why.data(), why.size());
  std::fprintf(stderr, "varro-shells: %s\n", why.c_str());
  return 1;
}

} // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  // Shells hold five descriptors each.
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  auto value = argc == 2 ? varro::parse_json(argv[1]) : std::nullopt;
  auto settings = value ? varro::supervisor_settings_from(*value) : std::nullopt;
  if (!settings)
    return refuse("it is started by varro serve");
  varro::supervisor supervisor{std::move(*settings)};
  if (auto problem = supervisor.listen())
    return refuse(varro::text_of(problem));
  close(ready_fd);
  return supervisor.run();
}
