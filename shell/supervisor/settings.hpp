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

inline constexpr int supervisor_protocol = 2;

json to_json(const supervisor_settings& settings);
std::optional<supervisor_settings> supervisor_settings_from(const json& value);

// Tells shells of other settings or of another worker apart: a server does not take those over.
std::string fingerprint_of(const supervisor_settings& settings);

} // namespace varro
