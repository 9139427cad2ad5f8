#include "render/pages.hpp"

#include "base/text.hpp"
#include "render/html.hpp"
#include "render/model_choice.hpp"
#include "render/page_parts.hpp"
#include "render/workspace_links.hpp"
#include "workspace/listed_file.hpp"

namespace varro {

namespace {

using html::element;
using html::fragment;
using html::markup;
using html::url;
using html::void_element;

std::string address_of(int64_t chat_id, std::string_view what) {
  return "/chat/" + std::to_string(chat_id) + "/" + std::string{what};
}

markup sandbox_banner(const config& settings) {
  if (settings.shell.sandbox)
    return {};
  return fragment(element("div", {{"class", "banner"}, {"role", "alert"}}, element("strong", "The sandbox is off."),
                          " Python code runs with all rights of the account that runs this server."),
                  "\n");
}

// Loaded anew each time it is opened: cells write files at any time.
markup files_menu(int64_t chat_id) {
  return element("details", {{"class", "menu files"}}, element("summary", "Files"),
                 element("div",
                         {{"class", "menu-items"},
                          {"hx-get", url{address_of(chat_id, "files")}},
                          {"hx-trigger", "toggle from:closest details"}}));
}

markup exports(int64_t chat_id) {
  auto link = [&](std::string_view name, std::string_view label) {
    return element("a", {{"href", url{address_of(chat_id, name)}}, {"download", true}}, label);
  };
  return element("details", {{"class", "menu export"}}, element("summary", "Export"),
                 element("div", {{"class", "menu-items"}}, link("export.ipynb", "Notebook"),
                         link("export.md", "Markdown"), link("export.json", "JSON")));
}

// Empty until the chat has its first message, whose reply brings them.
markup chat_tools(const chat_record* chat, const html::attributes& more) {
  auto tools = chat != nullptr && chat->id > 0 ? fragment(files_menu(chat->id), exports(chat->id)) : markup{};
  return element("div", {{"id", "chat-tools"}, {"class", "chat-tools"}, more}, tools);
}

markup notice_with(std::string_view text, const html::attributes& more) {
  return fragment(
    element("div", {{"id", "notice"}, {"class", "notice"}, {"role", "alert"}, more, {"hidden", text.empty()}}, text),
    "\n");
}

// What the user may use is used up, or nearly: said before somebody types.
markup allowance_with(std::string_view text, const html::attributes& more) {
  return fragment(
    element("div", {{"id", "allowance"}, {"class", "notice"}, {"role", "status"}, more, {"hidden", text.empty()}},
            text),
    "\n");
}

// The chat goes on as it began until its user wants otherwise.
markup prefix_offer(const page_viewer& viewer, int64_t chat_id) {
  return fragment(
    element("form",
            {{"class", "prefix-offer"}, {"method", "post"}, {"action", url{address_of(chat_id, "instructions")}}},
            csrf_field(viewer),
            element("span", "This chat keeps the instructions and tools that it began with. There are newer ones."),
            " ", element("button", {{"type", "submit"}, {"class", "quiet"}}, "Use the newer ones")),
    "\n");
}

struct main_content {
  std::string title;
  const chat_record* chat = nullptr; // null: a new one
  bool enabled = true;               // the composer
  std::string_view notice{};
  bool old_prefix = false;
};

void write_main(markup& out, const page_context& context, const main_content& content, const write_html& conversation) {
  const auto* chat = content.chat;
  {
    html::open_element main{out, "main", {{"id", "main"}, {"class", "main"}}};
    out += fragment("\n",
                    element("header", {{"class", "topbar"}},
                            element("a",
                                    {{"class", "icon-button open-sidebar"},
                                     {"href", url{"#sidebar"}},
                                     {"aria-label", "Show the list of chats"}},
                                    icon("menu")),
                            element("h1", {{"id", "chat-title"}}, content.title), chat_tools(chat, {})),
                    "\n", sandbox_banner(settings_of(context)));
    {
      html::open_element scroll{out, "div", {{"id", "scroll"}, {"class", "scroll"}}};
      html::open_element log{out,
                             "div",
                             {{"id", "conversation"},
                              {"class", "conversation"},
                              {"role", "log"},
                              {"aria-live", "polite"},
                              {"aria-label", "Conversation"}}};
      out += "\n";
      conversation(out);
    }
    const bool offers = content.old_prefix && content.enabled && chat != nullptr;
    out += fragment("\n",
                    element("div", {{"class", "composer-area"}}, notice_with(content.notice, {}),
                            offers ? prefix_offer(context.viewer, chat->id) : markup{},
                            allowance_with(context.allowance, {}), model_note(*choices_of(context), chat, {}),
                            chat_form(context, chat, content.enabled)),
                    "\n");
  }
  out += "\n";
}

markup app_page(const page_context& context, std::string_view title, const main_content& content,
                const write_html& conversation) {
  return document(context.viewer, title, "app", [&](markup& out) {
    out += element("a", {{"class", "skip"}, {"href", url{"#message"}}}, "Skip to the message box");
    out += "\n";
    {
      html::open_element layout{out, "div", {{"class", "layout"}}};
      out += "\n";
      out += sidebar(context, content.chat ? content.chat->id : 0);
      write_main(out, context, content, conversation);
    }
    out += fragment("\n", rename_dialog(context.viewer), edit_form(context.viewer));
  });
}

// Where the events after that one arrive, with the newest progress line for now.
markup stream_container(const chat_page& page) {
  const auto id = std::to_string(page.chat.id);
  return element("div",
                 {{"id", "stream-" + id},
                  {"class", "stream-container"},
                  {"data-stream-url", url{"/chat/stream/" + id + "?after=" + std::to_string(page.last_seq)}}},
                 page.progress.empty() ? markup{} : progress_indicator(page.progress));
}

void write_blocks(markup& out, const std::vector<block>& blocks) {
  for (const auto& each : blocks) {
    out += each.html;
    out += "\n";
  }
}

} // namespace

markup new_chat_page(const page_context& context) {
  return app_page(context, "Varro", {"New chat"}, [&](markup& out) { out += welcome(*choices_of(context)); });
}

markup chat_page_html(const page_context& context, const chat_page& page) {
  const main_content content{page.chat.title.empty() ? "Untitled chat" : page.chat.title, &page.chat, !page.running,
                             page.notice, page.old_prefix};
  return app_page(context, content.title + " – Varro", content, [&](markup& out) {
    write_blocks(out, page.blocks);
    if (page.running)
      out += stream_container(page);
  });
}

markup error_page(const page_viewer& viewer, int status, std::string_view message, std::string_view request) {
  auto id = request.empty() ? markup{} : element("p", {{"data-request-id", true}}, "Request " + std::string{request});
  auto card = element("main", {{"class", "card"}}, element("p", {{"class", "brand"}}, "Varro"), element("h1", status),
                      element("p", {{"data-error-text", true}}, message), id,
                      element("p", element("a", {{"href", url{"/"}}}, "To the chats")));
  return document(viewer, std::to_string(status) + " – Varro", "centred", [&](markup& out) { out += card; });
}

markup chat_form(const page_context& context, const chat_record* chat, bool enabled) {
  return chat_form_with(context, chat, enabled, {});
}

markup file_list(int64_t chat_id, const std::vector<listed_file>& files) {
  if (files.empty())
    return element("p", {{"class", "file-list empty"}}, "No files yet.");
  auto entry = [&](const listed_file& file) {
    const url address{workspace_file_url(chat_id, file.name)};
    return element("li", element("a", {{"class", "file"}, {"href", address}, {"download", true}}, file.name), " ",
                   element("span", {{"class", "file-size"}}, byte_count(file.bytes)), " ", time_html(file.modified_at));
  };
  return element("ul", {{"class", "file-list"}}, html::each(files, entry));
}

markup send_reply(const page_context& context, const chat_page& page, const std::vector<block>& user_blocks,
                  bool new_chat) {
  const html::attributes swap{{"hx-swap-oob", "true"}};
  markup out;
  write_blocks(out, user_blocks);
  out += fragment(stream_container(page), "\n", chat_form_with(context, &page.chat, false, swap), "\n",
                  model_note(*choices_of(context), &page.chat, swap));
  out += allowance_with(context.allowance, swap);
  if (!page.notice.empty())
    out += fragment("\n", notice_with(page.notice, swap));
  if (new_chat)
    out += fragment("\n", new_entry(page.chat), "\n", chat_tools(&page.chat, swap));
  return out;
}

} // namespace varro
