#include "shell/output_allowance.hpp"

#include <algorithm>

namespace varro {

namespace {

constexpr size_t table_bytes_max = 2u << 20;   // of one table; the worker stays far below
constexpr size_t error_bytes_max = 512u << 10; // all tracebacks of a cell

size_t bytes_of(const table_output& table) {
  size_t bytes = 0;
  auto add = [&bytes](const std::vector<std::string>& texts) {
    for (const auto& text : texts)
      bytes += text.size();
  };
  add(table.columns);
  add(table.dtypes);
  for (const auto& row : table.rows)
    add(row);
  return bytes;
}

// Bytes of an output that count as text.
size_t text_bytes_of(const cell_output& output) {
  if (auto* stream = std::get_if<stream_output>(&output))
    return stream->text.size();
  if (auto* value = std::get_if<value_output>(&output))
    return value->text.size();
  if (auto* error = std::get_if<error_output>(&output))
    return error->name.size() + error->message.size() + error->traceback.size();
  if (auto* rich = std::get_if<rich_output>(&output))
    return rich->text.size();
  return 0;
}

} // namespace

// Values and streams have a budget each.
output_allowance::output_allowance(const shell_config& limits)
  : image_bytes_max_(limits.image_bytes_max), rows_max_(static_cast<size_t>(limits.table_rows_max)),
    columns_max_(static_cast<size_t>(limits.table_columns_max) + 1),
    text_bytes_(2 * limits.output_bytes_max + error_bytes_max), rich_bytes_(rich_cell_bytes_max),
    shown_bytes_(limits.display_bytes_max), images_(limits.images_max), tables_(limits.images_max),
    rich_(rich_outputs_max) {
  // nop
}

bool output_allowance::take_text(size_t bytes) {
  if (bytes > text_bytes_)
    return false;
  text_bytes_ -= bytes;
  return true;
}

bool output_allowance::take_shown(size_t bytes) {
  if (bytes > shown_bytes_)
    return false;
  shown_bytes_ -= bytes;
  return true;
}

bool output_allowance::take(const cell_output& output) {
  if (!take_text(text_bytes_of(output)))
    return false;
  if (auto* image = std::get_if<image_output>(&output))
    return --images_ >= 0 && image->data.size() <= image_bytes_max_ && take_shown(image->data.size());
  if (auto* table = std::get_if<table_output>(&output))
    return --tables_ >= 0 && bytes_of(*table) <= table_bytes_max && table->rows.size() <= rows_max_
      && table->columns.size() <= columns_max_;
  if (auto* rich = std::get_if<rich_output>(&output)) {
    if (--rich_ < 0 || rich->data.size() > std::min(rich_bytes_max, rich_bytes_) || !take_shown(rich->data.size()))
      return false;
    rich_bytes_ -= rich->data.size();
  }
  return true;
}

void output_allowance::give_back(const cell_output& output) {
  text_bytes_ += text_bytes_of(output);
  if (auto* image = std::get_if<image_output>(&output)) {
    ++images_;
    shown_bytes_ += image->data.size();
  } else if (std::holds_alternative<table_output>(output)) {
    ++tables_;
  } else if (auto* rich = std::get_if<rich_output>(&output)) {
    ++rich_;
    rich_bytes_ += rich->data.size();
    shown_bytes_ += rich->data.size();
  }
}

} // namespace varro
