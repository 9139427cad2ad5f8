#include "actors/shell_death.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("a shell that wrote too much is told whose quota that was") {
  shell_config settings;
  settings.user_bytes_max = 64u << 20;
  const auto of_server = explain_exit(0, "user quota", settings);
  CHECK(of_server.status == cell_status::killed);
  CHECK(of_server.reason.find("64 MiB (shell.user_bytes_max), and was killed") != std::string::npos);
  const auto of_user = explain_exit(0, "user quota", settings, "all may be 9.0 MiB (disk_bytes)");
  CHECK(of_user.status == cell_status::killed);
  CHECK(of_user.reason
        == "The Python process wrote more than its user may have and was killed: all may be 9.0 MiB (disk_bytes)."
          + std::string{fresh_shell});
  CHECK(explain_exit(0, "workspace quota", settings, "of the user").reason.find("of the user") == std::string::npos);
}
