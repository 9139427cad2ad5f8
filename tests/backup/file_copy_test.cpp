#include "backup/file_copy.hpp"

#include "backup/sha256.hpp"
#include "base/descriptor.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>

using namespace varro;
using namespace varro::test;

namespace {

std::string sha256_of(std::string_view bytes) {
  sha256 hash;
  hash.add(bytes);
  return hash.digits();
}

struct copying {
  scratch_dir scratch;
  descriptor from, to;

  explicit copying(const std::string& bytes = {}) {
    std::ofstream{scratch / "from", std::ios::binary} << bytes;
    from = descriptor{::open((scratch / "from").c_str(), O_RDWR)};
    to = descriptor{::open((scratch / "to").c_str(), O_RDWR | O_CREAT, 0600)};
  }
  file_copy copy(uint64_t bytes_max) {
    return copy_hashed(from.get(), bytes_max, to.get());
  }
  std::string copied() const {
    std::ifstream in{scratch / "to", std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

} // namespace

TEST_CASE("SHA-256 is that of the standard") {
  CHECK(sha256_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a file without blocks of zeros is copied, and has the SHA-256 of its bytes, at each edge of a block") {
  for (size_t size : {size_t{0}, size_t{1}, zero_block_bytes - 1, zero_block_bytes, zero_block_bytes + 1,
                      16 * zero_block_bytes, 16 * zero_block_bytes + 1}) {
    std::string bytes(size, 'x');
    copying world{bytes};
    auto done = world.copy(size);
    CHECK(done.read_error == 0);
    CHECK(done.write_error == 0);
    CHECK(done.bytes == size);
    CHECK(done.sha256 == sha256_of(bytes));
    CHECK(world.copied() == bytes);
  }
}

TEST_CASE("a block of zeros is left out whether it is a hole or not, and where it is counts") {
  std::string block(zero_block_bytes, 'x'), zeros(zero_block_bytes, '\0');
  auto hash_of = [](const std::string& bytes) {
    copying world{bytes};
    auto done = world.copy(bytes.size());
    CHECK(done.bytes == bytes.size());
    CHECK(world.copied() == bytes);
    return done.sha256;
  };
  copying sparse{block};
  REQUIRE(::ftruncate(sparse.from.get(), 2 * zero_block_bytes) == 0);
  REQUIRE(::pwrite(sparse.from.get(), "end", 3, 2 * zero_block_bytes) == 3);
  CHECK(sparse.copy(2 * zero_block_bytes + 3).sha256 == hash_of(block + zeros + "end"));
  CHECK(sparse.copied() == block + zeros + "end");
  CHECK(hash_of(block + zeros + "end") != hash_of(zeros + block + "end"));
  CHECK(hash_of(block + zeros + "end") != hash_of(block + "end"));
}

TEST_CASE("a file of a terabyte that holds nothing takes neither time nor room") {
  constexpr uint64_t size = uint64_t{1} << 40;
  copying world;
  REQUIRE(::ftruncate(world.from.get(), size) == 0);
  auto done = world.copy(size);
  CHECK(done.bytes == size);
  CHECK(done.sha256 == sha256_of(""));
  struct stat status{};
  REQUIRE(::fstat(world.to.get(), &status) == 0);
  CHECK(static_cast<uint64_t>(status.st_size) == size);
  CHECK(status.st_blocks == 0);
}

TEST_CASE("a file with a byte in each block takes no more room than before") {
  constexpr size_t blocks = 100;
  copying world;
  for (size_t i = 0; i < blocks; ++i)
    REQUIRE(::pwrite(world.from.get(), "x", 1, static_cast<off_t>(i * zero_block_bytes + 5'000)) == 1);
  REQUIRE(::ftruncate(world.from.get(), blocks * zero_block_bytes) == 0);
  struct stat before{}, after{};
  REQUIRE(::fstat(world.from.get(), &before) == 0);
  std::ifstream in{world.scratch / "from", std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  auto done = world.copy(bytes.size());
  CHECK(done.sha256 == sha256_of(bytes));
  CHECK(world.copied() == bytes);
  REQUIRE(::fstat(world.to.get(), &after) == 0);
  CHECK(after.st_blocks <= before.st_blocks);
}

TEST_CASE("no more is read than was asked for, and a file that ends sooner is as long as it is") {
  copying longer{"12345"};
  CHECK(longer.copy(3).sha256 == sha256_of("123"));
  CHECK(longer.copied() == "123");
  copying shorter{"12345"};
  auto done = shorter.copy(4'000);
  CHECK(done.bytes == 5);
  CHECK(done.sha256 == sha256_of("12345"));
}

TEST_CASE("who cannot be read or written to is told by errno") {
  copying world{"12345"};
  descriptor only_written{::open((world.scratch / "from").c_str(), O_WRONLY)};
  CHECK(copy_hashed(only_written.get(), 5, world.to.get()).read_error == EBADF);
  descriptor only_read{::open((world.scratch / "to").c_str(), O_RDONLY)};
  CHECK(copy_hashed(world.from.get(), 5, only_read.get()).write_error == EBADF);
  CHECK(copy_hashed(world.from.get(), 5, -1).sha256 == sha256_of("12345"));
}
