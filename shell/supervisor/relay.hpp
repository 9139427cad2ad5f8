// One shell's frames on their way between its worker and the server, and the journal of what the server has not yet
// acknowledged.
//
// What the worker sends is kept with its cell until ack(); a server that attaches later gets it again from the start of
// the oldest cell, in the order in which it came, and then what follows. The worker is untrusted: its frames are cut by
// their length, sorted by a fixed prefix and otherwise not looked at. Owns the worker's socket and the server's. All
// calls on one thread; none blocks.
#pragma once

#include "base/descriptor.hpp"
#include "base/json.hpp"
#include "config/config.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

// Bytes that one cell's frames may have in the journal, from what its limits let the worker send.
size_t journal_bytes_max(const shell_config& limits);

// What the journals of all shells hold together. Beyond bytes_max a cell's further outputs are dropped, and its result
// says so; the frames that tell its beginning and its end are kept.
struct journal_room {
  size_t bytes_max = 0;
  size_t bytes = 0;
};

struct journaled_cell {
  uint64_t id = 0;
  std::string tag; // chosen by the server
  bool done = false;
  std::chrono::system_clock::time_point started{};
};

class relay {
public:
  static constexpr size_t unsent_bytes_max = 1u << 20;    // towards the server: then the worker is not read
  static constexpr size_t to_worker_bytes_max = 4u << 20; // towards the worker: then the server is not read
  static constexpr size_t cells_max = 256;                // unacknowledged
  static constexpr size_t small_frame_bytes = 4u << 10;   // a cell's beginning and end, which need no room

  // Without a room it has shell_config::journal_bytes_max for itself.
  relay(descriptor worker, const shell_config& limits, std::shared_ptr<journal_room> room = {});
  ~relay();
  relay(const relay&) = delete;

  int worker_fd() const noexcept {
    return worker_.get();
  }
  int server_fd() const noexcept {
    return server_.get();
  }
  // Poll events to wait for.
  uint32_t worker_interest() const noexcept;
  uint32_t server_interest() const noexcept;

  // The server's end, or none if there are no descriptors left. A server that was attached before is cut off.
  descriptor attach();
  void detach() noexcept;

  // Move what can be moved. After worker_ready(), look at problem().
  void worker_ready();
  void server_ready();
  // The two halves of server_ready(), for who has to know of a cell before it can begin: cells_taken() grows in the
  // first, and the worker hears of it in the second.
  void hear_server();
  void send_to_worker();

  // The shell is gone: nothing will be written that is not there yet, even if somebody holds its socket.
  void worker_ended() noexcept {
    worker_ended_ = true;
  }

  void acknowledge(uint64_t cell);
  // A frame of varro-shells itself, with a descriptor for the worker.
  void inject(const json& frame, descriptor attachment);

  std::vector<journaled_cell> cells() const;
  bool is_running() const noexcept;       // a cell is
  uint64_t cells_taken() const noexcept { // ever
    return cells_taken_;
  }
  bool worker_closed() const noexcept {
    return !worker_;
  }
  // Everything that the worker sent has reached the server.
  bool is_drained() const noexcept;
  // Why the shell has to be killed; empty while all is well.
  const std::string& problem() const noexcept {
    return problem_;
  }

private:
  struct entry { // of the journal: a cell, or frames that belong to none
    journaled_cell cell;
    std::string bytes;
    size_t sent = 0;
    size_t dropped_bytes = 0; // of outputs that found no room
    bool begun = false;
  };
  struct outgoing {
    std::string bytes;
    descriptor attachment;
    size_t sent = 0;
  };

  void close_worker() noexcept;
  void take_from_worker(std::string_view bytes);
  void begin_frame(size_t length);
  entry* open_cell(uint64_t id) noexcept;
  void keep(entry& where, std::string_view bytes);
  void take_from_server(std::string_view bytes);
  void take_frame_from_server(std::string frame);
  void send_to_server();
  void forget_sent();
  bool is_in_progress(size_t place) const noexcept; // its last frame is not complete yet
  void erase(size_t place);
  size_t unsent() const noexcept;

  shell_config limits_;
  std::shared_ptr<journal_room> room_;
  descriptor worker_, server_;
  std::string ready_; // the worker's first frame, for each server that attaches
  std::deque<entry> journal_;
  size_t journal_bytes_ = 0;
  uint64_t cells_taken_ = 0;
  size_t ready_sent_ = 0;
  std::string head_;      // the beginning of a frame of which it is not yet known where it belongs
  size_t frame_left_ = 0; // bytes that the frame in progress still has to come
  size_t skip_left_ = 0;  // of one that is dropped
  size_t target_ = 0;     // its place in the journal, counted from the end, when frame_left_ > 0
  std::string from_server_;
  std::deque<outgoing> to_worker_;
  size_t to_worker_bytes_ = 0;
  bool worker_ended_ = false;
  std::string problem_;
};

} // namespace varro
