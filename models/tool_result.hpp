// What a tool call produced, whatever the tool is.
//
// Values and pure functions, any thread.
#pragma once

#include "models/message.hpp"

#include <string>
#include <vector>

namespace varro {

struct tool_result {
  std::string text;                  // what the model reads
  std::vector<binary_content> files; // and sees
  json metadata;                     // what people see instead; null: the same. A cell's is cell_metadata()
  bool failed = false;
};

// The result as the history has it, dated now.
tool_return_part make_tool_return(std::string tool_name, std::string tool_call_id, tool_result result);

} // namespace varro
