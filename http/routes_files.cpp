// Files of a chat: attachments out of its history, everything else out of its workspace.
#include "http/chat_files.hpp"
#include "http/chat_pages.hpp"
#include "http/file_types.hpp"
#include "http/routes.hpp"
#include "http/security_headers.hpp"
#include "http/uploads.hpp"
#include "models/cell.hpp"
#include "render/chart_frame.hpp"
#include "render/workspace_links.hpp"
#include "workspace/listed_file.hpp"
#include "workspace/paths.hpp"

namespace varro {

namespace {

void describe(reply& result, std::string_view file_name, std::string_view media_type) {
  result.content_type = media_type;
  bool shown = is_shown_inline(media_type);
  result.headers.emplace_back("Content-Disposition", content_disposition(shown ? "inline" : "attachment", file_name));
}

// Tells the page that frames it how high it would like to be.
html::markup height_script() {
  const html::trusted source{std::string{find_asset("display.js")->bytes}, html::because::embedded_asset};
  return html::fragment("\n", html::raw_element("script", {}, source), "\n");
}

// HTML that a cell displayed, for a frame of the page.
void describe_display(reply& result, std::string_view file_name) {
  describe(result, file_name, "text/html; charset=utf-8");
  result.headers.back().second = content_disposition("inline", file_name);
  for (const auto& [name, value] : display_headers)
    result.headers.emplace_back(name, value);
}

bool owns(application& app, const visitor& who, int64_t chat, caf::error& why) {
  auto session = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, chat);
  if (!session)
    why = session.error();
  return static_cast<bool>(session);
}

constexpr auto for_ever = "private, max-age=31536000, immutable"; // rows never change
constexpr auto no_file = "There is no such file in this chat.";

caf::expected<binary_content> find_attachment(application& app, const visitor& who, int64_t chat,
                                              const attachment_name& which) {
  auto contents = app.ask_chat<chat_contents>(who.user.id, chat, history_atom_v);
  if (!contents)
    return contents.error();
  for (const auto& row : contents->messages) {
    if (row.seq != which.seq)
      continue;
    auto files = attachments_of(row.content);
    if (which.index < files.size())
      return std::move(files[which.index]);
  }
  return fail(errc::not_found, no_file);
}

reply attachment(binary_content file, std::string_view name) {
  reply result;
  result.body = std::move(file.data);
  if (file.media_type == "text/html") {
    describe_display(result, name);
    result.body += height_script().str();
  } else {
    describe(result, name, file.media_type);
  }
  result.cache_control = for_ever;
  return result;
}

// The attachment of exactly this name, or nullopt where none has it.
std::optional<reply> named_attachment(application& app, const route_call& call, const visitor& who, int64_t chat) {
  const auto& name = call.segment("path");
  const auto which = parse_attachment_name(name);
  // A file of the workspace may have such a name too. Links to it say that they mean the workspace.
  if (!which || call.request.query() == workspace_query)
    return std::nullopt;
  auto file = find_attachment(app, who, chat, *which);
  if (!file && code_of(file.error()) != errc::not_found)
    return app.error_reply(call.request, file.error());
  // The extension is part of the name: it decides how a browser treats the bytes.
  if (!file || !attachment_url(chat, which->seq, which->index, file->media_type).ends_with("/" + name))
    return std::nullopt;
  return attachment(std::move(*file), name);
}

// A file that is not there may have been until nobody had used the chat for long.
reply missing_file(application& app, const route_call& call, const visitor& who, int64_t chat,
                   const caf::error& problem) {
  if (code_of(problem) != errc::not_found)
    return app.error_reply(call.request, problem);
  auto contents = app.ask_chat<chat_contents>(who.user.id, chat, history_atom_v);
  if (!contents || contents->chat.files_deleted_at == 0)
    return app.error_reply(call.request, problem);
  return app.error_reply(call.request, 404,
                         "There is no such file in this chat. Its earlier files were "
                           + files_deleted_text(contents->chat.files_deleted_at) + ".");
}

} // namespace

// The document that draws a chart, for a frame of the page.
reply show_chart(application& app, const route_call& call, const visitor& who) {
  auto chat = captured_id(call);
  auto which = parse_attachment_name(call.segment("name") + ".json");
  if (!chat || !which)
    return app.error_reply(call.request, 404, no_file);
  auto file = find_attachment(app, who, *chat, *which);
  if (!file)
    return app.error_reply(call.request, file.error());
  if (!is_drawn_chart(file->media_type, file->data.size()))
    return app.error_reply(call.request, 404, "There is no chart that could be drawn.");
  app.note_seen(who, *chat);
  reply result;
  result.body = chart_frame_html(file->media_type, file->data).str();
  auto policy = chart_frame_policy(file->media_type, call.request.header("host"));
  result.headers.emplace_back("Content-Security-Policy", std::move(policy));
  result.headers.emplace_back(framed_header);
  // The row never changes, but the policy and the scripts are those of this version of ours.
  result.cache_control = "private, no-cache";
  return result;
}

reply download_file(application& app, const route_call& call, const visitor& who) {
  auto chat = captured_id(call);
  const auto& name = call.segment("path");
  if (!chat)
    return app.error_reply(call.request, 404, "There is no such chat.");
  if (auto found = named_attachment(app, call, who, *chat)) {
    app.note_seen(who, *chat);
    return std::move(*found);
  }
  caf::error why;
  if (!owns(app, who, *chat, why))
    return app.error_reply(call.request, why);
  auto workspace = workspace_files::open(workspace_of(app.settings.data_dir, *chat));
  auto file = workspace ? workspace->read(name) : workspace.error();
  if (!file)
    return missing_file(app, call, who, *chat, file.error());
  app.note_seen(who, *chat);
  reply result;
  auto base = name.substr(name.rfind('/') + 1);
  describe(result, base, media_type_of(base));
  result.cache_control = "private, no-cache";
  result.file = file_slice{std::move(file->file), 0, file->bytes};
  return result;
}

caf::expected<std::vector<listed_file>> files_of(application& app, const visitor& who, int64_t chat) {
  caf::error why;
  if (!owns(app, who, chat, why))
    return why;
  auto workspace = workspace_files::open(workspace_of(app.settings.data_dir, chat));
  return workspace ? workspace->list() : std::vector<listed_file>{};
}

caf::expected<stored_uploads> put_files(application& app, const visitor& who, int64_t chat,
                                        const std::vector<form_file>& files) {
  caf::error why;
  if (!owns(app, who, chat, why))
    return why;
  if (files.empty())
    return fail(errc::invalid_input, "The form holds no file.");
  app.note_seen(who, chat); // before the files are there, so that they do not go with an unused chat
  auto stored = app.store_files(who, chat, files);
  if (stored)
    app.note_usage(who, chat, *stored);
  return stored;
}

reply list_files(application& app, const route_call& call, const visitor& who) {
  auto chat = captured_id(call);
  if (!chat)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto files = files_of(app, who, *chat);
  if (!files)
    return app.error_reply(call.request, files.error());
  reply result;
  result.body = file_list(*chat, *files).str();
  return result;
}

reply upload_files(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto chat = captured_id(call);
  if (!chat)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto stored = put_files(app, who, *chat, fields.files);
  if (!stored)
    return app.error_reply(call.request, stored.error());
  auto result = list_files(app, call, who);
  result.status = 201;
  result.headers.emplace_back("Location", workspace_file_url(*chat, stored->names.front()));
  return result;
}

} // namespace varro
