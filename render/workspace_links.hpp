// Links of an answer to files that the chat's code wrote: "/workspace/report.csv", "out/plot.png",
// "sandbox:/workspace/a". Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

// The path below the workspace that a link means, decoded and without dots; "" when it means the workspace itself, a
// folder, or leads out of it. nullopt: it means something else (another site, an address of this one, an anchor).
std::optional<std::string> workspace_path(std::string_view target);

// Where the file that the link means is served, with the link's query and anchor; "" and nullopt as above.
std::optional<std::string> workspace_link(std::string_view target, int64_t chat_id);

// The query of a link to a file whose name is also one of an attachment.
inline constexpr std::string_view workspace_query = "workspace";

// The address of a file by its path below the workspace. `plain`: characters of it that need no encoding.
std::string workspace_file_url(int64_t chat_id, std::string_view path, std::string_view plain = {});

// Whether a browser shows the file in an <img>, going by its name.
bool is_picture_name(std::string_view path);

} // namespace varro
