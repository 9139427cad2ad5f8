// Formats Markdown in processes of their own (varro-markdown, markdown_main.cpp), which can do nothing but compute, and
// ends one whose text takes more time or memory than it may. What was made, and what cost too much, is remembered by
// the text, so that a page that is opened again costs little.
#pragma once

#include "base/lru_cache.hpp"
#include "render/markdown_renderer.hpp"
#include "shell/companion.hpp"

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace varro {

// The fair part: some times what ordinary text takes (about 80 ns a byte), and about what dense lists and tables take.
inline constexpr std::chrono::microseconds markdown_text_time{2'000};
inline constexpr std::chrono::nanoseconds markdown_byte_time{250};
// Of HTML, for each byte of the text and besides. A text of links alone becomes about eight times as long.
inline constexpr size_t markdown_growth_max = 16;
inline constexpr size_t markdown_html_bytes_min = 64u << 10;
inline constexpr size_t markdown_memory_max = 256u << 20;     // of a process that formats
inline constexpr size_t markdown_cache_bytes_max = 32u << 20; // of HTML that is remembered
inline constexpr std::chrono::seconds markdown_wait_max{10};  // where the process gets no processor time

class bounded_markdown : public markdown_renderer {
public:
  // `processes` texts are formatted at the same time, others wait. Each is started when it is first needed. The program
  // stands beside this one unless another is named.
  explicit bounded_markdown(size_t processes, const std::filesystem::path& program = "varro-markdown");

  varro::html::markup html(std::string_view markdown, int64_t chat_id, std::chrono::microseconds& spare) override;

  // Whether the program runs: errc::shell_unavailable else.
  caf::error check();

private:
  enum class verdict {
    formatted,
    costly,  // took too much, of whatever, or ended the process
    starved, // no processor time was left for it
    failed,  // the program does not run
  };
  struct outcome {
    verdict what = verdict::failed;
    std::string html; // as the process wrote it
    std::chrono::microseconds used{0};
  };
  class lease;

  static outcome format(companion& process, std::string_view markdown, int64_t chat_id,
                        std::chrono::microseconds time_max);

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<companion>> processes_;
  std::vector<companion*> idle_; // GUARDED_BY(mutex_); the one used last is taken first
  lru_cache<std::shared_ptr<const outcome>> made_{markdown_cache_bytes_max}; // GUARDED_BY(mutex_)
  bool complained_ = false;                                                  // GUARDED_BY(mutex_)
};

} // namespace varro
