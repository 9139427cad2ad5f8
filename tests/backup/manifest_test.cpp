#include "backup/manifest.hpp"

#include "tests/support/scratch_dir.hpp"
#include "workspace/directory.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

using namespace varro;
using namespace varro::test;

namespace {

manifest_entry some_file(std::string name) {
  manifest_entry entry;
  entry.number = 7;
  entry.in = 3;
  entry.name = std::move(name);
  entry.file.mode = 0640;
  entry.file.bytes = 5;
  entry.file.blob = 12;
  entry.file.inode = 99;
  entry.file.modified_ns = -1;
  entry.file.changed_ns = 1'700'000'000'000'000'001;
  entry.file.settled = true;
  entry.sha256 = "abc";
  entry.several_names = true;
  return entry;
}

// A backup's directory with a manifest of these lines.
struct written {
  scratch_dir scratch;
  explicit written(const std::vector<manifest_line>& lines) {
    auto writer = manifest_writer::create(open_directory(AT_FDCWD, scratch.path().string()).get());
    REQUIRE(writer);
    for (const auto& line : lines)
      writer->add(line);
    REQUIRE(writer->finish() == caf::none);
  }
  std::string text() const {
    std::ifstream in{scratch / manifest_name, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  void replace(const std::string& text) const {
    std::ofstream{scratch / manifest_name, std::ios::binary} << text;
  }
  std::string refusal() const {
    auto reader = manifest_reader::open(scratch.path());
    REQUIRE_FALSE(reader);
    CHECK(code_of(reader.error()) == errc::invalid_input);
    return text_of(reader.error());
  }
};

} // namespace

TEST_CASE("an entry comes back from its line, whatever bytes its name has") {
  for (const std::string& name : {std::string{"plain.txt"}, std::string{"\xff\n\"%41\x1b"}, std::string(255, '\x80')}) {
    auto line = line_of(text_of(manifest_line{some_file(name)}));
    REQUIRE(line);
    const auto& entry = std::get<manifest_entry>(*line);
    CHECK(entry.name == name);
    CHECK(entry.number == 7);
    CHECK(entry.in == 3);
    CHECK(entry.file.mode == 0640);
    CHECK(entry.file.modified_ns == -1);
    CHECK(is_unchanged(entry.file, some_file(name).file));
    CHECK(entry.file.blob == 12);
    CHECK(entry.file.settled);
    CHECK(entry.several_names);
    CHECK_FALSE(entry.changed);
  }
}

TEST_CASE("names that would lead elsewhere are no names") {
  auto line = text_of(manifest_line{some_file("NAME")});
  auto named = [&](const std::string& name) { return line_of(std::string{line}.replace(line.find("NAME"), 4, name)); };
  CHECK(named("a..b"));
  for (const auto* name : {"", ".", "..", "a/b", "a%2Fb", "%2e%2e", "a%00", "%zz"})
    CHECK_FALSE(named(name));
}

TEST_CASE("a chat's tree has a chat, and the data directory's has none") {
  CHECK(line_of(R"({"tree":"workspace","chat":1})"));
  CHECK(line_of(R"({"tree":"top","chat":0})"));
  CHECK_FALSE(line_of(R"({"tree":"workspace","chat":0})"));
  CHECK_FALSE(line_of(R"({"tree":"workspace","chat":-1})"));
  CHECK_FALSE(line_of(R"({"tree":"top","chat":1})"));
  CHECK_FALSE(line_of(R"({"tree":"elsewhere","chat":1})"));
}

TEST_CASE("a manifest is read as it was written") {
  written manifest{{manifest_head{3, "1.2", 77}, manifest_tree{}, some_file("a"), manifest_gap{0, "pipe", "a pipe"}}};
  auto reader = manifest_reader::open(manifest.scratch.path());
  REQUIRE(reader);
  CHECK(reader->head().schema == 3);
  CHECK(reader->head().version == "1.2");
  CHECK(reader->head().begun_at == 77);
  auto next = [&] {
    auto line = reader->next();
    REQUIRE(line);
    return *line;
  };
  CHECK(std::holds_alternative<manifest_tree>(*next()));
  CHECK(std::get<manifest_entry>(*next()).name == "a");
  CHECK(std::get<manifest_gap>(*next()).why == "a pipe");
  CHECK_FALSE(next());
  CHECK_FALSE(next());
}

TEST_CASE("each byte of a manifest that is another one, and each place to cut it off at, is seen") {
  written manifest{{manifest_head{3, "1.2", 77}, manifest_tree{}, some_file("a")}};
  auto whole = manifest.text();
  for (size_t i = 0; i < whole.size() - 1; ++i) {
    auto changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    manifest.replace(changed);
    CHECK_MESSAGE(!manifest_reader::open(manifest.scratch.path()), i);
    manifest.replace(whole.substr(0, i));
    CHECK_MESSAGE(!manifest_reader::open(manifest.scratch.path()), i);
  }
  manifest.replace(whole);
  CHECK(manifest_reader::open(manifest.scratch.path()));
}

TEST_CASE("a line may be as long as the longest of ours, and no longer") {
  auto gap = manifest_gap{0, "name", ""};
  gap.why.assign(manifest_line_bytes_max - text_of(manifest_line{gap}).size(), 'x');
  CHECK(manifest_reader::open(written{{manifest_head{}, gap}}.scratch.path()));
  gap.why += 'x';
  CHECK(written{{manifest_head{}, gap}}.refusal().find("not whole") != std::string::npos);
  // The longest name, and the longest target of a link.
  auto link = some_file(std::string(255, '\x01'));
  link.file.what = file_kind::link;
  link.file.target.assign(4096, '\x01');
  CHECK(text_of(manifest_line{link}).size() < manifest_line_bytes_max);
}

TEST_CASE("a manifest of a later format is refused as such, and one without a head as damaged") {
  written manifest{{manifest_head{}}};
  auto text = manifest.text();
  manifest.replace(text.replace(text.find("\"varro_backup\":1"), 16, "\"varro_backup\":2"));
  CHECK(manifest.refusal().find("newer Varro") != std::string::npos);
  CHECK(written{{manifest_tree{}}}.refusal().find("damaged") != std::string::npos);
  scratch_dir empty;
  CHECK_FALSE(manifest_reader::open(empty.path()));
}

TEST_CASE("a manifest replaces none") {
  written manifest{{manifest_head{}}};
  CHECK_FALSE(manifest_writer::create(open_directory(AT_FDCWD, manifest.scratch.path().string()).get()));
}
