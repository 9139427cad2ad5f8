#include "shell/supervisor/settings.hpp"

namespace varro {

namespace {

// One member after the other, in both directions.
template <class Settings, class Visit>
void visit_numbers(Settings& shell, Visit visit) {
  visit("output_bytes_max", shell.output_bytes_max);
  visit("image_bytes_max", shell.image_bytes_max);
  visit("images_max", shell.images_max);
  visit("display_bytes_max", shell.display_bytes_max);
  visit("frame_bytes_max", shell.frame_bytes_max);
  visit("memory_bytes_max", shell.memory_bytes_max);
  visit("tmp_bytes_max", shell.tmp_bytes_max);
  visit("file_bytes_max", shell.file_bytes_max);
  visit("workspace_bytes_max", shell.workspace_bytes_max);
  visit("workspace_files_max", shell.workspace_files_max);
  visit("user_bytes_max", shell.user_bytes_max);
  visit("journal_bytes_max", shell.journal_bytes_max);
  visit("processes_max", shell.processes_max);
  visit("open_files_max", shell.open_files_max);
  visit("cpu_percent_max", shell.cpu_percent_max);
}

} // namespace

json to_json(const supervisor_settings& settings) {
  const auto& shell = settings.shell;
  json value{{"data_dir", settings.data_dir.string()}, {"bubblewrap", shell.bubblewrap}, {"sandbox", shell.sandbox}};
  visit_numbers(shell, [&value](const char* name, auto number) { value[name] = number; });
  value["start_max_ms"] = shell.start_max.count();
  value["orphan_minutes"] = shell.orphan.count();
  value["interpreters"] = json::array();
  for (const auto& each : shell.all_interpreters())
    value["interpreters"].push_back({{"name", each.name}, {"path", each.path}, {"preload", each.preload}});
  return value;
}

std::optional<supervisor_settings> supervisor_settings_from(const json& value) {
  // The server wrote it; what is wrong nevertheless is an exception inside one call.
  try {
    supervisor_settings settings;
    auto& shell = settings.shell;
    settings.data_dir = value.at("data_dir").get<std::string>();
    shell.bubblewrap = value.at("bubblewrap").get<std::string>();
    shell.sandbox = value.at("sandbox").get<bool>();
    visit_numbers(shell, [&value](const char* name, auto& number) { value.at(name).get_to(number); });
    shell.start_max = std::chrono::milliseconds{value.at("start_max_ms").get<int64_t>()};
    shell.orphan = std::chrono::minutes{value.at("orphan_minutes").get<int64_t>()};
    for (const auto& each : value.at("interpreters"))
      shell.interpreters.push_back({each.at("name").get<std::string>(), each.at("path").get<std::string>(),
                                    each.at("preload").get<std::vector<std::string>>()});
    return settings;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

// The one place of varro-shells that has the version: tests build another one of it.
const std::string& program_version() {
  static const std::string version{VARRO_VERSION};
  return version;
}

} // namespace varro
