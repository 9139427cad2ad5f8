// What a picture's bytes say of themselves: as much as the vendors' servers need to take or refuse it.
//
// Pure functions, any thread. Untrusted input: reads only inside of what it is given.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace varro::bench {

struct picture {
  std::string media_type; // "image/png", "image/jpeg", "image/gif", "image/webp"
  int width = 0;          // pixels
  int height = 0;
};

// From base64 (standard alphabet, padded). Nullopt when the bytes are no picture of these kinds, or end in its middle.
std::optional<picture> read_picture(std::string_view base64);

bool is_base64(std::string_view text); // standard alphabet, padded, not empty
bool is_pdf(std::string_view base64);  // begins as a PDF does

// "data:image/png;base64,AAAA": its media type and its base64; nullopt for anything else.
struct data_url {
  std::string media_type;
  std::string_view base64; // of the text that was given
};
std::optional<data_url> split_data_url(std::string_view url);

} // namespace varro::bench
