// Frames as bytes: their length, and of a worker's frame as much as can be told without reading JSON. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace varro {

inline constexpr size_t length_bytes = 4;
inline constexpr size_t prefix_bytes = 64; // of a frame: enough for its operation and its cell

inline size_t length_of(std::string_view bytes) noexcept {
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i)
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

inline std::string with_length(const std::string& body) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(body.size() >> shift & 0xFF);
  return bytes + body;
}

struct frame_head {
  std::string_view operation;
  uint64_t cell = 0;
};

// As varro_worker/frames.py writes it: {"op": "output", "id": 7, …
inline frame_head read_head(std::string_view body) noexcept {
  constexpr std::string_view before{"{\"op\": \""}, between{"\", \"id\": "};
  frame_head head;
  if (!body.starts_with(before))
    return head;
  body.remove_prefix(before.size());
  auto end = body.find('"');
  if (end == std::string_view::npos)
    return head;
  head.operation = body.substr(0, end);
  body.remove_prefix(end);
  if (!body.starts_with(between))
    return head;
  body.remove_prefix(between.size());
  for (size_t i = 0; i < body.size() && i < 18 && body[i] >= '0' && body[i] <= '9'; ++i)
    head.cell = head.cell * 10 + static_cast<uint64_t>(body[i] - '0');
  return head;
}

} // namespace varro
