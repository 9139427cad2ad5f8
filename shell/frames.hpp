// The wire between the server and a shell's Python worker, over one stream socket.
//
// A frame is a 4-byte big-endian length and that many bytes of JSON. From the server:
// {"op":"execute","id":N,"tag":…,"code":…, "limits":{…}}, {"op":"close"}. From the worker:
// {"op":"ready","python":…,"pid":…}, and for each execute with its id any number of {"op":"output","id":N,"output":{…}}
// and then one {"op":"done","id":N,"status":"ok|failed|interrupted", "duration_us":…}. An interrupt is a signal, not a
// frame. The worker's side is reachable by user code: every frame from it is untrusted; sizes are capped, ids checked,
// unknown operations end the shell.
#pragma once

#include "config/config.hpp"
#include "config/errors.hpp"
#include "shell/cell.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace varro {

struct worker_ready {
  std::string python; // version
};
struct worker_output {
  uint64_t id = 0;
  cell_output output;
};
struct worker_done {
  uint64_t id = 0;
  cell_status status = cell_status::ok;
  std::chrono::microseconds duration{0};
};
using worker_frame = std::variant<worker_ready, worker_output, worker_done>;

// The tag names the cell for whoever restarts the server while it runs; may be empty.
std::string encode_execute(uint64_t id, std::string_view tag, std::string_view code, const shell_config& limits);
std::string encode_close();

// Cuts a byte stream into frames. Not thread-safe.
class frame_reader {
public:
  explicit frame_reader(size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}
  // The frames completed by these bytes; an error (too large, not JSON, unknown op, wrong field) is final.
  caf::expected<std::vector<worker_frame>> feed(std::string_view bytes);

private:
  size_t frame_bytes_max_;
  std::string buffer_;
};

} // namespace varro
