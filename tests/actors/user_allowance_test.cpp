#include "actors/user_allowance.hpp"

#include "base/day.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace varro;

namespace {

constexpr unix_us new_year_eve = (20'454 + 364) * day_us; // 2026-12-31T00:00:00Z

model_config model(const char* id = "anthropic:sonnet") {
  model_config made;
  made.id = id;
  made.kind = provider_kind::anthropic;
  return made;
}

user_allowance allowance(const char* contact = "it@example.org") {
  auto settings = std::make_shared<config>();
  settings->limits.contact = contact;
  settings->prices.currency = "EUR";
  settings->prices.rows = {{"anthropic:sonnet", 0, 1, 1, 1, 1, 1}};
  user_allowance made;
  made.at = new_year_eve;
  made.settings = settings;
  return made;
}

} // namespace

TEST_CASE("a limit holds from exactly its value on: one below it another request is made, at it and above none") {
  auto of = allowance();
  of.limits.tokens_per_day = 1'000;
  for (auto [used, allowed] : {std::pair{999, true}, std::pair{1'000, false}, std::pair{1'001, false}}) {
    of.used.tokens = used;
    CHECK(model_refusal(of, model()).empty() == allowed);
  }
  of = allowance();
  of.limits.model_requests_per_day = 3;
  for (auto [used, allowed] : {std::pair{2, true}, std::pair{3, false}, std::pair{4, false}}) {
    of.used.requests = used;
    CHECK(model_refusal(of, model()).empty() == allowed);
  }
  of = allowance();
  of.limits.money_per_month = 0.5;
  for (auto [used, allowed] :
       {std::pair{499'999'999, true}, std::pair{500'000'000, false}, std::pair{500'000'001, false}}) {
    of.used.cost_nano = used;
    CHECK(model_refusal(of, model()).empty() == allowed);
  }
  of = allowance();
  of.limits.money_per_month = 1e-10; // less than what is counted
  for (auto [used, allowed] : {std::pair{0, true}, std::pair{1, false}}) {
    of.used.cost_nano = used;
    CHECK(model_refusal(of, model()).empty() == allowed);
  }
  of = allowance();
  of.limits.cell_cpu_seconds_per_day = 2;
  for (auto [used, allowed] : {std::pair{1'999'999, true}, std::pair{2'000'000, false}, std::pair{2'000'001, false}}) {
    of.used.processor_us = used;
    CHECK(cell_refusal(of).empty() == allowed);
    CHECK(model_refusal(of, model()).empty());
  }
  of = allowance();
  of.limits.chats = 2;
  for (auto [count, allowed] : {std::pair{1, true}, std::pair{2, false}, std::pair{3, false}}) {
    of.chats = count;
    CHECK(chat_refusal(of).empty() == allowed);
  }
}

TEST_CASE("without limits, and with limits of 0, nothing is refused whatever was used") {
  auto of = allowance();
  of.used = {1'000'000, 1'000'000, 1'000'000'000, 1'000'000'000, 1'000'000'000};
  of.chats = 1'000;
  for (auto limit : {std::optional<int64_t>{}, std::optional<int64_t>{0}}) {
    of.limits.tokens_per_day = of.limits.model_requests_per_day = of.limits.cell_cpu_seconds_per_day = limit;
    of.limits.chats = of.limits.upload_bytes_per_day = of.limits.disk_bytes = limit;
    of.disk = {1'000'000'000, 1'000'000'000, 1'000'000'000, 1'000'000'000, 5};
    CHECK(disk_refusal(of, 1'000'000'000).empty());
    CHECK_FALSE(disk_left(of));
    of.limits.money_per_month = limit ? std::optional<double>{0.0} : std::nullopt;
    CHECK(model_refusal(of, model()).empty());
    CHECK(model_refusal(of, model("local:free")).empty());
    CHECK(cell_refusal(of).empty());
    CHECK(chat_refusal(of).empty());
    CHECK(upload_refusal(of, 1'000'000'000).empty());
    CHECK(allowance_note(of).empty());
  }
}

TEST_CASE("files may use the limit of a day's uploads up to its last byte, and not one more") {
  auto of = allowance();
  of.limits.upload_bytes_per_day = 3 << 20;
  of.used.upload_bytes = 2 << 20;
  CHECK(upload_refusal(of, (1 << 20) - 1).empty());
  CHECK(upload_refusal(of, 1 << 20).empty());
  CHECK(
    upload_refusal(of, (1 << 20) + 1)
    == "Limit reached: 2.0 MiB of 3.0 MiB for uploads of today are used (upload_bytes_per_day), and these files have "
       "1.0 MiB. It frees on 2027-01-01 at 00:00 UTC. For more before that, ask it@example.org.");
  of.used.upload_bytes = 3 << 20;
  CHECK(upload_refusal(of, 0).empty());
  CHECK_FALSE(upload_refusal(of, 1).empty());
  of.used.upload_bytes = 4 << 20; // of before the limit was set
  CHECK_FALSE(upload_refusal(of, 1).empty());
  CHECK(allowance_note(of).starts_with("Limit reached: 4.0 MiB of 3.0 MiB for uploads of today are used"));
  // It is no reason to ask no model and to run no cell.
  CHECK(model_refusal(of, model()).empty());
  CHECK(cell_refusal(of).empty());
}

TEST_CASE("the disk may be used up to its last byte, by files, snapshots, earlier files and messages together") {
  auto of = allowance();
  of.limits.disk_bytes = 10 << 20;
  of.disk = {4 << 20, 3 << 20, 1 << 20, 1 << 20, 0};
  CHECK(disk_refusal(of, 1 << 20).empty());
  CHECK(
    disk_refusal(of, (1 << 20) + 1)
    == "Limit reached: 9.0 MiB of 10.0 MiB of the disk are used (disk_bytes), 4.0 MiB by files, 3.0 MiB by snapshots of "
       "variables, 1.0 MiB by earlier files and 1.0 MiB by messages, and this would take 1.0 MiB more. Delete files "
       "or chats that you do not need, or ask it@example.org.");
  CHECK(disk_refusal(of, 0).empty());
  CHECK(cell_refusal(of).empty());
  CHECK(allowance_note(of).starts_with("Nearly used up: 9.0 MiB of 10.0 MiB of the disk are used (disk_bytes), "));
  of.disk.versions += 1 << 20;
  CHECK(disk_refusal(of, 0).find("1.0 MiB by messages. Delete files or chats") != std::string::npos);
  CHECK_FALSE(disk_refusal(of, 1).empty());
  CHECK(allowance_note(of).starts_with("Limit reached: 10.0 MiB of 10.0 MiB of the disk"));
  of.disk.files -= 2 << 20;
  CHECK(allowance_note(of).empty());
}

TEST_CASE("a cell is refused where what is beside its chat's own files uses the disk up, since it could free nothing") {
  auto of = allowance();
  of.limits.disk_bytes = 10;
  of.disk = {5, 3, 1, 1, 5};
  CHECK(disk_left(of) == 5);
  CHECK(cell_refusal(of).empty()); // it may delete some of its five
  of.disk = {5, 4, 3, 2, 5};       // by files that were there before the limit was set
  CHECK(disk_left(of) == 1);
  CHECK(cell_refusal(of).empty());
  of.disk = {5, 5, 3, 2, 5};
  CHECK(disk_left(of) == 0);
  CHECK(
    cell_refusal(of)
    == "Limit reached: 15 bytes of 10 bytes of the disk are used (disk_bytes), 5 bytes by files, 5 bytes by snapshots "
       "of variables, 3 bytes by earlier files and 2 bytes by messages. Delete chats that you do not need, or files "
       "of other chats, or ask it@example.org.");
  of.disk.files_of_chat = 0; // seen from another one
  CHECK(disk_left(of) == 0);
  CHECK_FALSE(cell_refusal(of).empty());
  CHECK(model_refusal(of, model()).empty());
  CHECK(disk_quota_words(of) == "all that the chats of a user take on the disk may be 10 bytes (disk_bytes)");
}

TEST_CASE("what is said at a limit: which one, how much, when it frees, and whom to ask") {
  auto of = allowance();
  of.limits.tokens_per_day = 1'000;
  of.used.tokens = 1'200;
  CHECK(
    model_refusal(of, model())
    == "Limit reached: 1200 of 1000 tokens of today are used (tokens_per_day). It frees on 2027-01-01 at 00:00 UTC. "
       "For more before that, ask it@example.org.");
  of = allowance("");
  of.at = new_year_eve - 20 * day_us;
  of.limits.money_per_month = 12.5;
  of.used.cost_nano = 12'600'000'000;
  CHECK(
    model_refusal(of, model())
    == "Limit reached: 12.60 of 12.50 EUR of this month are used (money_per_month). It frees on 2027-01-01 at 00:00 "
       "UTC. For more before that, ask whoever looks after this server.");
  of.at = new_year_eve + 40 * day_us; // in February
  CHECK(model_refusal(of, model()).find("It frees on 2027-03-01 at") != std::string::npos);
}

TEST_CASE("a model that is not on the list is refused, and one without a price where money is limited") {
  auto of = allowance();
  of.limits.models = {"openai:*"};
  CHECK(model_choice_refusal(of, model())
        == "The model anthropic:sonnet is not among those that you may use (models). Choose another one, or ask "
           "it@example.org.");
  CHECK_FALSE(model_refusal(of, model()).empty());
  CHECK(model_refusal(of, model("openai:gpt")).empty());
  of = allowance();
  of.limits.money_per_month = 1;
  CHECK(model_refusal(of, model()).empty());
  CHECK(model_refusal(of, model("local:model")).find("has no price here") != std::string::npos);
  auto offline = model("offline");
  offline.kind = provider_kind::offline;
  CHECK(model_refusal(of, offline).empty());
}

TEST_CASE("the page is told from nine tenths of a limit on") {
  auto of = allowance();
  of.limits.tokens_per_day = 1'000;
  of.used.tokens = 899;
  CHECK(allowance_note(of).empty());
  of.used.tokens = 900;
  CHECK(allowance_note(of).starts_with("Nearly used up: 900 of 1000 tokens of today"));
  of.used.tokens = 1'000;
  CHECK(allowance_note(of).starts_with("Limit reached: 1000 of 1000 tokens of today"));
  // One that is reached is said before one that is nearly used.
  of.limits.model_requests_per_day = 10;
  of.used.requests = 9;
  CHECK(allowance_note(of).starts_with("Limit reached: 1000"));
}
