#include "render/token_section.hpp"

#include "render/page_parts.hpp"

#include <array>

namespace varro {

namespace {

using html::element;
using html::fragment;
using html::markup;
using html::url;
using html::void_element;

constexpr int64_t second = 1'000'000;
constexpr std::array days_offered{1, 7, 30, 90, 365};
constexpr int days_chosen = 90;

markup scope_box(std::string_view scope, std::string_view label, bool checked) {
  return element(
    "label", {{"class", "check"}},
    void_element("input", {{"type", "checkbox"}, {"name", "scope"}, {"value", scope}, {"checked", checked}}),
    element("span", label));
}

markup days_option(int days) {
  return element("option", {{"value", std::to_string(days) + "d"}, {"selected", days == days_chosen}},
                 days == 1 ? std::string{"1 day"} : std::to_string(days) + " days");
}

// As long as the server allows. Where that is less than a day, so many hours.
markup lifetime_options(std::chrono::hours lasts_max) {
  markup options;
  for (const int days : days_offered)
    if (std::chrono::hours{24} * days <= lasts_max)
      options += days_option(days);
  if (options.empty())
    options += element("option", {{"value", std::to_string(lasts_max.count()) + "h"}},
                       std::to_string(lasts_max.count()) + " hours");
  return options;
}

markup token_row(const page_viewer& viewer, const token_record& token) {
  auto revoke = element("form", {{"method", "post"}, {"action", url{"/account/tokens/revoke"}}}, csrf_field(viewer),
                        void_element("input", {{"type", "hidden"}, {"name", "id"}, {"value", token.id}}),
                        element("button", {{"type", "submit"}, {"class", "quiet"}}, "Revoke"));
  markup used;
  if (token.last_used_at == 0)
    used += "not used yet";
  else
    used = fragment("last used ", time_html(token.last_used_at / second));
  return element("li", {{"class", "session"}},
                 element("div", element("p", token.label),
                         element("p", {{"class", "quiet-text"}}, element("code", "varro_" + token.id + "_…"), " for ",
                                 text_of(token.scopes), ", until ", time_html(token.expires_at / second), ", ", used)),
                 revoke);
}

markup made_notice(std::string_view token) {
  if (token.empty())
    return {};
  return element("div", {{"class", "note"}, {"role", "status"}},
                 element("p", "This is the token. Copy it now: it is not shown again."),
                 element("p", element("code", {{"class", "token"}}, token)));
}

markup make_form(const page_viewer& viewer, const token_section_content& content) {
  auto label = element("label", {{"class", "field"}}, element("span", "What is it for?"),
                       void_element("input",
                                    {{"name", "label"},
                                     {"value", content.typed_label, !content.typed_label.empty()},
                                     {"maxlength", 100},
                                     {"required", true}}));
  auto lasts = element("label", {{"class", "field"}}, element("span", "It ends after"),
                       element("select", {{"name", "expires"}}, lifetime_options(content.lasts_max)));
  auto scopes = fragment(scope_box("read", "Read my chats and their files", true),
                         scope_box("chat", "Also change them: send, edit, stop, upload, delete", false),
                         content.admin ? scope_box("admin", "Look after the server, as an admin", false) : markup{});
  auto failed
    = content.message.empty() ? markup{} : element("p", {{"class", "notice"}, {"role", "alert"}}, content.message);
  return element("form", {{"method", "post"}, {"action", url{"/account/tokens"}}}, csrf_field(viewer), failed, label,
                 element("fieldset", element("legend", "It may"), scopes), lasts,
                 element("button", {{"type", "submit"}, {"class", "primary"}}, "Make a token"));
}

} // namespace

markup token_section(const page_viewer& viewer, const token_section_content& content) {
  auto row = [&](const token_record& each) { return token_row(viewer, each); };
  auto list = content.tokens.empty() ? element("p", {{"class", "quiet-text"}}, "There are none.")
                                     : element("ul", {{"class", "sessions"}}, html::each(content.tokens, row));
  return element(
    "section", {{"id", "tokens"}}, element("h2", "Tokens for programs"),
    element("p", {{"class", "quiet-text"}},
            "A program that sends one in the header field Authorization acts for you. Whoever has it can do "
            "the same."),
    made_notice(content.made), list, make_form(viewer, content));
}

} // namespace varro
