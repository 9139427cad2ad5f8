#include "render/chart_frame.hpp"

#include "models/cell.hpp"
#include "render/assets.hpp"
#include "render/html.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace varro {

namespace {

// In the order of loading.
constexpr std::array<std::string_view, 2> plotly_scripts{"vendor/plotly/plotly.min.js", "chart.js"};
constexpr std::array<std::string_view, 4> vega_scripts{"vendor/vega/vega.min.js", "vendor/vega/vega-lite.min.js",
                                                       "vendor/vega/vega-embed.min.js", "chart.js"};

bool is_plotly(std::string_view media_type) noexcept {
  return media_type == "application/vnd.plotly.v1+json";
}

std::vector<std::string_view> scripts_of(std::string_view media_type) {
  if (is_plotly(media_type))
    return {plotly_scripts.begin(), plotly_scripts.end()};
  return {vega_scripts.begin(), vega_scripts.end()};
}

// JSON that no HTML parser takes for markup: "<" stands in its strings only, where it has another spelling.
std::string inert_json(std::string_view data) {
  std::string out;
  out.reserve(data.size() + data.size() / 16);
  for (char c : data) {
    if (c == '<')
      out += "\\u003c";
    else if (c == '>')
      out += "\\u003e";
    else
      out += c;
  }
  return out;
}

// What a policy may name. It has no spelling for an address of IPv6, for example.
bool is_plain_host(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.'
      || c == ':';
  });
}

} // namespace

bool is_drawn_chart(std::string_view media_type, size_t bytes) noexcept {
  return is_chart_type(media_type) && bytes <= chart_drawn_bytes_max;
}

std::string chart_frame_url(int64_t chat_id, int64_t seq, size_t index, chat_audience audience) {
  return chat_path(chat_id, audience) + "/charts/m" + std::to_string(seq) + "-" + std::to_string(index);
}

html::markup chart_frame_html(std::string_view media_type, std::string_view data) {
  using html::because;
  using html::element;
  using html::raw_element;
  using html::void_element;
  // White in both themes of the page: authors choose a chart's colours for paper.
  constexpr auto style = "body { margin: 0; background: #fff; font-family: sans-serif; } "
                         "#chart { overflow-x: auto; overflow-y: hidden; }";
  return html::fragment(
    html::doctype(), "\n",
    element("html", {{"lang", "en"}}, "\n",
            element("head", void_element("meta", {{"charset", "utf-8"}}),
                    void_element("meta", {{"name", "color-scheme"}, {"content", "light"}}), element("title", "Chart"),
                    "\n", raw_element("style", {}, html::trusted{style, because::embedded_asset})),
            "\n",
            element("body", element("div", {{"id", "chart"}}), "\n",
                    raw_element("script",
                                {{"type", "application/json"},
                                 {"id", "data"},
                                 {"data-library", is_plotly(media_type) ? "plotly" : "vega"}},
                                html::trusted{inert_json(data), because::inert_json}),
                    "\n",
                    html::each(scripts_of(media_type),
                               [](std::string_view name) {
                                 return html::fragment(raw_element("script", {{"src", html::url{asset_url(name)}}}),
                                                       "\n");
                               })),
            "\n"),
    "\n");
}

std::string chart_frame_policy(std::string_view media_type, std::string_view host) {
  std::string scripts;
  if (is_plain_host(host))
    for (auto name : scripts_of(media_type))
      scripts += " " + std::string{host} + "/assets/" + std::string{name};
  else
    scripts = " 'self'";
  // Both libraries position what they draw with style attributes.
  return "sandbox allow-scripts; default-src 'none'; script-src" + scripts
    + "; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'self'";
}

bool is_chart_asset(std::string_view name) noexcept {
  auto holds = [name](const auto& scripts) { return std::find(scripts.begin(), scripts.end(), name) != scripts.end(); };
  return holds(plotly_scripts) || holds(vega_scripts);
}

} // namespace varro
