// varro-pictures: looks into the pictures and documents that go to models. Started by `varro serve`.
//
// Requests come on descriptor 0, answers go there too (picture_job.hpp has the frames), one after the other; it ends at
// the end of its input. The files are hostile and their decoders are large: each is decoded in a child of its own that
// can do nothing but compute (shell/confine.hpp) and ends with it. This process only copies bytes.
#include "pictures/decoder/decode.hpp"
#include "shell/companion_frames.hpp"
#include "shell/confine.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace varro;

constexpr int peer = 0;

// A picture of the most pixels, decoded twice over, and its decoder.
constexpr size_t memory_bytes = memory_can_be_limited ? 1u << 30 : 0;

looked_at look(const picture_request_head& request, const std::string& bytes) {
  const picture_target target{request.edge_px_max, request.whole_bytes_max, request.changed_bytes_max,
                              request.webp != 0,   request.text_bytes_max,  request.pages_drawn_max};
  return request.what == picture_job::kind::document ? look_at_document(bytes, target) : look_at_picture(bytes, target);
}

[[noreturn]] void run_child(const picture_request_head& request, const std::string& bytes, int seconds_max, int to) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  for (int fd : {0, 1, 2})
    close(fd);
  if (!confine({memory_bytes, seconds_max}))
    _exit(1);
  try {
    auto result = look(request, bytes);
    picture_answer_head answer;
    answer.what = result.what;
    answer.type = static_cast<uint8_t>(result.type);
    answer.pages = result.pages;
    answer.drawn = static_cast<uint16_t>(result.drawn.size());
    if (request.what == picture_job::kind::document)
      answer.text_bytes = static_cast<uint32_t>(result.bytes.size());
    for (const auto& page : result.drawn) {
      const auto size = static_cast<uint32_t>(page.size());
      result.bytes += view_of(size);
      result.bytes += page;
    }
    answer.bytes = static_cast<uint32_t>(result.bytes.size());
    write_within(to, view_of(answer), no_deadline);
    write_within(to, result.bytes, no_deadline);
  } catch (const std::exception&) { // no memory for it
    _exit(1);
  }
  _exit(0);
}

// What a child wrote is not to be trusted. An empty head is the answer for every failure.
picture_answer_head read_answer(int from, const picture_request_head& request, int seconds_max, std::string& bytes) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{seconds_max};
  picture_answer_head answer;
  if (!read_within(from, &answer, sizeof answer, deadline) || answer.mark != picture_answer_head{}.mark
      || answer.bytes > answer_bytes_max(request))
    return {};
  bytes.resize(answer.bytes);
  if (!read_within(from, bytes.data(), bytes.size(), deadline))
    return {};
  return answer;
}

picture_answer_head look_in_child(const picture_request_head& request, const std::string& bytes, int seconds_max,
                                  std::string& changed) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return {};
  auto child = fork();
  if (child == 0) {
    fcntl(ends[1], F_SETFL, 0); // it waits for its reader without poll()
    run_child(request, bytes, seconds_max, ends[1]);
  }
  close(ends[1]);
  picture_answer_head answer;
  if (child > 0) {
    answer = read_answer(ends[0], request, seconds_max, changed);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  close(ends[0]);
  if (answer.bytes == 0)
    changed.clear();
  return answer;
}

// A document that cannot be drawn, in whatever way that ended, can still be counted and read.
picture_answer_head look_at(picture_request_head request, const std::string& bytes, std::string& changed) {
  if (request.pages_drawn_max == 0)
    return look_in_child(request, bytes, picture_seconds_max, changed);
  auto answer = look_in_child(request, bytes, picture_seconds_max, changed);
  if (answer.what != picture_result::verdict::unreadable)
    return answer;
  request.pages_drawn_max = 0;
  return look_in_child(request, bytes, picture_seconds_max / 2, changed);
}

int serve() {
  picture_request_head request;
  while (read_within(peer, &request, sizeof request, no_deadline)) {
    if (request.mark != picture_request_head{}.mark || request.bytes > picture_file_bytes_max)
      return 1;
    std::string bytes(request.bytes, '\0'), changed;
    if (!read_within(peer, bytes.data(), bytes.size(), no_deadline))
      return 1;
    auto answer = look_at(request, bytes, changed);
    if (!write_within(peer, view_of(answer), no_deadline) || !write_within(peer, changed, no_deadline))
      return 1;
  }
  return 0;
}

} // namespace

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  if (!give_up_privileges()) {
    std::perror("varro-pictures: privileges cannot be given up");
    return 1;
  }
  prepare_for_documents();
  return serve();
}
