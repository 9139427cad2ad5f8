// The client of varro-pictures, the program that looks into pictures and documents (pictures/decoder/main.cpp).
//
// One process, started when the first file comes and again after a failure. It has no rights to lose: for each file it
// forks a child that can do nothing but compute (shell/confine.hpp). For one thread, which
// waits, besides stop().
#pragma once

#include "base/errors.hpp"
#include "pictures/picture_job.hpp"
#include "shell/companion.hpp"

#include <filesystem>

namespace varro {

class picture_process {
public:
  // The program stands beside this one unless another is named.
  explicit picture_process(std::filesystem::path program = "varro-pictures") : program_(std::move(program)) {}

  // Looks into one file. What fails because of the file is a result; an error means that the program does not run.
  caf::expected<picture_result> look(const picture_job& job);

  // For ever; a look that is under way fails at once. Any thread.
  void stop() {
    program_.stop();
  }

private:
  bool exchange(const picture_job& job, std::string_view bytes, picture_result& result);

  companion program_;
};

} // namespace varro
