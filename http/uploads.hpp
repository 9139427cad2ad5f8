// Files of a form on their way into a chat's workspace.
#pragma once

#include "config/config.hpp"
#include "http/form.hpp"
#include "models/message.hpp"
#include "workspace/files.hpp"

namespace varro {

inline constexpr size_t uploads_max = 100; // files of one form

struct stored_uploads {
  std::vector<std::string> names; // in the workspace, in order
  int64_t workspace_bytes = 0;    // that it holds now
};

// All bytes of these files.
int64_t bytes_of(const std::vector<form_file>& files);

// What the workspace will hold with these files; an error where the quotas do not leave room for them. `left`: bytes
// that the user's quota leaves for this workspace.
caf::expected<int64_t> room_for_uploads(const config& settings, int64_t chat_id, const std::vector<form_file>& files,
                                        size_t left);
// Writes the files; their names. REQUIRES: the user owns the chat, and there is room.
caf::expected<std::vector<std::string>> write_uploads(const config& settings, int64_t chat_id,
                                                      const std::vector<form_file>& files);

// What of these files goes to the model with the message: nothing but text when none is a picture or a PDF; else a note
// of all names, and each picture and PDF as long as they are together within chat.attachment_bytes_max. By their bytes,
// not by their names. The others are in the workspace like all.
std::vector<user_content> attached_to_message(const config& settings, const std::vector<form_file>& files,
                                              const std::vector<std::string>& names);

} // namespace varro
