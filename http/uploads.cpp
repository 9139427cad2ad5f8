#include "http/uploads.hpp"

#include "models/identifiers.hpp"
#include "models/message_json.hpp"
#include "models/user_prompt.hpp"
#include "pictures/picture_header.hpp"
#include "workspace/owner.hpp"
#include "workspace/paths.hpp"
#include "workspace/usage.hpp"

namespace varro {

int64_t bytes_of(const std::vector<form_file>& files) {
  int64_t sum = 0;
  for (const auto& file : files)
    sum += static_cast<int64_t>(file.bytes.size());
  return sum;
}

caf::expected<int64_t> room_for_uploads(const config& settings, int64_t chat_id, const std::vector<form_file>& files,
                                        size_t left) {
  if (chat_id <= 0)
    return fail(errc::not_found, "The chat does not exist yet. Send a message first.");
  if (files.size() > uploads_max)
    return fail(errc::too_large, "More than " + std::to_string(uploads_max) + " files at once. Send fewer.");
  auto usage = measure_workspace(workspace_of(settings.data_dir, chat_id), settings.shell);
  usage.bytes += static_cast<size_t>(bytes_of(files));
  usage.files += files.size();
  if (is_over_quota(usage, settings.shell))
    return fail(errc::too_large,
                "The workspace of this chat is full: with these files it would hold "
                  + quota_text(usage, settings.shell) + ". Delete files from it first.");
  if (is_over_user_quota(usage, left))
    return fail(errc::too_large,
                "Your files are over their quota: with these this chat would hold "
                  + std::to_string((usage.bytes >> 20) + 1) + " MiB; " + user_quota_text(left, settings.shell)
                  + ". Delete files or chats first.");
  return static_cast<int64_t>(usage.bytes);
}

caf::expected<std::vector<std::string>> write_uploads(const config& settings, int64_t chat_id,
                                                      const std::vector<form_file>& files) {
  auto workspace = workspace_files::create(workspace_of(settings.data_dir, chat_id), shell_user());
  if (!workspace)
    return workspace.error();
  std::vector<std::string> names;
  for (const auto& file : files) {
    auto name = workspace->write(file.name, file.bytes);
    if (!name)
      return name.error();
    names.push_back(std::move(*name));
  }
  return names;
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
