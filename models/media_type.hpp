// The media type that a file's name or URL tells.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace varro {

// By the extension (compression suffixes left out) or the head of a data: URL. A query or fragment hides the extension,
// as in pydantic-ai.
std::optional<std::string> guess_media_type(std::string_view url);

// For a file URL that gives no type of its own: videos of YouTube are video/mp4; what cannot be told even without query
// and fragment is application/octet-stream, because a message is never written without the field.
std::string media_type_of_url(std::string_view kind, std::string_view url);

// For an uploaded file's id, which may be a URL: its path's extension, else application/octet-stream.
std::string media_type_of_file_id(std::string_view file_id);

} // namespace varro
