// Files of a chat: attachments out of its history, everything else out of its workspace.
#include "http/attachments.hpp"
#include "http/chat_files.hpp"
#include "http/chat_pages.hpp"
#include "http/file_types.hpp"
#include "http/routes.hpp"
#include "http/uploads.hpp"
#include "render/workspace_links.hpp"
#include "workspace/listed_file.hpp"
#include "workspace/paths.hpp"

namespace varro {

namespace {

bool owns(application& app, const visitor& who, int64_t chat, caf::error& why) {
  auto session = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, chat);
  if (!session)
    why = session.error();
  return static_cast<bool>(session);
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
  if (!chat)
    return app.error_reply(call.request, 404, no_file);
  auto chart = chart_reply(app, call.request, who.user.id, *chat, call.segment("name"));
  if (!chart)
    return app.error_reply(call.request, chart.error());
  app.note_seen(who, *chat);
  return std::move(*chart);
}

reply download_file(application& app, const route_call& call, const visitor& who) {
  auto chat = captured_id(call);
  const auto& name = call.segment("path");
  if (!chat)
    return app.error_reply(call.request, 404, "There is no such chat.");
  // A file of the workspace may have an attachment's name too. Links to it say that they mean the workspace.
  if (call.request.query() != workspace_query) {
    auto found = attachment_reply(app, who.user.id, *chat, name);
    if (found) {
      app.note_seen(who, *chat);
      return std::move(*found);
    }
    if (code_of(found.error()) != errc::not_found)
      return app.error_reply(call.request, found.error());
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
