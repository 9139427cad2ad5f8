#include "render/page_parts.hpp"

#include "models/effort.hpp"
#include "models/offline/offline.hpp"
#include "render/assets.hpp"
#include "render/html.hpp"
#include "render/model_choice.hpp"

#include <algorithm>

namespace varro {

namespace {

using html::element;
using html::fragment;
using html::markup;
using html::raw_element;
using html::url;
using html::void_element;

markup script(std::string_view name) {
  return fragment(raw_element("script", {{"src", url{asset_url(name)}}, {"defer", true}}), "\n");
}

// The page's modules, all at once: else a browser would find each only in those that import it.
markup modules() {
  constexpr std::string_view entry = "page/main.js";
  markup out;
  for (const auto& asset : all_assets())
    if (asset.name.starts_with("page/") && asset.name != entry)
      out += fragment(void_element("link", {{"rel", "modulepreload"}, {"href", url{asset_url(asset.name)}}}), "\n");
  out += raw_element("script", {{"type", "module"}, {"src", url{asset_url(entry)}}});
  out += "\n";
  return out;
}

markup style(std::string_view name) {
  return fragment(void_element("link", {{"rel", "stylesheet"}, {"href", url{asset_url(name)}}}), "\n");
}

// No eval, no inline style, no copies of pages in local storage: what the content security policy asks of htmx.
constexpr std::string_view htmx_settings
  = R"({"allowEval":false,"allowScriptTags":false,"includeIndicatorStyles":false,)"
    R"("selfRequestsOnly":true,"attributesToSettle":["class"],"historyCacheSize":0,"refreshOnHistoryMiss":true})";

// For who does not see what it belongs to.
markup spoken(std::string_view text) {
  return element("span", {{"class", "sr-only"}}, text);
}

// A chat keeps the one that it began with. Without a choice there is nothing to say.
markup python_choice(const config& settings, const chat_record* chat, bool enabled) {
  auto all = settings.shell.all_interpreters();
  const auto& usual = settings.shell.default_python;
  if (chat != nullptr && chat->id > 0) {
    const auto& name = chat->python.empty() ? usual : chat->python;
    if (all.size() < 2 && name == usual)
      return {};
    return element("span", {{"class", "python"}, {"title", "The Python of this chat"}}, "Python: ", name,
                   settings.shell.has_interpreter(name) ? "" : " (not configured)");
  }
  if (all.size() < 2)
    return {};
  auto option = [&](const auto& each) {
    return element("option", {{"value", each.name}, {"selected", each.name == usual}}, "Python: ", each.name);
  };
  return element(
    "label", {{"class", "model"}}, spoken("Python"),
    element("select", {{"name", "python"}, {"id", "python"}, {"disabled", !enabled}}, html::each(all, option)));
}

// How hard the model shall think. Where it cannot do what is chosen, the answer comes with a notice.
markup effort_choice(const chat_record* chat, bool enabled) {
  const auto current = chat ? chat->effort : std::string{};
  auto option = [&](std::string_view value, std::string_view label, bool chosen) {
    return element("option", {{"value", value}, {"selected", chosen}}, "Thinking: ", label);
  };
  return element(
    "label", {{"class", "model effort"}}, spoken("Thinking"),
    element("select",
            {{"name", "effort"}, {"id", "effort"}, {"title", "How hard the model thinks"}, {"disabled", !enabled}},
            option("default", "default", current.empty()), html::each(effort_choices, [&](std::string_view choice) {
              return option(choice, choice == "xhigh" ? "very high" : choice, current == choice);
            })));
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

markup account(const page_viewer& viewer) {
  markup log_out;
  if (viewer.accounts)
    log_out = element("form", {{"method", "post"}, {"action", url{"/logout"}}}, csrf_field(viewer),
                      element("button", {{"type", "submit"}, {"class", "quiet"}}, "Log out"));
  else if (!viewer.logout_url.empty())
    log_out = element("a", {{"class", "quiet"}, {"href", url{viewer.logout_url}}}, "Log out");
  auto name = viewer.accounts
    ? element("a", {{"class", "user-name"}, {"href", url{"/account"}}, {"title", "Your account"}}, viewer.user_name)
    : element("span", {{"class", "user-name"}}, viewer.user_name);
  auto admin = viewer.admin ? element("a", {{"class", "admin-link"}, {"href", url{"/admin"}}}, "Admin") : markup{};
  return element("footer", {{"class", "account"}}, name, admin,
                 element("button",
                         {{"type", "button"},
                          {"class", "icon-button"},
                          {"data-action", "theme"},
                          {"aria-label", "Light or dark"},
                          {"title", "Light or dark"}},
                         icon("theme")),
                 log_out);
}

markup meta(std::string_view name, std::string_view content) {
  return fragment(void_element("meta", {{"name", name}, {"content", content}}), "\n");
}

// Asks before a chat is changed in a way that takes a form. `id`: "rename" or "delete".
markup dialog(const page_viewer& viewer, const std::string& id, std::string_view title, const markup& content,
              const markup& button) {
  return element(
    "dialog", {{"id", id + "-dialog"}, {"aria-labelledby", id + "-title"}},
    element(
      "form", {{"method", "post"}, {"action", url{"/"}}}, csrf_field(viewer),
      element("h2", {{"id", id + "-title"}}, title), content,
      element("div", {{"class", "dialog-buttons"}},
              element("button", {{"type", "button"}, {"class", "quiet"}, {"data-action", "close-dialog"}}, "Cancel"),
              button)));
}

} // namespace

markup document(const page_viewer& viewer, std::string_view title, std::string_view body_class,
                const write_html& body) {
  auto out = fragment(html::doctype(), "\n");
  {
    html::open_element page{out, "html", {{"lang", "en"}}};
    out += "\n";
    out += element(
      "head", "\n", void_element("meta", {{"charset", "utf-8"}}), "\n",
      meta("viewport", "width=device-width, initial-scale=1"), meta("color-scheme", "light dark"),
      meta("referrer", "same-origin"), meta("htmx-config", htmx_settings),
      viewer.csrf.empty() ? markup{} : meta("csrf", viewer.csrf), element("title", title), "\n",
      void_element("link", {{"rel", "icon"}, {"type", "image/svg+xml"}, {"href", url{asset_url("icon.svg")}}}), "\n",
      style("vendor/katex/katex.min.css"), style("app.css"), style("blocks.css"),
      // Before the first paint, or a dark page would flash white.
      raw_element("script", {{"src", url{asset_url("theme.js")}}}), "\n", script("vendor/htmx/htmx.min.js"),
      script("vendor/highlight/highlight.min.js"), script("vendor/katex/katex.min.js"), modules());
    out += "\n";
    {
      html::open_element shown{out, "body", {{"class", body_class}}};
      out += "\n";
      body(out);
      out += "\n";
    }
    out += "\n";
  }
  out += "\n";
  return out;
}

markup time_html(int64_t unix_seconds) {
  auto time = static_cast<time_t>(unix_seconds);
  std::tm parts{};
  char machine[32] = "", human[32] = "";
  if (gmtime_r(&time, &parts) != nullptr) {
    std::strftime(machine, sizeof machine, "%Y-%m-%dT%H:%M:%SZ", &parts);
    std::strftime(human, sizeof human, "%Y-%m-%d %H:%M UTC", &parts);
  }
  return element("time", {{"datetime", machine}}, human);
}

markup csrf_field(const page_viewer& viewer) {
  if (viewer.csrf.empty())
    return {};
  return void_element("input", {{"type", "hidden"}, {"name", "csrf"}, {"value", viewer.csrf}});
}

markup icon(std::string_view name) {
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
  return element("svg",
                 {{"class", "icon icon-" + std::string{name}},
                  {"viewBox", "0 0 24 24"},
                  {"aria-hidden", "true"},
                  {"focusable", "false"}},
                 void_element("path", {{"d", path}}));
}

const config& settings_of(const page_context& context) {
  static const config defaults;
  return context.settings ? *context.settings : defaults;
}

markup chat_form_with(const page_context& context, const chat_record* chat, bool enabled,
                      const html::attributes& more) {
  const bool is_new = chat == nullptr || chat->id <= 0;
  markup number, buttons;
  if (!is_new) {
    number = void_element("input", {{"type", "hidden"}, {"name", "chat_id"}, {"value", chat->id}});
    const url cancel{"/chat/" + std::to_string(chat->id) + "/cancel"};
    constexpr auto later = "Send when the answer is there";
    buttons += element(
      "button",
      {{"type", "button"}, {"class", "round later"}, {"aria-label", later}, {"title", later}, {"hidden", true}},
      icon("send"));
    buttons += element("button",
                       {{"type", "submit"},
                        {"class", "round stop"},
                        {"formnovalidate", true},
                        {"formaction", cancel},
                        {"hx-post", cancel},
                        {"hx-swap", "none"},
                        {"hx-params", "csrf"},
                        {"hx-sync", "this:drop"},
                        {"aria-label", "Stop"},
                        {"title", "Stop"},
                        {"hidden", enabled}},
                       icon("stop"));
  }
  buttons += element("button",
                     {{"type", "submit"},
                      {"class", "round send"},
                      {"aria-label", "Send"},
                      {"title", "Send"},
                      {"disabled", !enabled},
                      {"hidden", !enabled}},
                     icon("send"));
  return element(
    "form",
    {{"id", "chat-form"},
     {"class", "composer"},
     {"method", "post"},
     {"action", url{"/chat/send"}},
     {"hx-post", url{"/chat/send"}},
     {"hx-target", "#conversation"},
     {"hx-swap", "beforeend"},
     {"hx-sync", "this:drop"},
     {"data-state", enabled ? "enabled" : "disabled"},
     more},
    csrf_field(context.viewer), number, element("label", {{"class", "sr-only"}, {"for", "message"}}, "Message"),
    element("textarea",
            {{"id", "message"},
             {"name", "message"},
             {"rows", 1},
             {"required", true},
             {"autocomplete", "off"},
             {"placeholder", "Ask for something to be computed…"}}),
    element(
      "div", {{"class", "composer-bar"}},
      element("label", {{"class", "attach"}, {"title", "Attach files"}}, icon("attach"), spoken("Attach files"),
              void_element("input", {{"class", "sr-only"}, {"type", "file"}, {"name", "files"}, {"multiple", true}})),
      model_choice(*choices_of(context), chat, enabled), effort_choice(chat, enabled),
      python_choice(settings_of(context), chat, enabled),
      element("span", {{"class", "file-names"}, {"aria-live", "polite"}}),
      element("span", {{"class", "composer-hint"}}, element("kbd", "Enter"), " sends, ", element("kbd", "Shift"), "+",
              element("kbd", "Enter"), " breaks the line"),
      buttons));
}

markup sidebar(const page_context& context, int64_t current_chat_id) {
  return fragment(
    element("aside", {{"id", "sidebar"}, {"class", "sidebar"}, {"aria-label", "Chats"}}, "\n",
            element("div", {{"class", "sidebar-head"}}, element("a", {{"class", "brand"}, {"href", url{"/"}}}, "Varro"),
                    element("a",
                            {{"class", "icon-button close-sidebar"},
                             {"href", url{"#main"}},
                             {"aria-label", "Close the list of chats"}},
                            icon("close"))),
            "\n", element("a", {{"class", "new-chat"}, {"href", url{"/"}}}, icon("plus"), element("span", "New chat")),
            "\n",
            element("div", {{"class", "search"}, {"role", "search"}}, icon("search"),
                    element("label", {{"class", "sr-only"}, {"for", "chat-search"}}, "Search chats"),
                    void_element("input",
                                 {{"id", "chat-search"},
                                  {"type", "search"},
                                  {"name", "q"},
                                  {"placeholder", "Search chats"},
                                  {"autocomplete", "off"},
                                  {"hx-get", url{"/chats"}},
                                  {"hx-trigger", "input changed delay:200ms, search"},
                                  {"hx-target", "#chat-list"},
                                  {"hx-swap", "outerHTML"},
                                  {"hx-sync", "this:replace"}})),
            "\n",
            element("nav", {{"class", "chats"}, {"aria-label", "Your chats"}},
                    chat_list(context.chats, current_chat_id, context.older)),
            "\n", account(context.viewer)),
    "\n");
}

markup welcome(const model_choices& choices) {
  auto* model = choices.first();
  bool offline = model && model->kind == provider_kind::offline;
  auto example = [](const example_prompt& each) {
    return element("button", {{"type", "button"}, {"class", "example"}, {"data-example", each.text}},
                   element("strong", each.title), element("span", preview_of(each.text)));
  };
  return element(
    "section", {{"id", "welcome"}, {"class", "welcome"}}, element("h2", "What shall we compute?"),
    element("p",
            "Every chat has its own Python, in its own sandbox. It keeps what it has computed from "
            "one message to the next."),
    offline ? element("p", {{"class", "note"}},
                      "No language model is connected yet. The built-in one only runs the Python that a "
                      "message contains; these examples show how.")
            : markup{},
    element("div", {{"class", "examples"}}, html::each(offline ? offline_examples() : questions(), example)));
}

markup rename_dialog(const page_viewer& viewer) {
  auto title = element(
    "label", {{"class", "field"}}, element("span", "Title"),
    void_element("input", {{"name", "title"}, {"maxlength", 200}, {"required", true}, {"autocomplete", "off"}}));
  auto warning = element("p", "“", element("span", {{"data-chat-title", true}}),
                         "”, its files and its Python variables are deleted for good.");
  return fragment(dialog(viewer, "rename", "Rename chat", title,
                         element("button", {{"type", "submit"}, {"class", "primary"}}, "Rename")),
                  "\n",
                  dialog(viewer, "delete", "Delete this chat?", warning,
                         element("button", {{"type", "submit"}, {"class", "primary danger"}}, "Delete")));
}

markup edit_form(const page_viewer& viewer) {
  return fragment(element("form",
                          {{"id", "edit-form"},
                           {"hidden", true},
                           {"hx-target", "#conversation"},
                           {"hx-swap", "beforeend"},
                           {"hx-sync", "this:drop"},
                           {"hx-include", "#model, #effort"}},
                          csrf_field(viewer), void_element("input", {{"type", "hidden"}, {"name", "turn"}}),
                          element("textarea", {{"name", "message"}, {"aria-label", "Message"}}),
                          element("div", element("button", {{"type", "button"}, {"class", "cancel"}}, "Cancel"),
                                  element("button", {{"type", "submit"}}, "Send"))),
                  "\n");
}

} // namespace varro
