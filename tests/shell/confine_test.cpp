#include "shell/confine.hpp"

#include <csignal>
#include <cstring>
#include <doctest/doctest.h>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace varro;

namespace {

// What a step does in a process of its own that is confined or is not: true when it worked.
bool works(bool confined, const std::function<bool()>& step) {
  auto child = fork();
  if (child == 0) {
    if (confined && !confine({memory_can_be_limited ? 64u << 20 : 0, 5}))
      _exit(2);
    _exit(step() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE((!WIFEXITED(status) || WEXITSTATUS(status) != 2));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

TEST_CASE("A confined process cannot open, connect, fork, signal or make code, and can compute") {
  std::string file = "/etc/passwd";
  auto steps = std::vector<std::pair<const char*, std::function<bool()>>>{
    {"open a file", [&] { return open(file.c_str(), O_RDONLY) >= 0; }},
    {"make a socket", [] { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }},
    {"fork", [] { return fork() >= 0; }},
    {"signal", [] { return kill(getppid(), 0) == 0; }},
    {"run a program", [] { return execl("/bin/true", "true", nullptr) == 0; }},
    {"make memory executable",
     [] { return mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; }},
    {"make a pipe", [] {
       int ends[2];
       return pipe(ends) == 0;
     }}};
  for (const auto& [what, step] : steps) {
    CAPTURE(what);
    CHECK_FALSE(works(true, step));
    CHECK(works(false, step));
  }
  CHECK(works(true, [] {
    auto* memory = mmap(nullptr, 1u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED && std::memset(memory, 1, 1u << 20) == memory;
  }));
}

TEST_CASE("A confined process has a limit of memory" * doctest::skip(!memory_can_be_limited)) {
  auto take = [](size_t bytes) {
    return
      [=] { return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; };
  };
  CHECK(works(true, take(32u << 20)));
  CHECK_FALSE(works(true, take(128u << 20)));
  CHECK(works(false, take(128u << 20)));
}
