// The list of chats, rename, delete.
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "http/chat_pages.hpp"
#include "http/requests.hpp"
#include "http/routes.hpp"
#include "storage/limits.hpp"

namespace varro {

namespace {

// htmx says which page asks: its chat is marked.
int64_t current_chat(const received_request& request) {
  auto page = request.header("hx-current-url");
  auto at = page.rfind("/chat/");
  return at == std::string_view::npos ? 0 : parse_number(page.substr(at + 6)).value_or(0);
}

reply fragment(html::markup list) {
  reply result;
  result.body = std::move(list).str();
  return result;
}

reply search(application& app, const route_call& call, const visitor& who, std::string_view query) {
  constexpr auto replaced = "Another search of yours took this one's place.";
  auto turn = app.searches.take(who.user.id);
  if (!turn)
    return app.error_reply(call.request, 429, replaced);
  auto found = app.ask<search_found>(app.services.search, search_atom_v,
                                     search_query{who.user.id, std::string{query}, search_chats_max, turn->dropped()});
  if (!found && code_of(found.error()) == errc::cancelled)
    return app.error_reply(call.request, 429, replaced);
  if (!found)
    return app.error_reply(call.request, found.error());
  return fragment(found_list(**found, current_chat(call.request)));
}

} // namespace

reply show_chat_list(application& app, const route_call& call, const visitor& who) {
  auto query = query_value(call.request, "q").value_or("");
  if (!is_utf8(query))
    return app.error_reply(call.request, 400, "The search text is not valid UTF-8.");
  if (auto wanted = trim(query); !wanted.empty())
    return search(app, call, who, wanted);
  auto before = query_value(call.request, "before");
  auto place = before ? parse_place(*before) : chat_place{};
  if (!place)
    return app.error_reply(call.request, 400, "There is no such place in the list of chats.");
  auto page = list_chats(app, who, *place);
  if (!page)
    return app.error_reply(call.request, page.error());
  auto current = current_chat(call.request);
  return fragment(before ? older_chats(page->chats, current, page->older)
                         : chat_list(page->chats, current, page->older));
}

reply rename_chat(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto asked = read_request<rename_request>(call.request, fields);
  if (!asked || !is_utf8(asked->title))
    return app.error_reply(call.request, 400, "The title is malformed.");
  std::string title{trim(asked->title)};
  if (title.empty())
    return app.error_reply(call.request, 422, "The title is empty.");
  if (code_points(title) > app.settings.chat.title_characters_max)
    return app.error_reply(call.request, 422,
                           "The title has more than " + std::to_string(app.settings.chat.title_characters_max)
                             + " characters.");
  auto done = app.ask_chat<done_atom>(who.user.id, *id, rename_atom_v, title);
  return done ? empty_reply(204) : app.error_reply(call.request, done.error());
}

reply delete_chat(application& app, const route_call& call, const visitor& who, const form&) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto session = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, *id);
  auto done = app.ask_session<done_atom>(session, who.user.id, *id, remove_atom_v, app.origin_of(call.request, who));
  if (!done)
    return app.error_reply(call.request, done.error());
  // What is asked after this answer finds no chat.
  std::ignore = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, *id, *session);
  return empty_reply(204);
}

} // namespace varro
