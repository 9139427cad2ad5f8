// What one turn's event stream must be, and the parts of Varro's HTML that a client relies on.
//
// No I/O; one thread at a time. Times are CLOCK_MONOTONIC microseconds.
#pragma once

#include "bench/percentiles.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace varro::bench {

// --- Server-Sent Events
// --------------------------------------------------------------------------------------------------

struct stream_event {
  std::string id; // as in the event itself, not carried over from earlier ones
  std::string name;
  std::string data;
};

class event_reader {
public:
  std::vector<stream_event> feed(std::string_view bytes); // cut anywhere

private:
  std::string line_;
  stream_event event_;
  bool any_ = false;
};

// --- one turn
// ------------------------------------------------------------------------------------------------------------

struct turn_faults {
  int lost = 0;         // no done, or a tool call that never got its result, or a block that the page lacks
  int repeated = 0;     // the same block with the same id again
  int out_of_order = 0; // an id smaller than an earlier one, or anything after done
  int malformed = 0;    // an event without what a viewer relies on

  int sum() const {
    return lost + repeated + out_of_order + malformed;
  }
  turn_faults& operator+=(const turn_faults& other);
};

class turn_check {
public:
  explicit turn_check(int64_t after_seq) : last_id_(after_seq) {}

  void take(const stream_event& event, int64_t arrived_us);
  // The stream has ended (or been given up). Call once.
  void end();

  bool done() const {
    return done_;
  }
  bool completed() const {
    return done_ && status_ == "completed";
  }
  const std::string& status() const {
    return status_;
  }
  std::optional<int64_t> first_node_us() const {
    return first_node_;
  }
  int64_t done_us() const {
    return done_us_;
  }
  const std::vector<int64_t>& added_us() const {
    return added_;
  } // arrival minus the model's last byte, per marked block
  const std::vector<std::string>& block_ids() const {
    return block_ids_;
  }
  const turn_faults& faults() const {
    return faults_;
  }
  const std::string& first_problem() const {
    return problem_;
  }

private:
  void take_content(const stream_event& event, int64_t arrived_us);
  void fault(int& counter, std::string what);

  int64_t last_id_;
  std::map<std::string, int64_t> seen_; // element id → newest event id
  std::set<std::string> running_;       // tool calls without a result
  std::vector<std::string> block_ids_;
  std::vector<int64_t> added_;
  std::optional<int64_t> first_node_;
  int64_t done_us_ = 0;
  bool done_ = false;
  std::string status_;
  turn_faults faults_;
  std::string problem_;
};

// --- HTML
// ----------------------------------------------------------------------------------------------------------------

// The value of the first attribute `name` in the text, with entities decoded; empty when there is none.
std::string attribute(std::string_view html, std::string_view name);
// The path in the first "/chat/stream/…", with entities decoded.
std::string stream_path(std::string_view html);
// The chat's id in "/chat/stream/42?after=7", and the seq after "after="; -1 when absent.
int64_t chat_of(std::string_view stream_path);
int64_t after_of(std::string_view stream_path);
// The value of the hidden field `csrf`.
std::string csrf_field(std::string_view html);
// The number in the last "t=…us" that varro-model wrote.
std::optional<int64_t> time_marker(std::string_view text);

} // namespace varro::bench
