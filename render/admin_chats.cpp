// Chats of others as admins read them, where they may.
#include "base/text.hpp"
#include "render/admin_parts.hpp"

namespace varro {

namespace {

using html::element;
using html::fragment;
using html::markup;
using html::url;

std::string title_of(const chat_record& chat) {
  return chat.title.empty() ? "Untitled chat" : chat.title;
}

markup row(const chat_record& chat) {
  return element("tr",
                 element("th", {{"scope", "row"}},
                         element("a", {{"href", url{chat_path(chat.id, chat_audience::admin)}}}, title_of(chat))),
                 element("td", chat.model), element("td", time_or(chat.created_at, "")),
                 element("td", time_or(chat.updated_at, "")));
}

url chats_of(const std::string& name, const std::string& before = {}) {
  return url{"/admin/chats?name=" + percent_encode(name) + (before.empty() ? "" : "&before=" + before)};
}

} // namespace

markup admin_chats_page(const page_viewer& viewer, const person_chats_view& view) {
  auto older = view.older.empty()
    ? markup{}
    : element("p", element("a", {{"href", chats_of(view.name, view.older)}}, "Older chats"));
  return admin_page(viewer, "/admin", "Chats of " + view.name,
                    fragment(view.chats.empty()
                               ? element("p", "There is no chat.")
                               : table({"Title", "Model", "Begun", "Last change"}, html::each(view.chats, row)),
                             older));
}

markup admin_chat_page(const page_viewer& viewer, const read_chat_view& view) {
  auto blocks = html::each(view.blocks, [](const block& each) { return fragment(each.html, "\n"); });
  return admin_page(
    viewer, "/admin", title_of(view.chat),
    fragment(element("p", {{"class", "note"}}, "A chat of ", element("a", {{"href", chats_of(view.name)}}, view.name),
                     ". That you read it is in the audit. Files of its workspace are not shown."),
             element("div", {{"class", "conversation"}, {"aria-label", "Conversation"}, {"role", "group"}}, blocks)));
}

} // namespace varro
