#include "models/tool_result.hpp"

#include "models/history.hpp"
#include "models/timestamp.hpp"

namespace varro {

tool_return_part make_tool_return(std::string tool_name, std::string tool_call_id, tool_result result) {
  tool_return_part part;
  part.tool_name = std::move(tool_name);
  part.tool_call_id = std::move(tool_call_id);
  part.content = make_tool_content(std::move(result.text), result.files);
  part.metadata = std::move(result.metadata);
  part.timestamp = timestamp_now();
  part.outcome = result.failed ? "failed" : "success";
  return part;
}

} // namespace varro
