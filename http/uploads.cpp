#include "http/uploads.hpp"

#include "shell/sandbox.hpp"
#include "shell/workspace_usage.hpp"
#include "shell/workspaces.hpp"

namespace varro {

caf::expected<stored_uploads> store_uploads(const config& settings, int64_t chat_id,
                                            const std::vector<form_file>& files, size_t left) {
  if (chat_id <= 0)
    return fail(errc::not_found, "The chat does not exist yet. Send a message first.");
  if (files.size() > uploads_max)
    return fail(errc::too_large, "More than " + std::to_string(uploads_max) + " files at once. Send fewer.");
  auto directory = workspace_of(settings.data_dir, chat_id);
  auto workspace = workspace_files::create(directory, shell_user());
  if (!workspace)
    return workspace.error();
  auto usage = measure_workspace(directory, settings.shell);
  for (const auto& file : files) {
    usage.bytes += file.bytes.size();
    ++usage.files;
  }
  if (is_over_quota(usage, settings.shell))
    return fail(errc::too_large,
                "The workspace of this chat is full: with these files it would hold "
                  + quota_text(usage, settings.shell) + ". Delete files from it first.");
  if (is_over_user_quota(usage, left))
    return fail(errc::too_large,
                "Your files are over their quota: with these this chat would hold "
                  + std::to_string((usage.bytes >> 20) + 1) + " MiB; " + user_quota_text(left, settings.shell)
                  + ". Delete files or chats first.");
  stored_uploads stored;
  stored.workspace_bytes = static_cast<int64_t>(usage.bytes);
  for (const auto& file : files) {
    auto name = workspace->write(file.name, file.bytes);
    if (!name)
      return name.error();
    stored.names.push_back(std::move(*name));
  }
  return stored;
}

std::string uploads_note(const std::vector<std::string>& names) {
  std::string result = "Uploaded files: ";
  for (const auto& name : names)
    result += (&name == &names.front() ? "" : ", ") + name;
  return result;
}

} // namespace varro
