#include "http/uploads.hpp"

#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/user_prompt.hpp"
#include "pictures/picture_header.hpp"
#include "workspace/owner.hpp"
#include "workspace/paths.hpp"
#include "workspace/usage.hpp"

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

std::vector<user_content> attached_to_message(const config& settings, const std::vector<form_file>& files,
                                              const std::vector<std::string>& names) {
  std::vector<user_content> items;
  auto left = settings.chat.attachment_bytes_max;
  for (size_t i = 0; i < files.size(); ++i) {
    const auto bytes = files[i].bytes;
    auto type = media_type_of(read_picture_header(bytes).type);
    if (type.empty() && looks_like_pdf(bytes))
      type = "application/pdf";
    if (type.empty() || bytes.size() > left)
      continue;
    left -= bytes.size();
    if (items.empty())
      items.emplace_back(uploads_note(names));
    items.emplace_back(upload_label(names[i]));
    items.emplace_back(binary_content{std::string{bytes}, std::string{type}, nullptr, content_identifier(bytes)});
  }
  return items;
}

} // namespace varro
