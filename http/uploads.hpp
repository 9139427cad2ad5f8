// Files of a form on their way into a chat's workspace.
#pragma once

#include "config/config.hpp"
#include "http/form.hpp"
#include "http/workspace_files.hpp"

namespace varro {

inline constexpr size_t uploads_max = 100; // files of one form

// Writes the files; their names in the workspace, in order. REQUIRES: the user owns the chat.
caf::expected<std::vector<std::string>> store_uploads(const config& settings, int64_t chat_id,
                                                      const std::vector<form_file>& files);

// "Uploaded files: a.csv, b.png"
std::string uploads_note(const std::vector<std::string>& names);

} // namespace varro
