// The list of chats, rename, delete.
#include "http/application.hpp"

namespace varro {

namespace {

constexpr int listed_chats_max = 200;
constexpr size_t json_bytes_max = 64u << 10;
constexpr int json_depth_max = 32;

// nlohmann's parser takes any depth, its values are destroyed and dumped recursively.
bool is_shallow(std::string_view text) {
  int depth = 0;
  for (char c : text) {
    depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
    if (depth > json_depth_max)
      return false;
  }
  return true;
}

// The field `title` of the form or of the JSON object; nullopt when the body is malformed.
std::optional<std::string> given_title(const received_request& request, const form& fields) {
  if (!request.header("content-type").starts_with("application/json"))
    return fields.get("title");
  if (request.body.size() > json_bytes_max || !is_shallow(request.body))
    return std::nullopt;
  auto value = json::parse(request.body, nullptr, false);
  if (!value.is_object())
    return std::nullopt;
  auto title = value.find("title");
  if (title == value.end())
    return std::string{};
  return title->is_string() ? std::optional{title->get<std::string>()} : std::nullopt;
}

reply list(application& app, const route_call& call, const visitor& who) {
  auto query = query_value(call.request, "q").value_or("");
  if (!is_utf8(query))
    return app.error_reply(call.request, 400, "The search text is not valid UTF-8.");
  auto chats = app.ask<std::vector<chat_record>>(app.services.reader, list_atom_v, who.user.id,
                                                 std::string{trim(query)}, listed_chats_max);
  if (!chats)
    return app.error_reply(call.request, chats.error());
  // htmx says which page asks: its chat is marked.
  auto page = call.request.header("hx-current-url");
  auto at = page.rfind("/chat/");
  auto current = at == std::string_view::npos ? std::nullopt : parse_number(page.substr(at + 6));
  reply result;
  result.body = chat_list(*chats, current.value_or(0));
  return result;
}

reply rename(application& app, const route_call& call, const visitor& who, const form& fields) {
  auto id = captured_id(call);
  if (!id)
    return app.error_reply(call.request, 404, "There is no such chat.");
  auto given = given_title(call.request, fields);
  if (!given || !is_utf8(*given))
    return app.error_reply(call.request, 400, "The title is malformed.");
  std::string title{trim(*given)};
  if (title.empty())
    return app.error_reply(call.request, 422, "The title is empty.");
  if (code_points(title) > app.settings.chat.title_characters_max)
    return app.error_reply(call.request, 422,
                           "The title has more than " + std::to_string(app.settings.chat.title_characters_max)
                             + " characters.");
  auto done = app.ask_chat<done_atom>(who.user.id, *id, rename_atom_v, title);
  return done ? empty_reply(204) : app.error_reply(call.request, done.error());
}

reply remove(application& app, const route_call& call, const visitor& who, const form&) {
  return app.tell_chat(call, who, remove_atom_v);
}

} // namespace

void add_chat_routes(router& routes, application& app) {
  auto bind = [&app](auto handler) {
    return [&app, handler](const route_call& call, const visitor& who, const form& fields) {
      return handler(app, call, who, fields);
    };
  };
  routes.add("GET", "/chats",
             with_user(app, when_anonymous::forbid,
                       [&app](const route_call& call, const visitor& who) { return list(app, call, who); }));
  routes.add("PATCH", "/chat/([0-9]+)", with_form(app, bind(rename)));
  routes.add("DELETE", "/chat/([0-9]+)", with_form(app, bind(remove)));
}

} // namespace varro
