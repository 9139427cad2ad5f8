// Files of a form on their way into a chat's workspace.
#pragma once

#include "config/config.hpp"
#include "http/form.hpp"
#include "http/workspace_files.hpp"

namespace varro {

inline constexpr size_t uploads_max = 100; // files of one form

struct stored_uploads {
  std::vector<std::string> names; // in the workspace, in order
  int64_t workspace_bytes = 0;    // that it holds now
};

// Writes the files. `left`: bytes that the user's quota leaves for this workspace. REQUIRES: the user owns the chat.
caf::expected<stored_uploads> store_uploads(const config& settings, int64_t chat_id,
                                            const std::vector<form_file>& files, size_t left);

// "Uploaded files: a.csv, b.png"
std::string uploads_note(const std::vector<std::string>& names);

} // namespace varro
