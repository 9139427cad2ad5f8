// Whole pages and the assets that they load.
#include "http/chat_pages.hpp"
#include "http/routes.hpp"
#include "http/security_headers.hpp"
#include "render/chart_frame.hpp"

namespace varro {

namespace {

reply page(html::markup document) {
  reply result;
  result.body = std::move(document).str();
  return result;
}

// Until the next message: from then on the chat has files of its own again, or none.
std::string notice_of(const transcript_view& view) {
  const auto& chat = view.history.chat;
  if (chat.files_deleted_at <= chat.updated_at)
    return view.notice;
  return "The files and variables of this chat were " + files_deleted_text(chat.files_deleted_at)
    + ". The messages are all here." + (view.notice.empty() ? "" : " " + view.notice);
}

// Whether Accept-Encoding names gzip, and not to refuse it.
bool accepts_gzip(std::string_view field) {
  auto at = field.find("gzip");
  if (at == field.npos)
    return false;
  auto rest = field.substr(at, field.find(',', at) - at);
  auto quality = rest.find("q=");
  return quality == rest.npos || rest.find_first_of("123456789", quality) != rest.npos;
}

} // namespace

reply show_new_chat(application& app, const route_call& call, const visitor& who) {
  // A link to older chats, where no script loads them into the page that there is.
  auto place = parse_place(query_value(call.request, "before").value_or("")).value_or(chat_place{});
  auto context = app.context_of(who, place);
  return context ? page(new_chat_page(*context)) : app.error_reply(call.request, context.error());
}

reply show_chat(application& app, const route_call& call, const visitor& who) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto view = app.ask_chat<transcript_view>(who.user.id, *id, page_atom_v);
  if (!view)
    return app.error_reply(call.request, view.error());
  if (view->history.chat.created_at == 0) // its first message has not been accepted yet
    return app.error_reply(call.request, 404, "There is no such chat.");
  app.note_seen(who, *id);
  auto context = app.context_of(who);
  if (!context)
    return app.error_reply(call.request, context.error());
  chat_page content{view->history.chat, render_chat(view->history, app.services.markdown),
                    view->last_seq,     view->running,
                    view->progress,     notice_of(*view),
                    view->old_prefix};
  return page(chat_page_html(*context, content));
}

reply show_asset(application& app, const route_call& call) {
  const auto* found = find_asset(call.segment("name"));
  if (found == nullptr)
    return app.error_reply(call.request, 404, "There is no such file.");
  reply result = empty_reply(304);
  bool gzipped = !found->gzipped.empty() && accepts_gzip(call.request.header("accept-encoding"));
  auto quoted = "\"" + std::string{found->etag} + (gzipped ? "-gzip\"" : "\"");
  if (call.request.header("if-none-match").find(quoted) == std::string_view::npos) {
    result.status = 200;
    result.content_type = found->media_type;
    result.body = gzipped ? found->gzipped : found->bytes;
    if (gzipped)
      result.headers.emplace_back("Content-Encoding", "gzip");
  }
  if (!found->gzipped.empty())
    result.headers.emplace_back("Vary", "Accept-Encoding");
  // An address with a version never changes its content.
  result.cache_control = query_value(call.request, "v") ? "public, max-age=31536000, immutable" : "no-cache";
  result.headers.emplace_back("ETag", quoted);
  if (is_chart_asset(call.segment("name")))
    result.headers.emplace_back(open_asset_header);
  return result;
}

// Browsers ask for it unasked; a 404 would be an error in their console.
reply show_favicon(application&, const route_call&) {
  const auto* found = find_asset("favicon.ico");
  if (found == nullptr)
    return empty_reply(204);
  reply result;
  result.content_type = found->media_type;
  result.body = found->bytes;
  result.cache_control = "public, max-age=86400";
  return result;
}

} // namespace varro
