#include "http/chat_pages.hpp"

#include "base/day.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "storage/limits.hpp"

namespace varro {

std::optional<chat_place> parse_place(std::string_view text) {
  auto dash = text.find('-');
  if (dash == text.npos)
    return std::nullopt;
  auto time = parse_number(text.substr(0, dash)), id = parse_number(text.substr(dash + 1));
  if (!time || !id)
    return std::nullopt;
  return chat_place{*time, *id};
}

caf::expected<chat_page_of_list> list_chats(const application& app, int64_t user, chat_place before, int limit) {
  // One more than is shown says whether there are more.
  auto chats = app.ask<std::vector<chat_record>>(app.services.reader, list_atom_v, user, before.updated_at, before.id,
                                                 limit + 1);
  if (!chats)
    return chats.error();
  chat_page_of_list page{std::move(*chats), {}};
  if (page.chats.size() > static_cast<size_t>(limit)) {
    page.chats.resize(static_cast<size_t>(limit));
    const auto& last = page.chats.back();
    page.older = std::to_string(last.updated_at) + "-" + std::to_string(last.id);
  }
  return page;
}

or_refused<search_found> find_chats(application& app, const visitor& who, std::string_view text) {
  constexpr auto replaced = "Another search of yours took this one's place.";
  auto turn = app.searches.take(who.user.id);
  if (!turn)
    return refused_request{429, replaced};
  auto found = app.ask<search_found>(app.services.search, search_atom_v,
                                     search_query{who.user.id, std::string{text}, search_chats_max, turn->dropped()});
  if (!found && code_of(found.error()) == errc::cancelled)
    return refused_request{429, replaced};
  if (!found)
    return application::refused_by(found.error());
  return std::move(*found);
}

std::optional<refused_request> give_title(application& app, const visitor& who, int64_t chat, std::string_view title) {
  if (!is_utf8(title))
    return refused_request{400, "The title is malformed."};
  const std::string wanted{trim(title)};
  if (wanted.empty())
    return refused_request{422, "The title is empty."};
  const auto most = app.settings.chat.title_characters_max;
  if (code_points(wanted) > most)
    return refused_request{422, "The title has more than " + std::to_string(most) + " characters."};
  auto done = app.ask_chat<done_atom>(who.user.id, chat, rename_atom_v, wanted);
  if (!done)
    return application::refused_by(done.error());
  return std::nullopt;
}

caf::error remove_chat(application& app, const received_request& request, const visitor& who, int64_t chat) {
  auto session = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, chat);
  auto done = app.ask_session<done_atom>(session, who.user.id, chat, remove_atom_v, app.origin_of(request, who));
  if (!done)
    return done.error();
  // What is asked after this answer finds no chat.
  std::ignore = app.ask<chat_session_actor>(app.services.registry, find_atom_v, who.user.id, chat, *session);
  return {};
}

std::string files_deleted_text(unix_us at) {
  return "deleted on " + date_text(at / day_us) + ", because nobody had used the chat for long";
}

} // namespace varro
