// The Python that a message of a person contains.
#pragma once

#include "models/offline/python_statement.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Messages without a fence are searched for lines of Python up to this size; a longer text should mark its code.
inline constexpr size_t unfenced_bytes_max = 64u << 10;

// The code in order, one text per cell: fenced blocks marked as Python or not marked at all; where there is no such
// block, runs of lines that are Python ("2+2", "x = 5", "for i in y:" with its body), with prose between them left out.
// A line that people also write in sentences ("hello", "example.com") is none, unless it names one of `known`.
std::vector<std::string> python_cells(std::string_view message, const name_set& known);

} // namespace varro
