#include "shell/supervisor/nameless_files.hpp"

#include "base/descriptor.hpp"
#include "shell/channel.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace varro;

namespace {

constexpr size_t mebibyte = 1u << 20;

descriptor unlinked_file(const test::scratch_dir& in, size_t bytes) {
  auto path = in / "nameless";
  descriptor file{open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};
  REQUIRE(file);
  REQUIRE(unlink(path.c_str()) == 0);
  const std::string text(bytes, 'x');
  REQUIRE(write(file.get(), text.data(), bytes) == static_cast<ssize_t>(bytes));
  return file;
}

nameless_files own_files(const test::scratch_dir& in, ino_t channel = 0) {
  struct stat status{};
  REQUIRE(stat(in.path().c_str(), &status) == 0);
  return nameless_files_of({getpid()}, status.st_dev, channel);
}

} // namespace

TEST_CASE("a file without a name counts once while it is open, and files with names do not") {
  test::scratch_dir scratch;
  auto before = own_files(scratch);
  descriptor named{open((scratch / "named").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};
  REQUIRE(write(named.get(), "x", 1) == 1);
  CHECK(own_files(scratch).files == before.files);
  auto file = unlinked_file(scratch, mebibyte);
  descriptor again{dup(file.get())};
  auto usage = own_files(scratch);
  CHECK(usage.files == before.files + 1);
  CHECK(usage.bytes >= before.bytes + mebibyte);
  CHECK(usage.bytes < before.bytes + 2 * mebibyte);
  file.reset();
  CHECK(own_files(scratch).files == before.files + 1);
  again.reset();
  CHECK(own_files(scratch).files == before.files);
}

TEST_CASE("a file without a name counts while it is only mapped") {
  test::scratch_dir scratch;
  auto before = own_files(scratch);
  auto file = unlinked_file(scratch, mebibyte);
  void* area = mmap(nullptr, mebibyte, PROT_READ, MAP_SHARED, file.get(), 0);
  REQUIRE(area != MAP_FAILED);
  file.reset();
  auto usage = own_files(scratch);
  CHECK(usage.files == before.files + 1);
  CHECK(usage.bytes >= before.bytes + mebibyte);
  munmap(area, mebibyte);
  CHECK(own_files(scratch).files == before.files);
}

TEST_CASE("a descriptor in flight is told of") {
  test::scratch_dir scratch;
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  channel one{descriptor{ends[0]}};
  descriptor other{ends[1]};
  CHECK_FALSE(own_files(scratch).may_be_more);
  auto file = unlinked_file(scratch, mebibyte);
  one.send({{"op", "a file"}}, {file.get()});
  file.reset();
  CHECK(own_files(scratch).may_be_more);
  // What the server sent is no secret place.
  struct stat end{};
  REQUIRE(fstat(other.get(), &end) == 0);
  CHECK_FALSE(own_files(scratch, end.st_ino).may_be_more);
  REQUIRE(fstat(one.fd(), &end) == 0);
  CHECK(own_files(scratch, end.st_ino).may_be_more);
}
