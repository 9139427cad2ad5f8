// Fields of comma-separated values, as spreadsheets read them (RFC 4180). Any thread.
#pragma once

#include <string>
#include <string_view>

namespace varro {

// In quotes where it needs them. What a spreadsheet would take for a formula gets a ' in front: names are somebody's.
std::string csv_field(std::string_view text);

} // namespace varro
