#include "render/page_parts.hpp"

#include "models/effort.hpp"
#include "models/offline/offline.hpp"
#include "render/assets.hpp"
#include "render/html.hpp"
#include "render/model_choice.hpp"

#include <algorithm>

namespace varro {

namespace {

using html::attribute;

std::string script(std::string_view name) {
  return "<script" + attribute("src", asset_url(name)) + " defer></script>\n";
}

// The page's modules, all at once: else a browser would find each only in those that import it.
std::string modules() {
  constexpr std::string_view entry = "page/main.js";
  std::string out;
  for (const auto& asset : all_assets())
    if (asset.name.starts_with("page/") && asset.name != entry)
      out += "<link rel=\"modulepreload\"" + attribute("href", asset_url(asset.name)) + ">\n";
  return out + "<script type=\"module\"" + attribute("src", asset_url(entry)) + "></script>\n";
}

std::string style(std::string_view name) {
  return "<link rel=\"stylesheet\"" + attribute("href", asset_url(name)) + ">\n";
}

// No eval, no inline style, no copies of pages in local storage: what the content security policy asks of htmx.
constexpr std::string_view htmx_settings
  = R"({"allowEval":false,"allowScriptTags":false,"includeIndicatorStyles":false,)"
    R"("selfRequestsOnly":true,"attributesToSettle":["class"],"historyCacheSize":0,"refreshOnHistoryMiss":true})";

// A chat keeps the one that it began with. Without a choice there is nothing to say.
std::string python_choice(const config& settings, const chat_record* chat, bool enabled) {
  auto all = settings.shell.all_interpreters();
  const auto& usual = settings.shell.default_python;
  if (chat != nullptr && chat->id > 0) {
    const auto& name = chat->python.empty() ? usual : chat->python;
    if (all.size() < 2 && name == usual)
      return {};
    return "<span class=\"python\" title=\"The Python of this chat\">Python: " + escape_html(name)
      + (settings.shell.has_interpreter(name) ? "" : " (not configured)") + "</span>";
  }
  if (all.size() < 2)
    return {};
  std::string out = "<label class=\"model\"><span class=\"sr-only\">Python</span><select name=\"python\" id=\"python\"";
  out += enabled ? ">" : " disabled>";
  for (const auto& each : all)
    out += "<option" + attribute("value", each.name) + (each.name == usual ? " selected>" : ">")
      + "Python: " + escape_html(each.name) + "</option>";
  return out + "</select></label>";
}

// How hard the model shall think. Where it cannot do what is chosen, the answer comes with a notice.
std::string effort_choice(const chat_record* chat, bool enabled) {
  const auto current = chat ? chat->effort : std::string{};
  std::string out = "<label class=\"model effort\"><span class=\"sr-only\">Thinking</span>"
                    "<select name=\"effort\" id=\"effort\" title=\"How hard the model thinks\"";
  out += enabled ? ">" : " disabled>";
  auto option = [&](std::string_view value, std::string_view label, bool chosen) {
    out += "<option" + attribute("value", value) + (chosen ? " selected>" : ">") + std::string(label) + "</option>";
  };
  option("default", "Thinking: default", current.empty());
  for (const auto choice : effort_choices)
    option(choice, "Thinking: " + std::string(choice == "xhigh" ? "very high" : choice), current == choice);
  return out + "</select></label>";
}

// What a chat with a real model may start with.
const std::vector<example_prompt>& questions() {
  static const std::vector<example_prompt> prompts{
    {"Simulate", "Simulate 200 random walks of 1,000 steps. Plot them, and how their spread grows."},
    {"Explain with numbers",
     "How likely is it that two of 30 people share a birthday? Compute it exactly and by simulation."},
    {"Look at data", "I attach a CSV file. Tell me what is in it, what is odd about it, and plot what matters."},
  };
  return prompts;
}

// An example's text without its fences and empty lines.
std::string preview_of(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.empty() && !line.starts_with("```"))
      out += std::string(line) + "\n";
  }
  return out;
}

std::string account(const page_viewer& viewer) {
  std::string out = "<footer class=\"account\"><span class=\"user-name\">" + escape_html(viewer.user_name) + "</span>";
  out += "<button type=\"button\" class=\"icon-button\" data-action=\"theme\" aria-label=\"Light or dark\" "
         "title=\"Light or dark\">"
    + icon("theme") + "</button>";
  if (viewer.accounts)
    out += "<form method=\"post\" action=\"/logout\">" + csrf_field(viewer)
      + "<button type=\"submit\" class=\"quiet\">Log out</button></form>";
  return out + "</footer>";
}

} // namespace

