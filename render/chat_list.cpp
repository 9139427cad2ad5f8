#include "render/chat_list.hpp"

#include "render/html.hpp"
#include "render/page_parts.hpp"

namespace varro {

namespace {

using html::attribute;

std::string title_of(const chat_record& chat) {
  return chat.title.empty() ? "Untitled chat" : chat.title;
}

std::string marked(const found_text& text) {
  return escape_html(text.before) + "<mark>" + escape_html(text.match) + "</mark>" + escape_html(text.after);
}

std::string menu_of(const chat_record& chat) {
  std::string out = "<details class=\"menu\"><summary aria-label=\"Actions for " + escape_html(title_of(chat)) + "\">"
    + icon("dots") + "</summary><div class=\"menu-items\">";
  out += "<button type=\"button\" data-action=\"rename\"" + attribute("data-chat", chat.id) + ">Rename</button>";
  out += "<button type=\"button\" class=\"danger\" data-action=\"delete\"" + attribute("data-chat", chat.id)
    + ">Delete</button>";
  return out + "</div></details>";
}

// `title`: HTML.
std::string link_to(const chat_record& chat, bool current, std::string_view title) {
  std::string out = "<a class=\"chat-link\"" + attribute("href", "/chat/" + std::to_string(chat.id))
    + attribute("data-chat", chat.id);
  return out + (current ? " aria-current=\"page\">" : ">") + std::string{title} + "</a>";
}

std::string chat_entry(const chat_record& chat, bool current) {
  return "<li class=\"chat-entry\">" + link_to(chat, current, escape_html(title_of(chat))) + menu_of(chat) + "</li>";
}

std::string found_entry(const found_chat& found, bool current) {
  const auto& text = found.text;
  // A long title is not there as a whole; what renames it reads it from the link.
  auto whole = found.seq == 0 && text.before + text.match + text.after == found.chat.title;
  auto out = "<li class=\"chat-entry found\">"
    + link_to(found.chat, current, whole ? marked(text) : escape_html(title_of(found.chat))) + menu_of(found.chat);
  return out + (whole ? "" : "<p class=\"excerpt\">" + marked(text) + "</p>") + "</li>";
}

std::string entries_of(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older) {
  std::string out;
  for (const auto& chat : chats)
    out += chat_entry(chat, chat.id == current_chat_id);
  if (older.empty())
    return out;
  auto place = "before=" + std::string{older};
  return out + "<li class=\"older-chats\"><a" + attribute("href", "/?" + place) + attribute("hx-get", "/chats?" + place)
    + " hx-target=\"closest li\" hx-swap=\"outerHTML\">Older chats</a></li>";
}

std::string list_of(std::string_view entries, std::string_view attributes) {
  return "<ul id=\"chat-list\" class=\"chat-list\"" + std::string{attributes} + ">"
    + (entries.empty() ? "<li class=\"no-chats\">No chats</li>" : std::string{entries}) + "</ul>";
}

} // namespace

std::string chat_list(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older) {
  return chat_list_with(chats, current_chat_id, older, {});
}

std::string chat_list_with(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older,
                           std::string_view attributes) {
  return list_of(entries_of(chats, current_chat_id, older), attributes);
}

std::string older_chats(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older) {
  return entries_of(chats, current_chat_id, older);
}

std::string found_list(const found_chats& found, int64_t current_chat_id) {
  std::string out;
  for (const auto& each : found.chats)
    out += found_entry(each, each.chat.id == current_chat_id);
  if (!found.complete)
    out += "<li class=\"no-chats\">This search took too long: older texts were not looked at.</li>";
  return list_of(out, {});
}

} // namespace varro
