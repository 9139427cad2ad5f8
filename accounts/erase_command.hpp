// `varro user erase`: removes a user with everything that is theirs. Works while a server runs, which does it then, and
// while none does.
#pragma once

#include "base/errors.hpp"

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

namespace varro {

struct erase_request {
  std::filesystem::path data_dir;
  std::string name;
  bool confirmed = false;          // --yes: nobody is asked
  bool asked_on_a_terminal = true; // somebody can be asked: the name is to be typed on `in` once more
  // Ends all erasures that are under way; errc::storage_locked where a server is there to do it.
  std::function<caf::error()> finish;
};

// Answers when all is gone; broken off, the server or the next call goes on with it. Also ends erasures that a crash
// has cut off, when their user is not there any more. The process's exit code: 0, or 1 with one sentence on `err`.
int user_erase(const erase_request& request, std::istream& in, std::ostream& out, std::ostream& err);

} // namespace varro
