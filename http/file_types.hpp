// What a browser is told about a file that somebody else made. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace varro {

// By the extension; "application/octet-stream" otherwise.
std::string_view media_type_of(std::string_view file_name);
// Raster images only: everything else a browser might run or interpret is a download.
bool is_shown_inline(std::string_view media_type);
// "attachment; filename=…; filename*=…"
std::string content_disposition(std::string_view kind, std::string_view file_name);

} // namespace varro
