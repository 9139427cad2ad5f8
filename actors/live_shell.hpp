// A shell that lives, as admins see it. A value: nothing of what is in it.
#pragma once

#include <cstdint>
#include <string>

namespace varro {

struct live_shell {
  int64_t user = 0; // 0: nobody's
  int64_t chat = 0;
  std::string state;      // "starting", "idle", "busy", "closing"
  int64_t idle_s = 0;     // since it was used last; 0 while it is busy
  size_t files_bytes = 0; // in its workspace
};

} // namespace varro
