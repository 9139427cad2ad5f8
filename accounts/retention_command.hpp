// `varro retention …`: what goes because nobody uses it, before it does and now. Works while a server runs, which does
// it then by its own configuration, and while none does.
#pragma once

#include "base/errors.hpp"
#include "storage/chat_database.hpp"

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <vector>

namespace varro {

struct retention_request {
  std::filesystem::path data_dir;
  bool has_rules = false; // in the configuration that this command reads
  bool each_chat = false; // --chats, of the preview
  // What would go now.
  std::function<caf::expected<std::vector<retirable>>(chat_database& db)> find;
  // Ends the job that is under way; errc::storage_locked where a server is there to do it.
  std::function<caf::error()> finish;
};

// A line for each user, or for each chat, which has no title. The process's exit code: 0, or 1 with one sentence on
// `err`.
int retention_preview(const retention_request& request, std::ostream& out, std::ostream& err);

// Answers when all that is to go is gone; broken off, the server or the next call goes on with it. As above.
int retention_run(const retention_request& request, std::ostream& out, std::ostream& err);

} // namespace varro
