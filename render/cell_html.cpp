#include "base/text.hpp"
#include "base/utf8.hpp"
#include "models/cell.hpp"
#include "render/chart_frame.hpp"
#include "render/html.hpp"
#include "render/parts.hpp"
#include "render/shown_parts.hpp"

#include <algorithm>
#include <cstdio>

namespace varro {

namespace {

using html::element;
using html::markup;
using html::url;

bool is_number(std::string_view dtype) {
  for (std::string_view prefix : {"int", "uint", "float", "Int", "UInt", "Float", "complex", "decimal"})
    if (dtype.starts_with(prefix))
      return true;
  return false;
}

std::string count_of(int64_t count, const char* singular) {
  return std::to_string(count) + " " + singular + (count == 1 ? "" : "s");
}

std::string table_caption(const table_output& table) {
  auto rows_shown = static_cast<int64_t>(table.rows.size());
  auto columns_shown = std::max<int64_t>(static_cast<int64_t>(table.columns.size()) - 1, 0);
  std::string text;
  if (rows_shown < table.rows_total)
    text += "first " + std::to_string(rows_shown) + " of ";
  text += count_of(table.rows_total, "row") + " × ";
  if (columns_shown < table.columns_total)
    text += "first " + std::to_string(columns_shown) + " of ";
  return text + count_of(table.columns_total, "column");
}

markup table_html(const table_output& table) {
  std::vector<bool> numeric;
  markup head, body;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    std::string_view dtype = i < table.dtypes.size() ? std::string_view{table.dtypes[i]} : std::string_view{};
    numeric.push_back(is_number(dtype));
    head += element("th", {{"scope", "col"}, {"class", "number", numeric.back()}}, table.columns[i],
                    dtype.empty() ? markup{} : element("span", {{"class", "dtype"}}, dtype));
  }
  for (const auto& row : table.rows) {
    markup cells;
    for (size_t i = 0; i < row.size(); ++i) {
      const bool number = i < numeric.size() && numeric[i];
      cells += i == 0 ? element("th", {{"scope", "row"}, {"class", "number", number}}, row[i])
                      : element("td", {{"class", "number", number}}, row[i]);
    }
    body += element("tr", cells);
  }
  return element("figure", {{"class", "table-output"}},
                 element("div", {{"class", "table-scroll"}, {"tabindex", 0}},
                         element("table", element("thead", element("tr", head)), element("tbody", body))),
                 element("figcaption", table_caption(table)));
}

markup error_html(const error_output& error) {
  const auto& traceback = error.traceback;
  return element("div", {{"class", "cell-error"}},
                 element("p", element("strong", error.name), error.message.empty() ? "" : ": ", error.message),
                 traceback.empty() ? markup{} : element("pre", {{"class", "traceback"}}, traceback));
}

// Served under a policy of its own that makes it a stranger to this page; the attribute says the same again.
markup frame_html(const std::string& address, const rich_output& display, size_t number) {
  constexpr size_t title_bytes_max = 200;
  auto title = display.text.empty() ? "Display " + std::to_string(number) + " of this cell"
                                    : std::string{clip_utf8(display.text, title_bytes_max)};
  return html::raw_element("iframe",
                           {{"src", url{address}},
                            {"sandbox", "allow-scripts"},
                            {"title", title},
                            {"loading", "lazy"},
                            {"referrerpolicy", "no-referrer"}});
}

// The summary stands for the drawing until the frame has told that there is one.
markup chart_html(const block_place& place, size_t file, const rich_output& chart, size_t number) {
  const bool drawn = is_drawn_chart(chart.media_type, chart.data.size());
  const url data{attachment_url(place.chat_id, place.seq, file, chart.media_type, place.audience)};
  return element(
    "figure", {{"class", "chart-output"}},
    drawn ? frame_html(chart_frame_url(place.chat_id, place.seq, file, place.audience), chart, number) : markup{},
    element("figcaption", chart.text.empty() ? "A chart." : chart.text, drawn ? "" : " (too large to be drawn here)"),
    element("p", {{"class", "chart-data"}},
            element("a", {{"class", "file"}, {"href", data}, {"download", true}}, "Data of this chart"), " ",
            element("span", {{"class", "file-size"}}, "JSON, ", byte_count(chart.data.size()))));
}

// A formula alone is one; whatever else calls itself LaTeX is text with formulas in it.
markup latex_html(const block_place& place, std::string_view latex) {
  // White space at its ends means nothing in LaTeX; Markdown would take indented lines for code.
  const auto begin = std::min(latex.find_first_not_of(" \t\r\n"), latex.size());
  latex = latex.substr(begin, latex.find_last_not_of(" \t\r\n") + 1 - begin);
  for (std::string_view mark : {"$$", "$"}) {
    if (latex.size() <= 2 * mark.size() || !latex.starts_with(mark) || !latex.ends_with(mark))
      continue;
    auto tex = latex.substr(mark.size(), latex.size() - 2 * mark.size());
    if (tex.find('$') == tex.npos)
      return element("div", {{"class", "math block"}}, tex);
  }
  return place.html_of(latex);
}

// Those that are no files.
markup rich_html(const block_place& place, const rich_output& output) {
  if (output.media_type == "text/markdown")
    return element("div", {{"class", "rich-output prose"}}, place.html_of(output.data));
  if (output.media_type == "text/latex")
    return element("div", {{"class", "rich-output prose"}}, latex_html(place, output.data));
  auto value = parse_json(output.data);
  return html::code_block(value ? html::pretty_json(*value) : output.data, value ? "json" : "plaintext");
}

markup stream_html(const stream_output& stream) {
  return element("pre", {{"class", stream.name == "stderr" ? "stream stderr" : "stream stdout"}}, stream.text);
}

} // namespace

