// The list of chats, rename, delete.
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "http/chat_pages.hpp"
#include "http/requests.hpp"
#include "http/routes.hpp"

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
  auto found = find_chats(app, who, query);
  if (const auto* refused = std::get_if<refused_request>(&found))
    return app.error_reply(call.request, refused->status, refused->text);
  return fragment(found_list(*std::get<search_found>(found), current_chat(call.request)));
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
  auto page = list_chats(app, who.user.id, *place);
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
  if (!asked)
    return app.error_reply(call.request, 400, "The title is malformed.");
  auto renamed = give_title(app, who, *id, asked->title);
  return renamed ? app.error_reply(call.request, renamed->status, renamed->text) : empty_reply(204);
}

reply delete_chat(application& app, const route_call& call, const visitor& who, const form&) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto failed = remove_chat(app, call.request, who, *id);
  return failed ? app.error_reply(call.request, failed) : empty_reply(204);
}

} // namespace varro
