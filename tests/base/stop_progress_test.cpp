#include "base/stop_progress.hpp"

#include <doctest/doctest.h>

#include <string>

namespace varro {

TEST_CASE("a stop that waits for nothing has nothing to say") {
  stop_progress progress;
  CHECK(progress.text().empty());
  progress.waits_for("chat 7", "its snapshot");
  progress.is_done("chat 7");
  progress.is_done("chat 8");
  CHECK(progress.text().empty());
}

TEST_CASE("who is waited for is named with what it has to do last") {
  stop_progress progress;
  progress.waits_for("chat 7", "it has not answered");
  progress.waits_for("the store", "its end");
  progress.waits_for("chat 7", "its snapshot");
  CHECK(progress.text() == "chat 7: its snapshot; the store: its end");
}

TEST_CASE("beyond named_max those that are waited for are counted") {
  stop_progress progress;
  for (size_t i = 0; i < stop_progress::named_max; ++i)
    progress.waits_for("chat " + std::to_string(i), "x");
  CHECK(progress.text().find("more") == std::string::npos);
  progress.waits_for("chat 8", "x");
  progress.waits_for("chat 9", "x");
  CHECK(progress.text().substr(progress.text().size() - 10) == "and 2 more");
}

} // namespace varro
