#include "pictures/picture_process.hpp"

#include "base/base64.hpp"
#include "models/message_json.hpp"
#include "pictures/picture_header.hpp"
#include "shell/companion_frames.hpp"

#include <chrono>
#include <cstring>

namespace varro {

namespace {

// varro-pictures ends a look by itself, a second one at a document too; who waits longer has lost it.
constexpr std::chrono::seconds answer_max{2 * picture_seconds_max};

// What the process says of a document is not to be trusted: what does not fit together ends the pages.
void read_document(const picture_answer_head& answer, std::string_view data, picture_result& result) {
  result.data = data.substr(0, answer.text_bytes);
  data.remove_prefix(result.data.size());
  for (int i = 0; i < answer.drawn; ++i) {
    uint32_t size = 0;
    if (data.size() < sizeof size)
      return;
    std::memcpy(&size, data.data(), sizeof size);
    data.remove_prefix(sizeof size);
    const auto page = data.substr(0, size);
    const auto header = read_picture_header(page);
    if (page.size() < size || !header.has_size())
      return;
    result.drawn.push_back({base64url_encode(page), std::string{media_type_of(header.type)}});
    data.remove_prefix(size);
  }
}

} // namespace

bool picture_process::exchange(const picture_job& job, std::string_view bytes, picture_result& result) {
  const auto deadline = std::chrono::steady_clock::now() + answer_max;
  picture_request_head request;
  request.what = job.what;
  request.webp = job.target.webp;
  request.edge_px_max = job.target.edge_px_max;
  request.whole_bytes_max = job.target.whole_bytes_max;
  request.changed_bytes_max = job.target.changed_bytes_max;
  request.text_bytes_max = job.target.text_bytes_max;
  request.pages_drawn_max = job.target.pages_drawn_max;
  request.bytes = static_cast<uint32_t>(bytes.size());
  picture_answer_head answer;
  if (!write_within(program_.socket(), view_of(request), deadline) || !write_within(program_.socket(), bytes, deadline)
      || !read_within(program_.socket(), &answer, sizeof answer, deadline) || answer.mark != picture_answer_head{}.mark
      || answer.bytes > answer_bytes_max(request))
    return false;
  std::string data(answer.bytes, '\0');
  if (!read_within(program_.socket(), data.data(), data.size(), deadline))
    return false;
  result.what = answer.what;
  result.media_type = media_type_of(static_cast<picture_format>(answer.type));
  result.pages = answer.pages;
  if (job.what == picture_job::kind::picture)
    result.data = base64url_encode(data);
  else
    read_document(answer, data, result);
  return true;
}

caf::expected<picture_result> picture_process::look(const picture_job& job) {
  auto decoded = job.is_base64 ? base64_decode(job.data) : std::nullopt;
  const auto bytes = decoded ? std::string_view{*decoded} : job.data;
  picture_result result;
  if ((job.is_base64 && !decoded) || bytes.empty() || bytes.size() > picture_file_bytes_max)
    return result;
  // One that ended since the last file is started again. A file that ends it twice is no picture.
  constexpr int attempts_max = 2;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    if (auto problem = program_.start())
      return problem;
    if (exchange(job, bytes, result))
      return result;
    program_.end();
    if (program_.is_stopped())
      return fail(errc::shutting_down, "the server is stopping");
  }
  return picture_result{};
}

} // namespace varro
