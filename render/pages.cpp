#include "render/pages.hpp"

#include "render/html.hpp"
#include "render/model_choice.hpp"
#include "render/page_parts.hpp"
#include "render/workspace_links.hpp"
#include "workspace/listed_file.hpp"

#include <ctime>

namespace varro {

namespace {

using html::attribute;

std::string sandbox_banner(const config& settings) {
  if (settings.shell.sandbox)
    return {};
  return "<div class=\"banner\" role=\"alert\"><strong>The sandbox is off.</strong> Python code runs with all rights "
         "of the account that runs this server.</div>\n";
}

// The browser's script shows it in the reader's own time.
std::string time_html(int64_t unix_seconds) {
  auto time = static_cast<time_t>(unix_seconds);
  std::tm parts{};
  char machine[32] = "", human[32] = "";
  if (gmtime_r(&time, &parts) != nullptr) {
    std::strftime(machine, sizeof machine, "%Y-%m-%dT%H:%M:%SZ", &parts);
    std::strftime(human, sizeof human, "%Y-%m-%d %H:%M UTC", &parts);
  }
  return "<time" + attribute("datetime", std::string_view{machine}) + ">" + human + "</time>";
}

// Loaded anew each time it is opened: cells write files at any time.
std::string files_menu(int64_t chat_id) {
  return "<details class=\"menu files\"><summary>Files</summary><div class=\"menu-items\""
    + attribute("hx-get", "/chat/" + std::to_string(chat_id) + "/files")
    + " hx-trigger=\"toggle from:closest details\"></div></details>";
}

std::string exports(int64_t chat_id) {
  auto base = "/chat/" + std::to_string(chat_id) + "/export.";
  std::string out = "<details class=\"menu export\"><summary>Export</summary><div class=\"menu-items\">";
  for (auto [extension, label] : {std::pair{"ipynb", "Notebook"}, {"md", "Markdown"}, {"json", "JSON"}})
    out += "<a" + attribute("href", base + extension) + " download>" + label + "</a>";
  return out + "</div></details>";
}

// Empty until the chat has its first message, whose reply brings them.
std::string chat_tools(const chat_record* chat, std::string_view attributes) {
  auto tools = chat != nullptr && chat->id > 0 ? files_menu(chat->id) + exports(chat->id) : std::string{};
  return "<div id=\"chat-tools\" class=\"chat-tools\"" + std::string{attributes} + ">" + tools + "</div>";
}

std::string notice_with(std::string_view text, std::string_view attributes) {
  return "<div id=\"notice\" class=\"notice\" role=\"alert\"" + std::string{attributes}
  + (text.empty() ? " hidden>" : ">") + escape_html(text) + "</div>\n";
}

// The chat goes on as it began until its user wants otherwise.
std::string prefix_offer(const page_viewer& viewer, int64_t chat_id) {
  return "<form class=\"prefix-offer\" method=\"post\""
    + attribute("action", "/chat/" + std::to_string(chat_id) + "/instructions") + ">" + csrf_field(viewer)
    + "<span>This chat keeps the instructions and tools that it began with. There are newer ones.</span> "
      "<button type=\"submit\" class=\"quiet\">Use the newer ones</button></form>\n";
}

std::string main_part(const page_context& context, std::string_view title, const chat_record* chat,
                      std::string_view conversation, bool enabled, std::string_view notice, bool old_prefix = false) {
  const auto& settings = settings_of(context);
  std::string out = "<main id=\"main\" class=\"main\">\n<header class=\"topbar\">"
                    "<a class=\"icon-button open-sidebar\" href=\"#sidebar\" aria-label=\"Show the list of chats\">"
    + icon("menu") + "</a><h1 id=\"chat-title\">" + escape_html(title) + "</h1>";
  out += chat_tools(chat, {});
  out += "</header>\n" + sandbox_banner(settings);
  out += "<div id=\"scroll\" class=\"scroll\"><div id=\"conversation\" class=\"conversation\" role=\"log\" "
         "aria-live=\"polite\" aria-label=\"Conversation\">\n";
  out += conversation;
  out += "</div></div>\n<div class=\"composer-area\">" + notice_with(notice, {});
  if (old_prefix && enabled && chat != nullptr)
    out += prefix_offer(context.viewer, chat->id);
  out += model_note(*choices_of(context), chat, {});
  out += chat_form(context, chat, enabled);
  return out + "</div>\n</main>\n";
}

std::string app_page(const page_context& context, std::string_view title, int64_t chat_id, std::string_view main) {
  std::string body = "<a class=\"skip\" href=\"#message\">Skip to the message box</a>\n<div class=\"layout\">\n";
  body += sidebar(context, chat_id);
  body += main;
  body += "</div>\n" + rename_dialog(context.viewer) + edit_form(context.viewer);
  return document(context.viewer, title, "app", body);
}

std::string stream_container_with(int64_t chat_id, int64_t after_seq, std::string_view progress) {
  auto id = std::to_string(chat_id);
  std::string out = "<div" + attribute("id", "stream-" + id) + " class=\"stream-container\""
    + attribute("data-stream-url", "/chat/stream/" + id + "?after=" + std::to_string(after_seq)) + ">";
  return out + std::string(progress) + "</div>";
}

} // namespace

std::string new_chat_page(const page_context& context) {
  return app_page(context, "Varro", 0,
                  main_part(context, "New chat", nullptr, welcome(*choices_of(context)), true, {}));
}

std::string chat_page_html(const page_context& context, const chat_page& page) {
  std::string conversation;
  for (const auto& item : page.blocks) {
    conversation += item.html;
    conversation += '\n';
  }
  if (page.running)
    conversation += stream_container_with(page.chat.id, page.last_seq,
                                          page.progress.empty() ? std::string{} : progress_indicator(page.progress));
  auto title = page.chat.title.empty() ? std::string("Untitled chat") : page.chat.title;
  return app_page(context, title + " – Varro", page.chat.id,
                  main_part(context, title, &page.chat, conversation, !page.running, page.notice, page.old_prefix));
}

std::string login_page(const page_viewer& viewer, std::string_view message) {
  std::string body = "<main class=\"card\"><p class=\"brand\">Varro</p><h1>Log in</h1>";
  if (!message.empty())
    body += "<p class=\"notice\" role=\"alert\">" + escape_html(message) + "</p>";
  body += "<form method=\"post\" action=\"/login\">" + csrf_field(viewer)
    + "<label class=\"field\"><span>Name</span><input name=\"username\" autocomplete=\"username\" "
      "autocapitalize=\"none\" spellcheck=\"false\" required autofocus></label>"
      "<label class=\"field\"><span>Password</span><input name=\"password\" type=\"password\" "
      "autocomplete=\"current-password\" required></label>"
      "<button type=\"submit\" class=\"primary\">Log in</button></form></main>";
  return document(viewer, "Log in – Varro", "centred", body);
}

std::string error_page(const page_viewer& viewer, int status, std::string_view message) {
  auto code = std::to_string(status);
  return document(viewer, code + " – Varro", "centred",
                  "<main class=\"card\"><p class=\"brand\">Varro</p><h1>" + code + "</h1><p data-error-text>"
                    + escape_html(message) + "</p><p><a href=\"/\">To the chats</a></p></main>");
}

std::string chat_form(const page_context& context, const chat_record* chat, bool enabled) {
  return chat_form_with(context, chat, enabled, {});
}

std::string file_list(int64_t chat_id, const std::vector<listed_file>& files) {
  if (files.empty())
    return "<p class=\"file-list empty\">No files yet.</p>";
  std::string out = "<ul class=\"file-list\">";
  for (const auto& [name, bytes, modified_at] : files) {
    out += "<li><a class=\"file\"" + attribute("href", workspace_file_url(chat_id, name)) + " download>"
      + escape_html(name) + "</a> <span class=\"file-size\">" + html::byte_count(bytes) + "</span> "
      + time_html(modified_at) + "</li>";
  }
  return out + "</ul>";
}

std::string send_reply(const page_context& context, const chat_page& page, const std::vector<block>& user_blocks) {
  std::string out;
  for (const auto& item : user_blocks)
    out += item.html + "\n";
  out += stream_container_with(page.chat.id, page.last_seq,
                               page.progress.empty() ? std::string{} : progress_indicator(page.progress));
  constexpr std::string_view swap = " hx-swap-oob=\"true\"";
  out += "\n" + chat_form_with(context, &page.chat, false, swap);
  out += "\n" + model_note(*choices_of(context), &page.chat, swap);
  if (!page.notice.empty())
    out += "\n" + notice_with(page.notice, swap);
  if (!context.chats.empty())
    out
      += "\n" + chat_list_with(context.chats, page.chat.id, context.older, swap) + "\n" + chat_tools(&page.chat, swap);
  return out;
}

} // namespace varro
