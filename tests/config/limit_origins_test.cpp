#include "config/limit_origins.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

struct limits_told {
  limits_config configured;
  written_limits written;
  std::vector<std::string> groups;

  // "name: value, from", a line each.
  std::string told() const {
    std::string text;
    for (const auto& each : limit_origins(configured, written, groups))
      text += each.name + ": " + each.value + ", " + each.from + "\n";
    return text;
  }
};

} // namespace

TEST_CASE_FIXTURE(limits_told, "of whom nothing is said has no limit to be told of") {
  groups = {"data"};
  configured.groups.push_back({"staff", {}});
  configured.groups.back().limits.chats = 5; // of another group
  CHECK(told().empty());
}

TEST_CASE_FIXTURE(limits_told, "each limit is told with who set it and where, from the most particular on") {
  configured.everybody.chats = 7;
  CHECK(told() == "chats: 7, everybody (configuration)\n");
  written.everybody.chats = 6;
  CHECK(told() == "chats: 6, everybody (varro limit)\n");
  groups = {"data", "staff"};
  configured.groups.push_back({"data", {}});
  configured.groups.back().limits.chats = 5;
  CHECK(told() == "chats: 5, group data (configuration)\n");
  written.groups["data"].chats = 4;
  CHECK(told() == "chats: 4, group data (varro limit)\n");
  written.user.chats = 3;
  CHECK(told() == "chats: 3, their own\n");
  written.user.chats = 0;
  CHECK(told() == "chats: no limit, their own\n");
}

TEST_CASE_FIXTURE(limits_told, "of several groups those are named whose value holds") {
  groups = {"a", "b", "c"};
  written.groups["a"].tokens_per_day = 100;
  written.groups["b"].tokens_per_day = 300;
  CHECK(told() == "tokens_per_day: 300, group b (varro limit)\n");
  configured.groups.push_back({"c", {}});
  configured.groups.back().limits.tokens_per_day = 300;
  CHECK(told() == "tokens_per_day: 300, group b (varro limit), group c (configuration)\n");
  written.groups["a"].tokens_per_day = 0;
  CHECK(told() == "tokens_per_day: no limit, group a (varro limit)\n");
}

TEST_CASE_FIXTURE(limits_told, "lists of models are joined, and so are those who gave them") {
  groups = {"a", "b"};
  written.groups["a"].models = {"x:one"};
  written.groups["b"].models = {"y:*"};
  CHECK(told() == "models: [\"x:one\",\"y:*\"], group a (varro limit), group b (varro limit)\n");
  written.groups["b"].models = std::vector<std::string>{};
  CHECK(told() == "models: no limit, group b (varro limit)\n");
}

TEST_CASE_FIXTURE(limits_told, "every limit is told, in the order of the configuration") {
  written.user.models = {"x:one"};
  written.user.runs_at_once = 1;
  written.user.model_requests_per_day = 2;
  written.user.tokens_per_day = 3;
  written.user.money_per_month = 4.5;
  written.user.cell_cpu_seconds_per_day = 5;
  written.user.chats = 6;
  written.user.upload_bytes_per_day = 7;
  written.user.disk_bytes = 8;
  written.user.shells_alive = 9;
  written.user.shell_memory_bytes = 10;
  CHECK(told()
        == "models: [\"x:one\"], their own\nruns_at_once: 1, their own\nmodel_requests_per_day: 2, their own\n"
           "tokens_per_day: 3, their own\nmoney_per_month: 4.5, their own\ncell_cpu_seconds_per_day: 5, their own\n"
           "chats: 6, their own\nupload_bytes_per_day: 7, their own\ndisk_bytes: 8, their own\n"
           "shells_alive: 9, their own\nshell_memory_bytes: 10, their own\n");
}
