// What a stop of the server still waits for, so that one which takes too long can say who hung. Any thread may call.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace varro {

class stop_progress {
public:
  static constexpr size_t named_max = 8; // in text(); the others are counted

  // `who` ("chat 7") has to do `what` ("its snapshot") before the stop goes on. Takes the place of what was said of it.
  void waits_for(const std::string& who, std::string what);
  void is_done(const std::string& who);

  // "chat 7: its snapshot; chat 9: it has not answered; and 12 more". Empty while nothing is waited for.
  std::string text() const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> awaited_;
};

} // namespace varro
