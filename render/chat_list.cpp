#include "render/chat_list.hpp"

#include "render/page_parts.hpp"

namespace varro {

namespace {

using html::element;
using html::fragment;
using html::markup;
using html::url;

std::string title_of(const chat_record& chat) {
  return chat.title.empty() ? "Untitled chat" : chat.title;
}

markup marked(const found_text& text) {
  return fragment(text.before, element("mark", text.match), text.after);
}

markup menu_of(const chat_record& chat) {
  return element(
    "details", {{"class", "menu"}}, element("summary", {{"aria-label", "Actions for " + title_of(chat)}}, icon("dots")),
    element("div", {{"class", "menu-items"}},
            element("button", {{"type", "button"}, {"data-action", "rename"}, {"data-chat", chat.id}}, "Rename"),
            element("button",
                    {{"type", "button"}, {"class", "danger"}, {"data-action", "delete"}, {"data-chat", chat.id}},
                    "Delete")));
}

markup link_to(const chat_record& chat, bool current, const markup& title) {
  return element("a",
                 {{"class", "chat-link"},
                  {"href", url{"/chat/" + std::to_string(chat.id)}},
                  {"data-chat", chat.id},
                  {"aria-current", "page", current}},
                 title);
}

markup chat_entry(const chat_record& chat, bool current) {
  return element("li", {{"class", "chat-entry"}}, link_to(chat, current, fragment(title_of(chat))), menu_of(chat));
}

markup found_entry(const found_chat& found, bool current) {
  const auto& text = found.text;
  // A long title is not there as a whole; what renames it reads it from the link.
  auto whole = found.seq == 0 && text.before + text.match + text.after == found.chat.title;
  auto title = whole ? marked(text) : fragment(title_of(found.chat));
  auto excerpt = whole ? markup{} : element("p", {{"class", "excerpt"}}, marked(text));
  return element("li", {{"class", "chat-entry found"}}, link_to(found.chat, current, title), menu_of(found.chat),
                 excerpt);
}

markup entries_of(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older) {
  auto out = html::each(chats, [&](const chat_record& chat) { return chat_entry(chat, chat.id == current_chat_id); });
  if (older.empty())
    return out;
  auto place = "before=" + std::string{older};
  out += element("li", {{"class", "older-chats"}},
                 element("a",
                         {{"href", url{"/?" + place}},
                          {"hx-get", url{"/chats?" + place}},
                          {"hx-target", "closest li"},
                          {"hx-swap", "outerHTML"}},
                         "Older chats"));
  return out;
}

markup list_of(const markup& entries) {
  return element("ul", {{"id", "chat-list"}, {"class", "chat-list"}},
                 entries.empty() ? element("li", {{"class", "no-chats"}}, "No chats") : fragment(entries));
}

} // namespace

markup chat_list(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older) {
  return list_of(entries_of(chats, current_chat_id, older));
}

markup new_entry(const chat_record& chat) {
  return element("ul", {{"hx-swap-oob", "afterbegin:#chat-list"}}, chat_entry(chat, true));
}

markup older_chats(const std::vector<chat_record>& chats, int64_t current_chat_id, std::string_view older) {
  return entries_of(chats, current_chat_id, older);
}

markup found_list(const found_chats& found, int64_t current_chat_id) {
  auto out = html::each(found.chats,
                        [&](const found_chat& each) { return found_entry(each, each.chat.id == current_chat_id); });
  if (!found.complete)
    out += element("li", {{"class", "search-note"}}, "This search took too long: older texts were not looked at.");
  return list_of(out);
}

} // namespace varro