std::string document(const page_viewer& viewer, std::string_view title, std::string_view body_class,
                     std::string_view body) {
  std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"color-scheme\" content=\"light dark\">\n"
                    "<meta name=\"referrer\" content=\"same-origin\">\n";
  out += "<meta name=\"htmx-config\"" + attribute("content", htmx_settings) + ">\n";
  if (!viewer.csrf.empty())
    out += "<meta name=\"csrf\"" + attribute("content", viewer.csrf) + ">\n";
  out += "<title>" + escape_html(title) + "</title>\n<link rel=\"icon\" type=\"image/svg+xml\""
    + attribute("href", asset_url("icon.svg")) + ">\n";
  out += style("vendor/katex/katex.min.css") + style("app.css") + style("blocks.css");
  // Before the first paint, or a dark page would flash white.
  out += "<script" + attribute("src", asset_url("theme.js")) + "></script>\n";
  for (std::string_view name :
       {"vendor/htmx/htmx.min.js", "vendor/highlight/highlight.min.js", "vendor/katex/katex.min.js"})
    out += script(name);
  out += modules() + "</head>\n<body" + attribute("class", body_class) + ">\n";
  out += body;
  return out + "\n</body>\n</html>\n";
}

std::string csrf_field(const page_viewer& viewer) {
  if (viewer.csrf.empty())
    return {};
  return "<input type=\"hidden\" name=\"csrf\"" + attribute("value", viewer.csrf) + ">";
}

std::string icon(std::string_view name) {
  std::string_view path;
  if (name == "menu")
    path = "M4 7h16M4 12h16M4 17h16";
  else if (name == "plus")
    path = "M12 5v14M5 12h14";
  else if (name == "send")
    path = "M12 19V5M6 11l6-6 6 6";
  else if (name == "stop")
    path = "M7.5 7.5h9v9h-9z";
  else if (name == "dots")
    path = "M5 12h.01M12 12h.01M19 12h.01";
  else if (name == "theme")
    path = "M12 4a8 8 0 1 0 8 8 6 6 0 0 1-8-8z";
  else if (name == "close")
    path = "M6 6l12 12M18 6L6 18";
  else if (name == "attach")
    path = "M19 11.5l-7 7a4.5 4.5 0 0 1-6.4-6.4l7.6-7.6a3 3 0 0 1 4.3 4.3l-7.6 7.6a1.5 1.5 0 0 1-2.1-2.1l6.9-6.9";
  else if (name == "search")
    path = "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15.5 15.5L20 20";
  return "<svg class=\"icon icon-" + std::string(name)
    + "\" viewBox=\"0 0 24 24\" aria-hidden=\"true\" focusable=\"false\"><path d=\"" + std::string(path) + "\"/></svg>";
}

const config& settings_of(const page_context& context) {
  static const config defaults;
  return context.settings ? *context.settings : defaults;
}

std::string chat_form_with(const page_context& context, const chat_record* chat, bool enabled,
                           std::string_view attributes) {
  const auto& viewer = context.viewer;
  const auto& settings = settings_of(context);
  std::string out = "<form id=\"chat-form\" class=\"composer\" method=\"post\" action=\"/chat/send\" "
                    "hx-post=\"/chat/send\" hx-target=\"#conversation\" hx-swap=\"beforeend\" hx-sync=\"this:drop\"";
  out += enabled ? " data-state=\"enabled\"" : " data-state=\"disabled\"";
  out += std::string(attributes) + ">" + csrf_field(viewer);
  if (chat && chat->id > 0)
    out += "<input type=\"hidden\" name=\"chat_id\"" + attribute("value", chat->id) + ">";
  out += "<label class=\"sr-only\" for=\"message\">Message</label>"
         "<textarea id=\"message\" name=\"message\" rows=\"1\" required autocomplete=\"off\" "
         "placeholder=\"Ask for something to be computed…\"></textarea><div class=\"composer-bar\">";
  out += "<label class=\"attach\" title=\"Attach files\">" + icon("attach")
    + "<span class=\"sr-only\">Attach files</span>"
      "<input class=\"sr-only\" type=\"file\" name=\"files\" multiple></label>";
  out += model_choice(*choices_of(context), chat, enabled) + effort_choice(chat, enabled)
    + python_choice(settings, chat, enabled);
  out += "<span class=\"file-names\" aria-live=\"polite\"></span><span class=\"composer-hint\">"
         "<kbd>Enter</kbd> sends, <kbd>Shift</kbd>+<kbd>Enter</kbd> breaks the line</span>";
  if (chat && chat->id > 0) {
    out += "<button type=\"button\" class=\"round later\" aria-label=\"Send when the answer is there\" "
           "title=\"Send when the answer is there\" hidden>"
      + icon("send") + "</button>";
    auto url = "/chat/" + std::to_string(chat->id) + "/cancel";
    out += "<button type=\"submit\" class=\"round stop\" formnovalidate" + attribute("formaction", url)
      + attribute("hx-post", url)
      + " hx-swap=\"none\" hx-params=\"csrf\" hx-sync=\"this:drop\" aria-label=\"Stop\" "
        "title=\"Stop\""
      + (enabled ? " hidden>" : ">") + icon("stop") + "</button>";
  }
  out += std::string("<button type=\"submit\" class=\"round send\" aria-label=\"Send\" title=\"Send\"")
    + (enabled ? ">" : " disabled hidden>") + icon("send") + "</button></div></form>";
  return out;
}

