#include "render/bounded_markdown.hpp"

#include "base/log.hpp"
#include "render/markdown_frames.hpp"
#include "shell/companion_frames.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/evp.h>

namespace varro {

using std::chrono::microseconds;

namespace {

// Of the text, and of the chat that its links lead into.
std::string key_of(std::string_view markdown, int64_t chat_id) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(markdown.data(), markdown.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return std::to_string(chat_id) + " " + std::string{reinterpret_cast<const char*>(digest.data()), size};
}

microseconds fair_part(size_t bytes) {
  return markdown_text_time + std::chrono::duration_cast<microseconds>(markdown_byte_time * bytes);
}

// Whether it answers before it has used up its time. Only what the kernel counts is believed.
bool answers_within(const companion& process, microseconds used_before, microseconds time_max,
                    frame_deadline deadline) {
  for (;;) {
    const auto left = time_max - (process.used() - used_before);
    const auto now = std::chrono::steady_clock::now();
    if (left <= microseconds{0} || now >= deadline)
      return false;
    pollfd one{process.socket(), POLLIN, 0};
    const auto patience
      = std::chrono::ceil<std::chrono::milliseconds>(std::min<frame_deadline::duration>(left, deadline - now));
    if (poll(&one, 1, static_cast<int>(patience.count())) > 0)
      return true;
  }
}

// What it does before it is ready is not the first text's time.
caf::error start(companion& process) {
  if (process.runs())
    return caf::none;
  if (auto problem = process.start())
    return problem;
  markdown_answer_head ready;
  const auto deadline = std::chrono::steady_clock::now() + markdown_wait_max;
  if (read_within(process.socket(), &ready, sizeof ready, deadline) && ready.mark == markdown_answer_head{}.mark)
    return caf::none;
  process.end(true);
  return fail(errc::shell_unavailable, "it ends at once: is seccomp allowed for this user?");
}

} // namespace

// A process for one text.
class bounded_markdown::lease {
public:
  explicit lease(bounded_markdown& owner) : owner_(owner) {
    std::unique_lock lock{owner_.mutex_};
    owner_.freed_.wait(lock, [&] { return !owner_.idle_.empty(); });
    process_ = owner_.idle_.back();
    owner_.idle_.pop_back();
  }
  ~lease() {
    {
      std::lock_guard guard{owner_.mutex_};
      owner_.idle_.push_back(process_);
    }
    owner_.freed_.notify_one();
  }
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;

  companion& process() {
    return *process_;
  }

private:
  bounded_markdown& owner_;
  companion* process_;
};

bounded_markdown::bounded_markdown(size_t processes, const std::filesystem::path& program) {
  for (size_t i = 0; i < std::max<size_t>(processes, 1); ++i) {
    processes_.push_back(std::make_unique<companion>(program));
    idle_.push_back(processes_.back().get());
  }
}

bounded_markdown::outcome bounded_markdown::format(companion& process, std::string_view markdown, int64_t chat_id,
                                                   microseconds time_max) {
  outcome result;
  if (start(process))
    return result;
  const auto deadline = std::chrono::steady_clock::now() + markdown_wait_max;
  const auto used_before = process.used();
  markdown_request_head request;
  request.html_bytes_max = static_cast<uint32_t>(markdown_html_bytes_min + markdown.size() * markdown_growth_max);
  request.bytes = static_cast<uint32_t>(markdown.size());
  request.chat_id = chat_id;
  markdown_answer_head answer;
  const bool answered = write_within(process.socket(), view_of(request), deadline)
    && write_within(process.socket(), markdown, deadline) && answers_within(process, used_before, time_max, deadline)
    && read_within(process.socket(), &answer, sizeof answer, deadline) && answer.mark == markdown_answer_head{}.mark
    && answer.bytes <= request.html_bytes_max;
  if (answered) {
    result.html.resize(answer.bytes);
    if (read_within(process.socket(), result.html.data(), result.html.size(), deadline))
      result.what = answer.is_too_large == 0 ? verdict::formatted : verdict::costly;
  }
  result.used = process.used() - used_before;
  if (result.what != verdict::failed)
    return result;
  const bool starved = std::chrono::steady_clock::now() >= deadline && result.used < time_max;
  result.what = starved ? verdict::starved : verdict::costly;
  process.end(true); // it works on this text still, or has ended in it
  return result;
}

html::markup bounded_markdown::html(std::string_view markdown, int64_t chat_id, microseconds& spare) {
  if (markdown.size() > markdown_bytes_max)
    return unformatted_html(markdown);
  const auto shown = [&](const outcome& made) -> varro::html::markup {
    if (made.what != verdict::formatted)
      return unformatted_html(markdown);
    return varro::html::trusted{made.html, varro::html::because::formatted_markdown};
  };
  const auto key = key_of(markdown, chat_id);
  {
    std::lock_guard guard{mutex_};
    if (auto known = made_.find(key))
      return shown(*known);
  }
  const auto fair = fair_part(markdown.size());
  std::shared_ptr<const outcome> made;
  {
    lease leased{*this};
    made = std::make_shared<const outcome>(format(leased.process(), markdown, chat_id, fair + spare));
  }
  spare -= std::clamp(made->used - fair, microseconds{0}, spare);
  std::lock_guard guard{mutex_};
  if (made->what == verdict::failed && !std::exchange(complained_, true))
    log(log_level::error, "varro-markdown cannot be started: text is shown without its formatting");
  if (made->what == verdict::formatted || made->what == verdict::costly)
    made_.put(key, made, made->html.size());
  return shown(*made);
}

caf::error bounded_markdown::check() {
  lease leased{*this};
  if (auto problem = start(leased.process()))
    return problem;
  if (format(leased.process(), "*a*", 0, markdown_wait_max).html.find("<em>") == std::string::npos)
    return fail(errc::shell_unavailable, "it does not answer");
  return caf::none;
}

} // namespace varro
