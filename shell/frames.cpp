#include "shell/frames.hpp"

#include "base/base64.hpp"
#include "models/cell_json.hpp"
#include "workspace/usage.hpp"

#include <limits>

namespace varro {

namespace {

constexpr size_t length_bytes = 4;
constexpr size_t text_bytes_max = 500; // of a variable's name or a reason
constexpr int nesting_max = 16;        // a table's cell is the deepest thing that a worker sends

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
  if (frame["output"] == json{{"type", "clear"}})
    return worker_frame{worker_clear{*id}};
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
  return worker_frame{worker_output{*id, std::move(*output), number_field(frame["output"], "slot")}};
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
  worker_done done{*id, *status, std::chrono::microseconds{static_cast<int64_t>(*duration)}, std::nullopt};
  if (auto processor = number_field(frame, "processor_us");
      processor && *processor <= std::numeric_limits<int64_t>::max())
    done.processor = std::chrono::microseconds{static_cast<int64_t>(*processor)};
  return worker_frame{done};
}

std::string text_field(const json& value, const char* key) {
  auto found = value.find(key);
  return found != value.end() && found->is_string() ? found->get<std::string>().substr(0, text_bytes_max) : "";
}

// The list's texts; nullopt when it is missing, too long, or holds anything else.
std::optional<std::vector<std::string>> names_field(const json& frame, const char* key) {
  auto found = frame.find(key);
  if (found == frame.end() || !found->is_array() || found->size() > names_max)
    return std::nullopt;
  std::vector<std::string> names;
  for (const auto& name : *found) {
    if (!name.is_string())
      return std::nullopt;
    names.push_back(name.get<std::string>().substr(0, text_bytes_max));
  }
  return names;
}

std::optional<std::vector<lost_variable>> lost_field(const json& frame) {
  auto found = frame.find("lost");
  if (found == frame.end() || !found->is_array() || found->size() > names_max)
    return std::nullopt;
  std::vector<lost_variable> lost;
  for (const auto& value : *found) {
    if (!value.is_object() || !value.contains("name") || !value.contains("reason"))
      return std::nullopt;
    lost.push_back({text_field(value, "name"), text_field(value, "reason")});
  }
  return lost;
}

// The reason of a failed answer; empty when it is not one.
std::string failure_of(const json& frame) {
  if (text_field(frame, "status") == "ok")
    return {};
  auto reason = text_field(frame, "reason");
  return reason.empty() ? "the Python process gave no reason" : reason;
}

caf::expected<worker_frame> read_snapshot(const json& frame) {
  auto id = number_field(frame, "id");
  worker_snapshot answer;
  answer.failure = failure_of(frame);
  auto footer = number_field(frame, "footer");
  auto saved = names_field(frame, "saved");
  auto lost = lost_field(frame);
  if (!id || (answer.failure.empty() && (!footer || !saved || !lost)))
    return garbled("an answer about a snapshot that cannot be read");
  answer.id = *id;
  if (answer.failure.empty()) {
    answer.footer = *footer;
    answer.bytes = number_field(frame, "bytes").value_or(0);
    answer.total_bytes = number_field(frame, "total_bytes").value_or(0);
    answer.cell = number_field(frame, "cell").value_or(0);
    answer.saved = std::move(*saved);
    answer.lost = std::move(*lost);
    answer.saved_more = number_field(frame, "saved_more").value_or(0);
    answer.lost_more = number_field(frame, "lost_more").value_or(0);
  }
  return worker_frame{std::move(answer)};
}

caf::expected<worker_frame> read_restored(const json& frame) {
  auto id = number_field(frame, "id");
  worker_restored answer;
  answer.failure = failure_of(frame);
  auto restored = names_field(frame, "restored");
  auto lost = lost_field(frame);
  if (!id || (answer.failure.empty() && (!restored || !lost)))
    return garbled("an answer about a restored snapshot that cannot be read");
  answer.id = *id;
  if (answer.failure.empty()) {
    answer.restored = std::move(*restored);
    answer.lost = std::move(*lost);
    answer.restored_more = number_field(frame, "restored_more").value_or(0);
    answer.lost_more = number_field(frame, "lost_more").value_or(0);
  }
  return worker_frame{std::move(answer)};
}

caf::expected<worker_frame> read_frame(std::string_view text) {
  auto parsed = parse_json(text, nesting_max);
  if (!parsed || !parsed->is_object())
    return garbled("something that is not a frame");
  const auto& frame = *parsed;
  auto op = frame.find("op");
  if (op == frame.end() || !op->is_string())
    return garbled("a frame without an operation");
  if (*op == "output")
    return read_output(frame);
  if (*op == "begun") {
    auto id = number_field(frame, "id");
    return id ? caf::expected<worker_frame>{worker_frame{worker_begun{*id}}} : garbled("a beginning of no cell");
  }
  if (*op == "done")
    return read_done(frame);
  if (*op == "snapshot")
    return read_snapshot(frame);
  if (*op == "restore")
    return read_restored(frame);
  auto python = frame.find("python");
  if (*op == "ready" && python != frame.end() && python->is_string())
    return worker_frame{worker_ready{python->get<std::string>().substr(0, 32)}};
  return garbled("a frame with an unknown operation");
}

} // namespace

display_limit display_limit_of(const shell_config& limits, const quota_left& left) {
  if (left.of_chat < limits.display_bytes_max && left.of_chat <= left.of_user)
    return {left.of_chat,
            "this chat's messages hold nearly all that those of one chat may (chat.history_bytes_max); "
            "a new chat, or a fork of an earlier turn, has room"};
  if (left.of_user < limits.display_bytes_max)
    return {left.of_user,
            !left.user_quota.empty() ? left.user_quota + ", and that is used up"
                                     : "the user's files and chats may hold " + mebibytes(limits.user_bytes_max)
                + " together (shell.user_bytes_max), and that is used up"};
  return {limits.display_bytes_max,
          "a cell may show " + mebibytes(limits.display_bytes_max) + " together (shell.display_bytes_max)"};
}

std::string encode_execute(uint64_t id, std::string_view tag, std::string_view code, const shell_config& limits) {
  return encode_execute(id, tag, code, limits, display_limit_of(limits, {}));
}

std::string encode_execute(uint64_t id, std::string_view tag, std::string_view code, const shell_config& limits,
                           const display_limit& displays) {
  return with_length({{"op", "execute"},
                      {"id", id},
                      {"tag", tag},
                      {"code", code},
                      {"limits",
                       {{"output_bytes", limits.output_bytes_max},
                        {"images", limits.images_max},
                        {"image_bytes", limits.image_bytes_max},
                        {"table_rows", limits.table_rows_max},
                        {"table_columns", limits.table_columns_max},
                        {"workspace_bytes", limits.workspace_bytes_max},
                        {"workspace_files", limits.workspace_files_max},
                        {"displays", rich_outputs_max},
                        {"display_bytes", rich_bytes_max},
                        {"displays_bytes", rich_cell_bytes_max},
                        {"shown_bytes", displays.bytes},
                        {"shown_why", displays.why}}}});
}

json snapshot_frame(uint64_t id, std::optional<uint64_t> base, size_t bytes_max, std::chrono::seconds seconds_max) {
  json frame{{"op", "snapshot"}, {"id", id}, {"base", nullptr}, {"bytes_max", bytes_max}};
  if (base)
    frame["base"] = *base;
  frame["seconds_max"] = seconds_max.count();
  return frame;
}

json restore_frame(uint64_t id, uint64_t footer) {
  return {{"op", "restore"}, {"id", id}, {"footer", footer}};
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
