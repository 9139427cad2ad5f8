// config/varro.toml documents every key with its default.
#include "config/keys.hpp"
#include "tests/config/support.hpp"

#include <regex>
#include <sstream>

using namespace varro;
using namespace varro::test;

namespace {

std::string example() {
  std::ifstream file{VARRO_SOURCE_DIR "/config/varro.toml"};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

struct example_lines {
  std::map<std::string, std::string> values; // path → what is written, of the sections of settings
  std::string uncommented;                   // the file with every key switched on
};

// Everything up to the providers is settings, after that come examples of sections.
example_lines read_example() {
  example_lines lines;
  std::regex key{"# ([a-z_]+) = (.*)"}, section{"\\[([a-z_]+)\\]"};
  std::istringstream text{example()};
  std::string title;
  for (std::string line; std::getline(text, line);) {
    std::smatch found;
    if (line.starts_with("# Providers."))
      break;
    if (std::regex_match(line, found, section))
      title = found[1].str() + ".";
    if (std::regex_match(line, found, key)) {
      CHECK_MESSAGE(!lines.values.contains(title + found[1].str()), line, " is there twice");
      lines.values[title + found[1].str()] = found[2];
      line = line.substr(2);
    }
    lines.uncommented += line + "\n";
  }
  return lines;
}

} // namespace

TEST_CASE("the example configuration shows every key with its default") {
  auto lines = read_example();
  config defaults;
  for (const auto& row : config_keys()) {
    CAPTURE(row.path);
    auto line = lines.values.find(std::string{row.path});
    REQUIRE(line != lines.values.end());
    CHECK(line->second == to_toml(row.locate(defaults)));
    lines.values.erase(line);
  }
  CHECK(lines.values.empty());
}

TEST_CASE("the example configuration loads as it is, and with every default switched on") {
  CHECK(error_of(example()) == "no error");
  CHECK(error_of(read_example().uncommented) == "no error");
}

TEST_CASE("the example configuration shows every key of providers and models") {
  auto text = example();
  auto shows = [&](const key_rule& rule) { return contains(text, "\n# " + std::string{rule.path} + " = "); };
  for (const auto& row : provider_keys())
    CHECK_MESSAGE(shows(row) == row.refused.empty(), row.path);
  for (const auto& row : model_keys())
    CHECK_MESSAGE(shows(row) == row.refused.empty(), row.path);
}

TEST_CASE("no two keys have the same name or the same environment variable") {
  std::map<std::string, int> names;
  for (const auto& row : config_keys())
    CHECK_MESSAGE(++names[environment_name(row.path)] == 1, row.path);
}
