// What the offline model says about cells that ran: their tool returns, as Markdown.
#pragma once

#include "models/message.hpp"

#include <string>
#include <vector>

namespace varro {

// `parts` are the tool returns and retry prompts of a turn, in order; others are left out. Reads a return's metadata
// {"cell": …} (models/cell.hpp) where it can, else its content. Never empty.
std::string report_of(const std::vector<request_part>& parts);

} // namespace varro
