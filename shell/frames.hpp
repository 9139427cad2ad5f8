// The wire between the server and a shell's Python worker, over one stream socket.
//
// A frame is a 4-byte big-endian length and that many bytes of JSON. From the server:
// {"op":"execute","id":N,"tag":…,"code":…, "limits":{…}}, {"op":"close"}. From the worker:
// {"op":"ready","python":…,"pid":…}, and for each execute with its id {"op":"begun","id":N} before it does anything,
// any number of {"op":"output","id":N,"output":{…}}, and then one {"op":"done","id":N,
// "status":"ok|failed|interrupted", "duration_us":…, "processor_us":…}; the last may be missing. An output with a
// "slot" takes the place of the cell's earlier output with that slot, if there is one; the output {"type":"clear"}
// takes away all that came before it. An interrupt is a signal, not a frame.
//
// With a descriptor of the chat's snapshot file (varro_worker/snapshot_file.py):
//   {"op":"snapshot","id":N,"base":OFFSET or null,"bytes_max":N,"seconds_max":N}
//   {"op":"restore","id":N,"footer":OFFSET}
// The answers, which come between cells, have the same op and id, and "status":"failed" with a "reason" or "ok" with
//   "footer":OFFSET,"bytes":N,"total_bytes":N,"saved":[NAME…],"lost":[{"name":…,"reason":…}…],"cell":N
//   "restored":[NAME…],"lost":[{"name":…,"reason":…}…]
//
// These frames have no version of their own: they go with the protocol of varro-shells (shell/takeover.hpp).
//
// The worker's side is reachable by user code: every frame from it is untrusted; sizes are capped, ids checked, unknown
// operations end the shell.
#pragma once

#include "base/errors.hpp"
#include "config/config.hpp"
#include "models/cell.hpp"
#include "workspace/usage.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace varro {

struct worker_ready {
  std::string python; // version
};
struct worker_begun {
  uint64_t id = 0;
};
struct worker_output {
  uint64_t id = 0;
  cell_output output;
  std::optional<uint64_t> slot; // of the cell
};
struct worker_clear {
  uint64_t id = 0;
};
struct worker_done {
  uint64_t id = 0;
  cell_status status = cell_status::ok;
  std::chrono::microseconds duration{0};
  std::optional<std::chrono::microseconds> processor;
};

struct lost_variable {
  std::string name;
  std::string reason; // a short sentence without a full stop
};
struct worker_snapshot {
  uint64_t id = 0;
  std::string failure;      // why there is no snapshot; empty: there is
  uint64_t footer = 0;      // where it stands in the file; the base when nothing changed
  uint64_t bytes = 0;       // appended; 0 when nothing changed
  uint64_t total_bytes = 0; // of all its variables
  uint64_t cell = 0;        // the last one that had run; 0: none
  std::vector<std::string> saved;
  std::vector<lost_variable> lost;
  uint64_t saved_more = 0, lost_more = 0; // beyond names_max
};
struct worker_restored {
  uint64_t id = 0;
  std::string failure; // why nothing was restored; empty: these were
  std::vector<std::string> restored;
  std::vector<lost_variable> lost; // those that were not saved in the first place, too
  uint64_t restored_more = 0, lost_more = 0;
};
inline constexpr size_t names_max = 2'000; // in each list of an answer

using worker_frame = std::variant<worker_ready, worker_begun, worker_output, worker_clear, worker_done, worker_snapshot,
                                  worker_restored>;

// What a cell's images and rich outputs may have together.
struct display_limit {
  size_t bytes = 0;
  std::string why; // "a cell may show 16 MiB (shell.display_bytes_max)"
};
// `left`: what the quotas of the cell's user and chat have for them.
display_limit display_limit_of(const shell_config& limits, const quota_left& left);

// The tag names the cell for whoever restarts the server while it runs; may be empty.
std::string encode_execute(uint64_t id, std::string_view tag, std::string_view code, const shell_config& limits,
                           const display_limit& displays);
std::string encode_execute(uint64_t id, std::string_view tag, std::string_view code, const shell_config& limits);

// Without the length, because a descriptor goes with them. `base`: the footer of the snapshot before.
json snapshot_frame(uint64_t id, std::optional<uint64_t> base, size_t bytes_max, std::chrono::seconds seconds_max);
json restore_frame(uint64_t id, uint64_t footer);

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
