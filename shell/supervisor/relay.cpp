#include "shell/supervisor/relay.hpp"

#include "models/cell.hpp"
#include "shell/supervisor/frame_bytes.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace varro {

namespace {

constexpr size_t read_bytes = 64u << 10;
constexpr size_t table_bytes_max = 2u << 20;
constexpr size_t error_bytes_max = 512u << 10;
constexpr size_t framing_bytes_max = 4u << 20; // around the outputs, all together

std::string dropped_note(uint64_t cell, size_t bytes, size_t bytes_max) {
  return dump_json({{"op", "output"},
                    {"id", cell},
                    {"output",
                     {{"type", "stream"},
                      {"name", "stderr"},
                      {"text",
                       "[" + std::to_string(bytes) + " bytes of this cell's output are missing: the results that "
                         + "wait for the server hold " + std::to_string(bytes_max >> 20)
                         + " MiB altogether (shell.journal_bytes_max).]\n"}}}});
}

bool would_block() noexcept {
  return errno == EAGAIN || errno == EINTR;
}

} // namespace

size_t journal_bytes_max(const shell_config& limits) {
  auto images = static_cast<size_t>(std::max(limits.images_max, 0));
  auto image_bytes = std::min(images * limits.image_bytes_max, limits.display_bytes_max);
  // Text may grow sixfold when JSON escapes it, images grow by a third as base64. What has a slot comes twice at most.
  return 6 * (3 * limits.output_bytes_max + error_bytes_max) + 2 * (image_bytes / 3 * 4 + images * 4'096)
    + images * table_bytes_max + 2 * 6 * rich_cell_bytes_max + framing_bytes_max;
}

relay::relay(descriptor worker, const shell_config& limits, std::shared_ptr<journal_room> room)
  : limits_(limits), room_(std::move(room)), worker_(std::move(worker)) {
  if (!room_)
    room_ = std::make_shared<journal_room>(journal_room{limits.journal_bytes_max, 0});
  fcntl(worker_.get(), F_SETFL, fcntl(worker_.get(), F_GETFL) | O_NONBLOCK);
}

relay::~relay() {
  room_->bytes -= journal_bytes_ + frame_left_;
}

uint32_t relay::worker_interest() const noexcept {
  bool full = server_ && unsent() > unsent_bytes_max;
  return (full ? 0u : EPOLLIN) | (to_worker_.empty() ? 0u : EPOLLOUT);
}

uint32_t relay::server_interest() const noexcept {
  return (to_worker_bytes_ > to_worker_bytes_max ? 0u : EPOLLIN) | (is_drained() ? 0u : EPOLLOUT);
}

descriptor relay::attach() {
  detach();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return {};
  server_ = descriptor{ends[0]};
  ready_sent_ = 0;
  for (auto& each : journal_)
    each.sent = 0;
  send_to_server();
  return descriptor{ends[1]};
}

void relay::detach() noexcept {
  server_.reset();
  from_server_.clear();
}

size_t relay::unsent() const noexcept {
  size_t bytes = ready_.size() - ready_sent_;
  for (const auto& each : journal_)
    bytes += each.bytes.size() - each.sent;
  return bytes;
}

bool relay::is_drained() const noexcept {
  return unsent() == 0;
}

bool relay::is_running() const noexcept {
  return std::any_of(journal_.begin(), journal_.end(),
                     [](const entry& each) { return each.cell.id != 0 && !each.cell.done; });
}

std::vector<journaled_cell> relay::cells() const {
  std::vector<journaled_cell> found;
  for (const auto& each : journal_)
    if (each.cell.id != 0)
      found.push_back(each.cell);
  return found;
}

bool relay::is_in_progress(size_t place) const noexcept {
  return frame_left_ > 0 && place + 1 + target_ == journal_.size();
}

void relay::erase(size_t place) {
  journal_bytes_ -= journal_[place].bytes.size();
  room_->bytes -= journal_[place].bytes.size();
  if (place + target_ + 1 > journal_.size() && target_ > 0) // it lies behind the frame in progress
    --target_;
  journal_.erase(journal_.begin() + static_cast<std::ptrdiff_t>(place));
}

void relay::acknowledge(uint64_t cell) {
  for (size_t i = 0; i < journal_.size(); ++i) {
    const auto& each = journal_[i];
    if (cell == 0 || each.cell.id != cell || !each.cell.done)
      continue;
    bool half_sent = each.sent > 0 && each.sent < each.bytes.size();
    if (!half_sent && !is_in_progress(i))
      erase(i);
    return;
  }
}

void relay::worker_ready() {
  send_to_worker();
  char bytes[read_bytes];
  while (worker_ && problem_.empty()) {
    if (server_ && unsent() > unsent_bytes_max)
      break;
    auto size = recv(worker_.get(), bytes, sizeof bytes, 0);
    if (size > 0) {
      take_from_worker({bytes, static_cast<size_t>(size)});
      if (static_cast<size_t>(size) < sizeof bytes && !worker_ended_)
        break;
      continue;
    }
    if (size < 0 && would_block() && !worker_ended_)
      break;
    close_worker();
  }
  if (!problem_.empty())
    close_worker();
  send_to_server();
}

void relay::close_worker() noexcept {
  worker_.reset();
  to_worker_.clear();
  to_worker_bytes_ = 0;
  // The rest of a frame that was begun will never come.
  room_->bytes -= frame_left_;
  frame_left_ = skip_left_ = 0;
  head_.clear();
}

void relay::server_ready() {
  hear_server();
  send_to_worker();
}

void relay::hear_server() {
  send_to_server();
  char bytes[read_bytes];
  while (server_ && to_worker_bytes_ <= to_worker_bytes_max) {
    auto size = recv(server_.get(), bytes, sizeof bytes, 0);
    if (size < 0 && would_block())
      break;
    if (size <= 0) {
      detach();
      break;
    }
    take_from_server({bytes, static_cast<size_t>(size)});
    if (static_cast<size_t>(size) < sizeof bytes)
      break;
  }
}

relay::entry* relay::open_cell(uint64_t id) noexcept {
  for (auto each = journal_.rbegin(); id != 0 && each != journal_.rend(); ++each)
    if (each->cell.id == id && !each->cell.done) {
      target_ = static_cast<size_t>(each - journal_.rbegin());
      return &*each;
    }
  return nullptr;
}

void relay::keep(entry& where, std::string_view bytes) {
  where.bytes += bytes;
  journal_bytes_ += bytes.size();
  room_->bytes += bytes.size();
}

// Decides where the frame belongs whose head is here. REQUIRES: no frame is in progress.
void relay::begin_frame(size_t length) {
  auto left = length_bytes + length - head_.size();
  auto read = read_head(std::string_view{head_}.substr(length_bytes));
  if (ready_.empty() && read.operation == "ready" && left == 0) {
    ready_ = std::exchange(head_, {});
    return;
  }
  bool done = read.operation == "done";
  auto* cell = done || read.operation == "output" || read.operation == "begun" ? open_cell(read.cell) : nullptr;
  bool has_room = room_->bytes + length_bytes + length <= room_->bytes_max;
  // Whether the cell began and that it ended must never be missing.
  bool needed = cell != nullptr && (done || (read.operation == "begun" && !cell->begun));
  if (needed && !has_room && length > small_frame_bytes) {
    problem_ = "output";
    return;
  }
  // What belongs to no cell passes through to a server that is there.
  if (!has_room && !needed && (cell != nullptr || !server_)) {
    if (cell != nullptr)
      cell->dropped_bytes += length;
    skip_left_ = left;
    head_.clear();
    return;
  }
  if (cell == nullptr) {
    // What follows must not overtake it.
    if (journal_.empty() || journal_.back().cell.id != 0)
      journal_.emplace_back();
    target_ = 0;
    cell = &journal_.back();
  }
  cell->begun = cell->begun || read.operation == "begun";
  if (done && cell->cell.id != 0) {
    cell->cell.done = true;
    if (cell->dropped_bytes != 0)
      keep(*cell, with_length(dropped_note(cell->cell.id, cell->dropped_bytes, room_->bytes_max)));
  }
  frame_left_ = left;
  room_->bytes += left;
  keep(*cell, head_);
  head_.clear();
}

void relay::take_from_worker(std::string_view bytes) {
  while (!bytes.empty() && problem_.empty()) {
    if (skip_left_ > 0) {
      auto size = std::min(skip_left_, bytes.size());
      skip_left_ -= size;
      bytes.remove_prefix(size);
    } else if (frame_left_ > 0) {
      auto part = bytes.substr(0, std::min(frame_left_, bytes.size()));
      journal_[journal_.size() - 1 - target_].bytes += part; // its room was taken with its head
      journal_bytes_ += part.size();
      frame_left_ -= part.size();
      bytes.remove_prefix(part.size());
    } else {
      auto wanted = length_bytes;
      if (head_.size() >= length_bytes)
        wanted += std::min(length_of(head_), prefix_bytes);
      auto part = bytes.substr(0, wanted - std::min(wanted, head_.size()));
      head_ += part;
      bytes.remove_prefix(part.size());
      if (head_.size() < length_bytes)
        return;
      auto length = length_of(head_);
      if (length > limits_.frame_bytes_max) {
        problem_ = "protocol";
        return;
      }
      if (head_.size() < length_bytes + std::min(length, prefix_bytes)) {
        if (bytes.empty())
          return;
        continue;
      }
      begin_frame(length);
    }
    auto unacknowledged = static_cast<size_t>(
      std::count_if(journal_.begin(), journal_.end(), [](const entry& each) { return each.cell.done; }));
    if (journal_bytes_ > journal_bytes_max(limits_) * (1 + unacknowledged))
      problem_ = "output";
  }
}

void relay::take_from_server(std::string_view bytes) {
  from_server_ += bytes;
  size_t at = 0;
  while (from_server_.size() - at >= length_bytes) {
    auto length = length_of(std::string_view{from_server_}.substr(at));
    if (length > limits_.frame_bytes_max) {
      detach();
      return;
    }
    if (from_server_.size() - at < length_bytes + length)
      break;
    take_frame_from_server(from_server_.substr(at, length_bytes + length));
    at += length_bytes + length;
  }
  from_server_.erase(0, at);
}

void relay::take_frame_from_server(std::string frame) {
  auto value = parse_json(std::string_view{frame}.substr(length_bytes));
  if (value && value->is_object() && value->value("op", "") == "execute") {
    auto id = value->find("id");
    entry cell;
    cell.cell.id = id != value->end() && id->is_number_unsigned() ? id->get<uint64_t>() : 0;
    cell.cell.tag = value->contains("tag") && (*value)["tag"].is_string() ? (*value)["tag"].get<std::string>() : "";
    cell.cell.started = std::chrono::system_clock::now();
    if (cell.cell.id == 0 || journal_.size() >= 2 * cells_max) {
      problem_ = "protocol";
      return;
    }
    // The place of a frame in progress is counted from the end.
    if (frame_left_ > 0)
      ++target_;
    journal_.push_back(std::move(cell));
    ++cells_taken_;
  }
  to_worker_bytes_ += frame.size();
  to_worker_.push_back({std::move(frame), {}, 0});
}

void relay::inject(const json& frame, descriptor attachment) {
  auto bytes = with_length(dump_json(frame));
  to_worker_bytes_ += bytes.size();
  to_worker_.push_back({std::move(bytes), std::move(attachment), 0});
  send_to_worker();
}

void relay::send_to_worker() {
  while (worker_ && !to_worker_.empty()) {
    auto& first = to_worker_.front();
    iovec part{first.bytes.data() + first.sent, first.bytes.size() - first.sent};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (first.attachment) {
      header.msg_control = control;
      header.msg_controllen = sizeof control;
      auto* rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(sizeof(int));
      int fd = first.attachment.get();
      std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    auto size = sendmsg(worker_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && would_block())
      return;
    if (size < 0) { // it is gone; reading says when all that it wrote is read
      to_worker_.clear();
      to_worker_bytes_ = 0;
      return;
    }
    first.attachment.reset();
    first.sent += static_cast<size_t>(size);
    to_worker_bytes_ -= static_cast<size_t>(size);
    if (first.sent == first.bytes.size())
      to_worker_.pop_front();
  }
}

void relay::send_to_server() {
  auto push = [this](const std::string& bytes, size_t& sent) {
    while (server_ && sent < bytes.size()) {
      auto size = send(server_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (size < 0 && would_block())
        return false;
      if (size < 0) {
        detach();
        return false;
      }
      sent += static_cast<size_t>(size);
    }
    return static_cast<bool>(server_);
  };
  if (!push(ready_, ready_sent_))
    return;
  for (size_t i = 0; i < journal_.size(); ++i) {
    auto& each = journal_[i];
    if (!push(each.bytes, each.sent))
      return;
    // A frame that is only half here must be whole before another one begins.
    if (is_in_progress(i))
      break;
  }
  forget_sent();
}

// Frames of no cell are kept only until they are sent.
void relay::forget_sent() {
  for (size_t i = 0; i < journal_.size();) {
    const auto& each = journal_[i];
    if (each.cell.id != 0 || each.sent < each.bytes.size() || is_in_progress(i))
      ++i;
    else
      erase(i);
  }
}

} // namespace varro
