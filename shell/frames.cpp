#include "shell/frames.hpp"

#include "models/message_json.hpp"
#include "shell/cell_json.hpp"

#include <limits>

namespace varro {

namespace {

constexpr size_t length_bytes = 4;
constexpr int nesting_max = 16; // a table's cell is the deepest thing that a worker sends

std::string with_length(const json& frame) {
  auto body = frame.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string bytes;
  bytes.reserve(length_bytes + body.size());
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(body.size() >> shift & 0xFF);
  return bytes + body;
}

size_t length_of(std::string_view bytes) noexcept {
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i)
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

// Checked on the text, because the library copies and destroys nested values by recursion.
bool is_nested_too_deeply(std::string_view text) noexcept {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > nesting_max)
        return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

caf::error garbled(const char* what) {
  return fail(errc::shell_lost, std::string{"the Python process sent "} + what);
}

std::optional<uint64_t> number_field(const json& frame, const char* key) {
  auto found = frame.find(key);
  if (found == frame.end() || !found->is_number_unsigned())
    return std::nullopt;
  return found->get<uint64_t>();
}

caf::expected<worker_frame> read_output(const json& frame) {
  auto id = number_field(frame, "id");
  if (!id || !frame.contains("output"))
    return garbled("an output without its fields");
  auto output = output_from_json(frame["output"]);
  if (!output)
    return garbled("an output that cannot be read");
  if (auto* image = std::get_if<image_output>(&*output)) {
    auto data = frame["output"].find("data");
    auto bytes = data != frame["output"].end() && data->is_string() ? base64_decode(data->get_ref<const std::string&>())
                                                                    : std::nullopt;
    if (!bytes)
      return garbled("an image that cannot be read");
    image->data = std::move(*bytes);
  }
  return worker_frame{worker_output{*id, std::move(*output)}};
}

caf::expected<worker_frame> read_done(const json& frame) {
  auto id = number_field(frame, "id");
  auto duration = number_field(frame, "duration_us");
  auto name = frame.find("status");
  if (!id || !duration || name == frame.end() || !name->is_string())
    return garbled("an end of a cell without its fields");
  auto status = cell_status_from(name->get_ref<const std::string&>());
  if (!status || *status > cell_status::interrupted || *duration > std::numeric_limits<int64_t>::max())
    return garbled("an end of a cell that cannot be read");
  return worker_frame{worker_done{*id, *status, std::chrono::microseconds{static_cast<int64_t>(*duration)}}};
}

caf::expected<worker_frame> read_frame(std::string_view text) {
  if (is_nested_too_deeply(text))
    return garbled("a frame that is nested too deeply");
  auto frame = json::parse(text, nullptr, false);
  if (!frame.is_object())
    return garbled("something that is not a frame");
  auto op = frame.find("op");
  if (op == frame.end() || !op->is_string())
    return garbled("a frame without an operation");
  if (*op == "output")
    return read_output(frame);
  if (*op == "done")
    return read_done(frame);
  auto python = frame.find("python");
  if (*op == "ready" && python != frame.end() && python->is_string())
    return worker_frame{worker_ready{python->get<std::string>().substr(0, 32)}};
  return garbled("a frame with an unknown operation");
}

} // namespace

std::string encode_execute(uint64_t id, std::string_view tag, std::string_view code, const shell_config& limits) {
  return with_length({{"op", "execute"},
                      {"id", id},
                      {"tag", tag},
                      {"code", code},
                      {"limits",
                       {{"output_bytes", limits.output_bytes_max},
                        {"images", limits.images_max},
                        {"image_bytes", limits.image_bytes_max},
                        {"table_rows", limits.table_rows_max},
                        {"table_columns", limits.table_columns_max}}}});
}

std::string encode_close() {
  return with_length({{"op", "close"}});
}

caf::expected<std::vector<worker_frame>> frame_reader::feed(std::string_view bytes) {
  buffer_ += bytes;
  std::vector<worker_frame> frames;
  size_t position = 0;
  std::string_view rest = buffer_;
  while (rest.size() - position >= length_bytes) {
    auto length = length_of(rest.substr(position));
    if (length > frame_bytes_max_)
      return garbled("a frame that is larger than the limit");
    if (rest.size() - position - length_bytes < length)
      break;
    auto frame = read_frame(rest.substr(position + length_bytes, length));
    if (!frame)
      return std::move(frame.error());
    frames.push_back(std::move(*frame));
    position += length_bytes + length;
  }
  buffer_.erase(0, position);
  return frames;
}

} // namespace varro