markup cell_html(const block_place& place, const cell_result& result) {
  markup out;
  cell_file_numbers numbers{place.first_file, result};
  for (const auto& output : result.outputs) {
    if (auto* stream = std::get_if<stream_output>(&output)) {
      out += stream_html(*stream);
    } else if (auto* value = std::get_if<value_output>(&output)) {
      out += element("pre", {{"class", "value"}}, value->text);
    } else if (auto* table = std::get_if<table_output>(&output)) {
      out += table_html(*table);
    } else if (auto* error = std::get_if<error_output>(&output)) {
      out += error_html(*error);
    } else if (auto* image = std::get_if<image_output>(&output)) {
      binary_content file{image->data, image->media_type, nullptr, {}};
      const auto number = numbers.next_image();
      out
        += file_html(place, number, file, "Figure " + std::to_string(number - place.first_file + 1) + " of this cell");
    } else if (auto* rich = std::get_if<rich_output>(&output)) {
      if (!is_display_file(rich->media_type)) {
        out += rich_html(place, *rich);
        continue;
      }
      const auto file = numbers.next_display();
      const auto shown = file - place.first_file + 1;
      if (is_chart_type(rich->media_type))
        out += chart_html(place, file, *rich, shown);
      else
        out += element(
          "figure", {{"class", "html-output"}},
          frame_html(attachment_url(place.chat_id, place.seq, file, rich->media_type, place.audience), *rich, shown));
    }
  }
  if (!result.reason.empty())
    out += element("p", {{"class", "cell-reason"}}, result.reason);
  if (result.variables_gone && place.audience == chat_audience::owner)
    out += element("button",
                   {{"type", "button"}, {"class", "rerun"}, {"data-action", "rerun"}, {"data-chat", place.chat_id}},
                   "Run the earlier cells again");
  return out;
}

std::string duration_text(std::chrono::microseconds duration) {
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  if (ms < 1'000)
    return std::to_string(std::max<int64_t>(ms, 0)) + " ms";
  if (ms < 60'000) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(ms) / 1'000);
    return text;
  }
  return std::to_string(ms / 60'000) + " min " + std::to_string(ms / 1'000 % 60) + " s";
}

} // namespace varro
