#include "render/admin_parts.hpp"

#include <array>

namespace varro {

namespace {

using html::element;
using html::markup;
using html::url;
using html::void_element;

struct admin_address {
  std::string_view path, name;
};
constexpr std::array<admin_address, 8> addresses{{{"/admin", "People"},
                                                  {"/admin/usage", "Usage"},
                                                  {"/admin/live", "Live"},
                                                  {"/admin/turns", "Turns"},
                                                  {"/admin/errors", "Errors"},
                                                  {"/admin/invitations", "Invitations"},
                                                  {"/admin/audit", "Audit"},
                                                  {"/admin/configuration", "Configuration"}}};

} // namespace

markup admin_page(const page_viewer& viewer, std::string_view path, const std::string& title, const markup& content) {
  auto link = [&](const admin_address& each) {
    return element("a", {{"href", url{std::string{each.path}}}, {"aria-current", "page", each.path == path}},
                   each.name);
  };
  auto head
    = element("header", {{"class", "admin-head"}}, element("a", {{"class", "brand"}, {"href", url{"/"}}}, "Varro"),
              element("nav", {{"aria-label", "Administration"}}, html::each(addresses, link)));
  auto main = element("main", {{"class", "admin-main"}}, element("h1", title), content);
  return document(viewer, title + " – Varro", "admin", [&](markup& out) {
    out += head;
    out += main;
  });
}

markup said(const admin_word& word) {
  if (!word.problem.empty())
    return element("p", {{"class", "notice"}, {"role", "alert"}}, word.problem);
  return word.note.empty() ? markup{} : element("p", {{"class", "note"}, {"role", "status"}}, word.note);
}

markup table(std::initializer_list<std::string_view> heads, const markup& rows) {
  auto head = [](std::string_view text) { return element("th", {{"scope", "col"}}, text); };
  return element("div", {{"class", "table-scroll"}, {"tabindex", 0}, {"role", "group"}, {"aria-label", "Table"}},
                 element("table", element("thead", element("tr", html::each(heads, head))), element("tbody", rows)));
}

markup hidden(std::string_view name, std::string_view value) {
  return void_element("input", {{"type", "hidden"}, {"name", name}, {"value", value}});
}

markup small_button(std::string_view label) {
  return element("button", {{"type", "submit"}, {"class", "quiet"}}, label);
}

markup text_field(std::string_view label, std::string_view name, std::string_view value) {
  return element("label", {{"class", "field"}}, element("span", label),
                 void_element("input", {{"name", name}, {"value", value}, {"autocomplete", "off"}}));
}

std::string count_text(int64_t number) {
  auto text = std::to_string(number);
  for (size_t end = text.size(); end > (number < 0 ? 4u : 3u);) {
    end -= 3;
    text.insert(end, 1, ',');
  }
  return text;
}

markup number_cell(std::string_view text) {
  return element("td", {{"class", "number"}}, text);
}

markup time_or(unix_us time, std::string_view never) {
  constexpr int64_t second = 1'000'000;
  return time == 0 ? element("span", {{"class", "quiet-text"}}, never) : time_html(time / second);
}

} // namespace varro
