// Chats of others, for admins, where auth.admins_read_chats lets them. Without it, none of these pages is there.
//
// Each reading is in the audit before anything is shown. Nothing here is a use of the chat (storage/retention.hpp), and
// no token of a program gets in (route_scope::browser).
#include "http/admin_parts.hpp"
#include "http/attachments.hpp"
#include "http/chat_pages.hpp"

namespace varro {

namespace {

constexpr auto no_page = "There is no such page.";
constexpr auto no_chat = "There is no such chat.";

struct chat_of_somebody {
  chat_record chat;
  user_record owner;
};

// The chat that the address names, with whose it is.
caf::expected<chat_of_somebody> chat_asked_for(const application& app, const route_call& call) {
  if (!app.settings.auth.admins_read_chats)
    return fail(errc::not_found, no_page);
  const auto id = captured_id(call);
  if (!id)
    return fail(errc::not_found, no_chat);
  auto chat = ask_database<std::optional<chat_record>>(app, chat_question{*id});
  if (!chat)
    return std::move(chat.error());
  if (!*chat)
    return fail(errc::not_found, no_chat);
  const auto owner = (*chat)->user_id;
  auto names = names_of(app, {owner});
  if (!names)
    return std::move(names.error());
  user_record whose;
  whose.id = owner;
  whose.name = (*names)[owner];
  return chat_of_somebody{std::move(**chat), std::move(whose)};
}

// The audit tells of the chat by its number: the title is what somebody wrote.
caf::error note_chat_read(application& app, const route_call& call, const visitor& who, const chat_of_somebody& which) {
  const account_write noted = audit_noted{
    {audit_action::admin_read, {which.owner.id, which.owner.name}, chat_path(which.chat.id, chat_audience::admin)},
    app.origin_of(call.request, who)};
  auto done = app.ask<done_atom>(app.services.store, user_atom_v, noted);
  return done ? caf::error{} : std::move(done.error());
}

// What a page that was read loads: of the same reading, so that the audit tells of it once an hour.
template <class Find>
reply show_piece(application& app, const route_call& call, const visitor& who, const Find& find) {
  auto which = chat_asked_for(app, call);
  if (!which)
    return app.error_reply(call.request, which.error());
  const auto what = "files of " + chat_path(which->chat.id, chat_audience::admin);
  if (auto refused = note_read(app, call, who, what, {which->owner.id, which->owner.name}))
    return app.error_reply(call.request, refused);
  caf::expected<reply> found = find(*which);
  if (!found)
    return app.error_reply(call.request, found.error());
  found->cache_control = "no-store"; // as the page: what a browser keeps could be read without the audit's knowing
  return std::move(*found);
}

} // namespace

reply show_person_chats(application& app, const route_call& call, const visitor& who) {
  if (!app.settings.auth.admins_read_chats)
    return app.error_reply(call.request, 404, no_page);
  auto user = user_named(app, query_value(call.request, "name").value_or(""));
  if (!user)
    return app.error_reply(call.request, user.error());
  if (auto refused = note_read(app, call, who, "/admin/chats", {user->id, user->name}))
    return app.error_reply(call.request, refused);
  const auto before = parse_place(query_value(call.request, "before").value_or("")).value_or(chat_place{});
  auto chats = list_chats(app, user->id, before);
  if (!chats)
    return app.error_reply(call.request, chats.error());
  return html_reply(
    200, admin_chats_page(app.viewer_of(who), {user->name, std::move(chats->chats), std::move(chats->older)}));
}

reply read_chat_of_another(application& app, const route_call& call, const visitor& who) {
  auto which = chat_asked_for(app, call);
  if (!which)
    return app.error_reply(call.request, which.error());
  if (auto refused = note_chat_read(app, call, who, *which))
    return app.error_reply(call.request, refused);
  auto contents = app.ask_chat<chat_contents>(which->owner.id, which->chat.id, history_atom_v);
  if (!contents)
    return app.error_reply(call.request, contents.error());
  auto blocks = render_chat(*contents, app.services.markdown, chat_audience::admin);
  return html_reply(
    200, admin_chat_page(app.viewer_of(who), {which->owner.name, std::move(contents->chat), std::move(blocks)}));
}

reply download_file_of_another(application& app, const route_call& call, const visitor& who) {
  return show_piece(app, call, who, [&](const chat_of_somebody& which) {
    return attachment_reply(app, which.owner.id, which.chat.id, call.segment("name"));
  });
}

reply show_chart_of_another(application& app, const route_call& call, const visitor& who) {
  return show_piece(app, call, who, [&](const chat_of_somebody& which) {
    return chart_reply(app, call.request, which.owner.id, which.chat.id, call.segment("name"));
  });
}

} // namespace varro