std::string sidebar(const page_context& context, int64_t current_chat_id) {
  std::string out = "<aside id=\"sidebar\" class=\"sidebar\" aria-label=\"Chats\">\n"
                    "<div class=\"sidebar-head\"><a class=\"brand\" href=\"/\">Varro</a>"
                    "<a class=\"icon-button close-sidebar\" href=\"#main\" aria-label=\"Close the list of chats\">"
    + icon("close") + "</a></div>\n";
  out += "<a class=\"new-chat\" href=\"/\">" + icon("plus") + "<span>New chat</span></a>\n";
  out += "<div class=\"search\" role=\"search\">" + icon("search")
    + "<label class=\"sr-only\" for=\"chat-search\">Search chats</label>"
      "<input id=\"chat-search\" type=\"search\" name=\"q\" placeholder=\"Search chats\" autocomplete=\"off\" "
      "hx-get=\"/chats\" hx-trigger=\"input changed delay:200ms, search\" hx-target=\"#chat-list\" "
      "hx-swap=\"outerHTML\" hx-sync=\"this:replace\"></div>\n";
  out += "<nav class=\"chats\" aria-label=\"Your chats\">" + chat_list(context.chats, current_chat_id, context.older)
    + "</nav>\n";
  return out + account(context.viewer) + "</aside>\n";
}

std::string welcome(const model_choices& choices) {
  std::string out = "<section id=\"welcome\" class=\"welcome\"><h2>What shall we compute?</h2>"
                    "<p>Every chat has its own Python, in its own sandbox. It keeps what it has computed from one "
                    "message to the next.</p>";
  auto* model = choices.first();
  bool offline = model && model->kind == provider_kind::offline;
  if (offline)
    out += "<p class=\"note\">No language model is connected yet. The built-in one only runs the Python that a message "
           "contains; these examples show how.</p>";
  out += "<div class=\"examples\">";
  for (const auto& example : offline ? offline_examples() : questions())
    out += "<button type=\"button\" class=\"example\"" + attribute("data-example", example.text) + "><strong>"
      + escape_html(example.title) + "</strong><span>" + escape_html(preview_of(example.text)) + "</span></button>";
  return out + "</div></section>";
}

std::string rename_dialog(const page_viewer& viewer) {
  std::string out = "<dialog id=\"rename-dialog\" aria-labelledby=\"rename-title\"><form method=\"post\" action=\"/\">";
  out += csrf_field(viewer);
  out += "<h2 id=\"rename-title\">Rename chat</h2><label class=\"field\"><span>Title</span>"
         "<input name=\"title\" maxlength=\"200\" required autocomplete=\"off\"></label><div class=\"dialog-buttons\">"
         "<button type=\"button\" class=\"quiet\" data-action=\"close-dialog\">Cancel</button>"
         "<button type=\"submit\" class=\"primary\">Rename</button></div></form></dialog>\n";
  out += "<dialog id=\"delete-dialog\" aria-labelledby=\"delete-title\"><form method=\"post\" action=\"/\">";
  out += csrf_field(viewer);
  out += "<h2 id=\"delete-title\">Delete this chat?</h2><p>“<span data-chat-title></span>”, its files and its Python "
         "variables are deleted for good.</p><div class=\"dialog-buttons\">"
         "<button type=\"button\" class=\"quiet\" data-action=\"close-dialog\">Cancel</button>"
         "<button type=\"submit\" class=\"primary danger\">Delete</button></div></form></dialog>";
  return out;
}

std::string edit_form(const page_viewer& viewer) {
  return "<form id=\"edit-form\" hidden hx-target=\"#conversation\" hx-swap=\"beforeend\" "
         "hx-sync=\"this:drop\" hx-include=\"#model, #effort\">"
    + csrf_field(viewer)
    + "<input type=\"hidden\" name=\"turn\">"
      "<textarea name=\"message\" aria-label=\"Message\"></textarea><div>"
      "<button type=\"button\" class=\"cancel\">Cancel</button><button type=\"submit\">Send</button></div>"
      "</form>\n";
}

} // namespace varro
