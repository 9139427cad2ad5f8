#include "base/utf8.hpp"
#include "models/cell.hpp"
#include "render/chart_frame.hpp"
#include "render/html.hpp"
#include "render/parts.hpp"

#include <algorithm>
#include <cstdio>

namespace varro {

namespace {

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

std::string table_html(const table_output& table) {
  std::vector<bool> numeric;
  std::string out = "<figure class=\"table-output\"><div class=\"table-scroll\" tabindex=\"0\"><table><thead><tr>";
  for (size_t i = 0; i < table.columns.size(); ++i) {
    std::string_view dtype = i < table.dtypes.size() ? std::string_view{table.dtypes[i]} : std::string_view{};
    numeric.push_back(is_number(dtype));
    out += numeric.back() ? "<th scope=\"col\" class=\"number\">" : "<th scope=\"col\">";
    out += escape_html(table.columns[i]);
    if (!dtype.empty())
      out += "<span class=\"dtype\">" + escape_html(dtype) + "</span>";
    out += "</th>";
  }
  out += "</tr></thead><tbody>";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      out += i == 0 ? "<th scope=\"row\"" : "<td";
      out += i < numeric.size() && numeric[i] ? " class=\"number\">" : ">";
      out += escape_html(row[i]);
      out += i == 0 ? "</th>" : "</td>";
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div><figcaption>" + table_caption(table) + "</figcaption></figure>";
}

std::string error_html(const error_output& error) {
  std::string out = "<div class=\"cell-error\"><p><strong>" + escape_html(error.name) + "</strong>";
  if (!error.message.empty())
    out += ": " + escape_html(error.message);
  out += "</p>";
  if (!error.traceback.empty())
    out += "<pre class=\"traceback\">" + escape_html(error.traceback) + "</pre>";
  return out + "</div>";
}

// Served under a policy of its own that makes it a stranger to this page; the attribute says the same again.
std::string frame_html(const std::string& url, const rich_output& display, size_t number) {
  constexpr size_t title_bytes_max = 200;
  auto title = display.text.empty() ? "Display " + std::to_string(number) + " of this cell"
                                    : std::string{clip_utf8(display.text, title_bytes_max)};
  return "<iframe" + html::attribute("src", url) + " sandbox=\"allow-scripts\"" + html::attribute("title", title)
    + " loading=\"lazy\" referrerpolicy=\"no-referrer\"></iframe>";
}

// The summary stands for the drawing until the frame has told that there is one.
std::string chart_html(const block_place& place, size_t file, const rich_output& chart, size_t number) {
  std::string out = "<figure class=\"chart-output\">";
  bool drawn = is_drawn_chart(chart.media_type, chart.data.size());
  if (drawn)
    out += frame_html(chart_frame_url(place.chat_id, place.seq, file), chart, number);
  auto text = chart.text.empty() ? std::string_view{"A chart."} : std::string_view{chart.text};
  out += "<figcaption>" + escape_html(text) + (drawn ? "" : " (too large to be drawn here)") + "</figcaption>";
  return out + "<p class=\"chart-data\"><a class=\"file\""
    + html::attribute("href", attachment_url(place.chat_id, place.seq, file, chart.media_type))
    + " download>Data of this chart</a> <span class=\"file-size\">JSON, " + html::byte_count(chart.data.size())
    + "</span></p></figure>";
}

// A formula alone is one; whatever else calls itself LaTeX is text with formulas in it.
std::string latex_html(const block_place& place, std::string_view latex) {
  // White space at its ends means nothing in LaTeX; Markdown would take indented lines for code.
  const auto begin = std::min(latex.find_first_not_of(" \t\r\n"), latex.size());
  latex = latex.substr(begin, latex.find_last_not_of(" \t\r\n") + 1 - begin);
  for (std::string_view mark : {"$$", "$"}) {
    if (latex.size() <= 2 * mark.size() || !latex.starts_with(mark) || !latex.ends_with(mark))
      continue;
    auto tex = latex.substr(mark.size(), latex.size() - 2 * mark.size());
    if (tex.find('$') == tex.npos)
      return "<div class=\"math block\">" + escape_html(tex) + "</div>";
  }
  return place.html_of(latex);
}

// Those that are no files.
std::string rich_html(const block_place& place, const rich_output& output) {
  if (output.media_type == "text/markdown")
    return "<div class=\"rich-output prose\">" + place.html_of(output.data) + "</div>";
  if (output.media_type == "text/latex")
    return "<div class=\"rich-output prose\">" + latex_html(place, output.data) + "</div>";
  auto value = parse_json(output.data);
  return html::code_block(value ? html::pretty_json(*value) : output.data, value ? "json" : "plaintext");
}

std::string stream_html(const stream_output& stream) {
  std::string out = stream.name == "stderr" ? "<pre class=\"stream stderr\">" : "<pre class=\"stream stdout\">";
  return out + escape_html(stream.text) + "</pre>";
}

} // namespace

std::string cell_html(const block_place& place, const cell_result& result) {
  std::string out;
  size_t images = 0;
  auto is_image = [](const cell_output& output) { return std::holds_alternative<image_output>(output); };
  auto displays = static_cast<size_t>(std::count_if(result.outputs.begin(), result.outputs.end(), is_image));
  for (const auto& output : result.outputs) {
    if (auto* stream = std::get_if<stream_output>(&output)) {
      out += stream_html(*stream);
    } else if (auto* value = std::get_if<value_output>(&output)) {
      out += "<pre class=\"value\">" + escape_html(value->text) + "</pre>";
    } else if (auto* table = std::get_if<table_output>(&output)) {
      out += table_html(*table);
    } else if (auto* error = std::get_if<error_output>(&output)) {
      out += error_html(*error);
    } else if (auto* image = std::get_if<image_output>(&output)) {
      binary_content file{image->data, image->media_type, nullptr, {}};
      out += file_html(place.chat_id, place.seq, place.first_file + images, file,
                       "Figure " + std::to_string(images + 1) + " of this cell");
      ++images;
    } else if (auto* rich = std::get_if<rich_output>(&output)) {
      if (!is_display_file(rich->media_type)) {
        out += rich_html(place, *rich);
        continue;
      }
      auto file = place.first_file + displays++;
      if (is_chart_type(rich->media_type))
        out += chart_html(place, file, *rich, displays);
      else
        out += "<figure class=\"html-output\">"
          + frame_html(attachment_url(place.chat_id, place.seq, file, rich->media_type), *rich, displays) + "</figure>";
    }
  }
  if (!result.reason.empty())
    out += "<p class=\"cell-reason\">" + escape_html(result.reason) + "</p>";
  if (result.variables_gone)
    out += "<button type=\"button\" class=\"rerun\" data-action=\"rerun\"" + html::attribute("data-chat", place.chat_id)
      + ">Run the earlier cells again</button>";
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
