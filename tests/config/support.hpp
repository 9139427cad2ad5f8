// A data directory that a test fills, and loading from it.
#pragma once

#include "config/load.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include <stdlib.h>

namespace varro::test {

// A directory of its own, gone with the object.
class scratch_dir {
public:
  scratch_dir() {
    auto name = (std::filesystem::temp_directory_path() / "varro-config-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~scratch_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  scratch_dir(const scratch_dir&) = delete;
  scratch_dir& operator=(const scratch_dir&) = delete;

  std::filesystem::path write(const std::string& name, std::string_view text) const {
    std::ofstream{path_ / name, std::ios::binary} << text;
    return path_ / name;
  }
  const std::filesystem::path& path() const {
    return path_;
  }

private:
  std::filesystem::path path_;
};

// Sources whose file, given by --config, holds `toml`.
struct written_config {
  explicit written_config(std::string_view toml) {
    sources.file = dir.write("test.toml", toml);
  }
  // The configuration; a failure to load fails the test with its words.
  config load() const {
    auto loaded = load_config(sources);
    if (!loaded)
      FAIL(text_of(loaded.error()));
    return *loaded;
  }
  // The words of the error, without the directory of the file.
  std::string error() const {
    auto loaded = load_config(sources);
    if (loaded)
      return "no error";
    CHECK(code_of(loaded.error()) == errc::config_invalid);
    auto text = text_of(loaded.error());
    for (auto prefix = dir.path().string() + "/"; text.find(prefix) != std::string::npos;)
      text.erase(text.find(prefix), prefix.size());
    return text;
  }

  scratch_dir dir;
  load_sources sources;
};

inline std::string error_of(std::string_view toml) {
  return written_config{toml}.error();
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

} // namespace varro::test
