#include "tests/support/scratch_dir.hpp"
#include "workspace/files.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace varro;
using namespace varro::test;

namespace {

std::string content_of(const caf::expected<workspace_files::opened>& file) {
  std::string result(file->bytes, '\0');
  auto n = ::pread(file->file.get(), result.data(), result.size(), 0);
  result.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return result;
}

void put(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream{path} << bytes;
}

} // namespace

TEST_CASE("what is written can be read again under its name") {
  scratch_dir scratch;
  auto files = workspace_files::create(scratch / "1", geteuid());
  REQUIRE(files);
  auto name = files->write("C:\\data\\sales 2024.csv", "a,b");
  REQUIRE(name);
  CHECK(*name == "sales 2024.csv");
  REQUIRE(files->write("sales 2024.csv", "c,d,e"));
  auto file = files->read("sales 2024.csv");
  REQUIRE(file);
  CHECK(content_of(file) == "c,d,e");
  struct stat status{};
  REQUIRE(::stat((scratch / "1").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
}

TEST_CASE("only regular files beneath the workspace are read, and no link is followed") {
  scratch_dir scratch;
  auto root = scratch / "1";
  auto files = workspace_files::create(root, geteuid());
  REQUIRE(files);
  put(scratch / "secret", "secret");
  put(root / "plain", "plain");
  std::filesystem::create_directory(root / "sub");
  put(root / "sub" / "deep", "deep");
  std::filesystem::create_symlink("../secret", root / "link");
  std::filesystem::create_symlink("plain", root / "inner");
  std::filesystem::create_directory_symlink("..", root / "up");
  REQUIRE(::mkfifo((root / "fifo").c_str(), 0600) == 0);
  CHECK(content_of(files->read("plain")) == "plain");
  CHECK(content_of(files->read("sub/deep")) == "deep");
  for (std::string path : {"link", "inner", "up/secret", "../secret", "sub/../../secret", "fifo", "sub", "", ".",
                           "missing", "/etc/passwd"}) {
    CAPTURE(path);
    auto file = files->read(path);
    REQUIRE_FALSE(file);
    CHECK(code_of(file.error()) == errc::not_found);
  }
  CHECK_FALSE(files->read(std::string_view{"plain\0x", 7}));
}

TEST_CASE("a write replaces a link or a pipe instead of following it, and refuses a directory") {
  scratch_dir scratch;
  auto root = scratch / "1";
  auto files = workspace_files::create(root, geteuid());
  REQUIRE(files);
  put(scratch / "secret", "secret");
  std::filesystem::create_symlink("../secret", root / "a.csv");
  REQUIRE(::mkfifo((root / "b.csv").c_str(), 0600) == 0);
  std::filesystem::create_directory(root / "c.csv");
  CHECK(files->write("a.csv", "new"));
  CHECK(files->write("b.csv", "new"));
  CHECK_FALSE(files->write("c.csv", "new"));
  CHECK(content_of(files->read("a.csv")) == "new");
  CHECK(content_of(files->read("b.csv")) == "new");
  std::string secret;
  std::ifstream{scratch / "secret"} >> secret;
  CHECK(secret == "secret");
  CHECK(files->list().size() == 2); // nothing temporary is left
}

TEST_CASE("the list shows regular files with their sizes, without hidden ones") {
  scratch_dir scratch;
  auto root = scratch / "1";
  auto files = workspace_files::create(root, geteuid());
  REQUIRE(files);
  std::filesystem::create_directories(root / "sub");
  put(root / "b", "12345");
  put(root / ".hidden", "x");
  put(root / "sub" / "a", "1");
  std::filesystem::create_directory_symlink("..", root / "up");
  auto list = files->list();
  REQUIRE(list.size() == 2);
  CHECK(list[0].name == "b");
  CHECK(list[0].bytes == 5);
  CHECK(list[0].modified_at > 1'700'000'000);
  CHECK(list[1].name == "sub/a");
  CHECK(list[1].bytes == 1);
}

TEST_CASE("a workspace that is not there is not found, unless it is to be made") {
  scratch_dir scratch;
  auto missing = workspace_files::open(scratch / "1");
  REQUIRE_FALSE(missing);
  CHECK(code_of(missing.error()) == errc::not_found);
  CHECK(workspace_files::create(scratch / "1", geteuid()));
  CHECK(workspace_files::open(scratch / "1"));
}

TEST_CASE("file names lose what could lead elsewhere or hide") {
  CHECK(sanitised_file_name("a.csv") == "a.csv");
  CHECK(sanitised_file_name("../../etc/passwd") == "passwd");
  CHECK(sanitised_file_name("C:\\x\\y.txt") == "y.txt");
  CHECK(sanitised_file_name("..") == "file");
  CHECK(sanitised_file_name(" .bashrc ") == "bashrc");
  CHECK(sanitised_file_name("a\r\nb\x7f.txt") == "ab.txt");
  CHECK(sanitised_file_name("") == "file");
  CHECK(sanitised_file_name("a/") == "file");
  CHECK(sanitised_file_name("\xff.txt") == "_.txt");
  CHECK(sanitised_file_name("Grüße.csv") == "Grüße.csv");
  std::string long_name(300, 'a');
  long_name += ".csv";
  auto cut = sanitised_file_name(long_name);
  CHECK(cut.size() == workspace_files::name_bytes_max);
  CHECK(cut.ends_with("a.csv"));
}
