// Lines on stderr, one an event, in one of three forms:
//   text     varro: warning: what happened request=3f2a… user=7
//   logfmt   time=2026-11-30T12:00:00.123Z level=warning msg="what happened" request=3f2a… user=7
//   json     {"time":"2026-11-30T12:00:00.123Z","level":"warning","msg":"what happened","request":"3f2a…","user":7}
// Never a key, a password, a token, a user's text or code. Any thread may call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro {

enum class log_level { error, warning, info, debug };
enum class log_format { text, logfmt, json };

// Unknown names mean info, and text. Set at the start and by a reload.
void set_log_level(std::string_view name);
void set_log_format(std::string_view name);

// What a line is about besides its words; empty and 0: it is not about one.
struct log_about {
  std::string request = {}; // its id
  int64_t user = 0;
  int64_t chat = 0;
  int64_t run = 0;
  std::vector<std::pair<std::string_view, std::string>> more = {}; // names in snake_case
};

// With what this thread's log_scope says, where `about` does not say it.
void log(log_level level, std::string_view text, const log_about& about = {});

// The line without its end. `at` in microseconds since 1970.
std::string log_line(log_format format, log_level level, std::string_view text, const log_about& about, int64_t at);

// While it lives, this thread answers that request. They do not nest.
class log_scope {
public:
  explicit log_scope(std::string request);
  ~log_scope();
  log_scope(const log_scope&) = delete;
  log_scope& operator=(const log_scope&) = delete;

  // Who asks, and about which chat, once that is known. Without a scope nothing is kept.
  static void note_user(int64_t user);
  static void note_chat(int64_t chat);
};

} // namespace varro
