// A cell and what it produced.
//
// The result is kept in two forms: `text` and the images for the model (the tool return's content), and the ordered
// outputs for people (the tool return's metadata, {"cell": …}). Values only.
#pragma once

#include "models/message.hpp"
#include "models/tool_result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace varro {

struct stream_output {
  std::string name; // "stdout" | "stderr"
  std::string text; // head and tail; a line in between says how many bytes were left out
};

struct value_output {
  std::string text; // the last expression's repr
};

struct image_output {
  std::string media_type; // "image/png" | "image/svg+xml" | "image/jpeg" | "image/gif" | "image/webp"
  std::string data;       // raw bytes
};

struct table_output {
  std::vector<std::string> columns;           // the index first, named "" when it has no name
  std::vector<std::string> dtypes;            // one per column
  std::vector<std::vector<std::string>> rows; // first rows, as text
  int64_t rows_total = 0;                     // the true shape
  int64_t columns_total = 0;                  // without the index
};

// A display that is more than text: Markdown, LaTeX, JSON, hostile HTML, or the data of a Plotly or Altair chart.
struct rich_output {
  std::string media_type; // is_rich_type()
  std::string data;       // as text, JSON too; at most rich_bytes_max
  std::string text;       // what the model reads instead; empty: it reads the data
};
inline constexpr size_t rich_bytes_max = 1u << 20;      // data of one rich output
inline constexpr size_t rich_cell_bytes_max = 4u << 20; // data of all rich outputs of one cell
inline constexpr int rich_outputs_max = 20;             // of one cell
bool is_rich_type(std::string_view media_type) noexcept;
bool is_json_type(std::string_view media_type) noexcept; // JSON and charts
bool is_chart_type(std::string_view media_type) noexcept;

struct error_output {
  std::string name;      // "ZeroDivisionError"
  std::string message;   // "division by zero"
  std::string traceback; // no colour codes, only frames of the user's cells
};

using cell_output = std::variant<stream_output, value_output, image_output, table_output, rich_output, error_output>;

enum class cell_status : uint8_t {
  ok,
  failed,      // it raised
  interrupted, // SIGINT by a stop or the deadline; the state is kept
  killed,      // SIGKILL, memory or process limits; the state is gone
  lost,        // the shell died, or the server restarted before the result was committed
};
const char* to_string(cell_status status) noexcept; // the names above; also the metadata's "status"

struct cell_result {
  cell_status status = cell_status::ok;
  std::string reason; // one sentence when the status is neither ok nor failed: what happened and to whom
  std::vector<cell_output> outputs;
  std::chrono::microseconds duration{0};
  std::optional<std::chrono::microseconds> processor
    = {};                      // time that the shell says it took; nothing where it said none
  bool variables_gone = false; // those of the cells before it: there was no snapshot that could be read
};

// What the model reads: outputs in order as text (tables and images mentioned), then the reason.
std::string cell_text(const cell_result& result);

// The images among the outputs, as files for the tool return's content.
std::vector<binary_content> cell_images(const cell_result& result);

// The rich outputs that a browser gets as files of their own, HTML and the data of charts, from a tool return's
// metadata.
std::vector<binary_content> cell_display_files(const json& metadata);
bool is_display_file(std::string_view media_type) noexcept;

// The tool return's metadata {"cell": {status, reason, duration_us, outputs: […], variables_gone?: true}}. Images are
// not repeated there: an image output holds "file": index into the content's files. The reverse reads the images back
// from the content.
json cell_metadata(const cell_result& result);
std::optional<cell_result> cell_from_tool_return(const tool_return_part& part);
// What of it says how much it used, without its outputs; nothing for another tool's return.
struct cell_use {
  cell_status status = cell_status::ok;
  std::chrono::microseconds duration{0};
  std::optional<std::chrono::microseconds> processor;
};
std::optional<cell_use> cell_use_of(const tool_return_part& part);
// Whether a tool return is a cell's: it has this metadata.
bool is_cell(const tool_return_part& part) noexcept;

// A cell as what a tool produced.
tool_result as_tool_result(const cell_result& result);

// The built-in tool whose calls are cells. A call has no metadata yet: its name tells.
inline constexpr std::string_view cell_tool_name = "python";
// The code of such a call; nothing for another tool's, or where the arguments are none.
std::optional<std::string> cell_code(const tool_call_part& call);

} // namespace varro
