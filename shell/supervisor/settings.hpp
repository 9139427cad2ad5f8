// What varro-shells is told by the server that starts it. Values; any thread may call.
#pragma once

#include "base/json.hpp"
#include "config/config.hpp"
#include "workspace/paths.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace varro {

struct supervisor_settings {
  std::filesystem::path data_dir;
  shell_config shell;

  std::filesystem::path workspaces() const {
    return workspaces_in(data_dir);
  }
  std::filesystem::path socket() const {
    return data_dir / "shells.sock";
  }
};

json to_json(const supervisor_settings& settings);
std::optional<supervisor_settings> supervisor_settings_from(const json& value);

// Which of these programs a varro-shells is out of: told to the server that takes it over, and written into its log.
const std::string& program_version();

} // namespace varro
