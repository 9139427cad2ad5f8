#include "accounts/usage_command.hpp"

#include "storage/sqlite/sqlite_database.hpp"
#include "tests/support/scratch_dir.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace varro;
using namespace varro::test;

namespace {

constexpr unix_us day = 86'400'000'000;
constexpr unix_us first_of_may = 1'777'593'600'000'000; // 2026-05-01T00:00:00Z

struct noted_usage {
  scratch_dir scratch;
  std::ostringstream out;
  std::ostringstream err;

  noted_usage() {
    auto db = std::move(*sqlite_database::open(scratch.path(), sqlite_database::mode::read_write));
    auto ada = db->add_user("ada", "hash")->id, formula = db->add_user("=1+1", "hash")->id;
    usage_row row;
    row.at = first_of_may;
    row.user_id = ada;
    row.outcome = usage_outcome::answered;
    row.model = "anthropic:sonnet";
    row.tokens = {100, 20, 3'000, 40, 5};
    row.cost_nano = 31'500'000;
    row.currency = "EUR";
    auto unknown = row;
    unknown.user_id = formula;
    unknown.at += day;
    unknown.estimated = true;
    unknown.model = "local:model";
    unknown.cost_nano = std::nullopt;
    usage_row cell;
    cell.at = first_of_may;
    cell.user_id = ada;
    cell.kind = usage_kind::cell;
    cell.outcome = "ok";
    cell.processor_us = 1'250'000;
    cell.wall_us = 2'000'000;
    REQUIRE(db->note_usage({row, unknown, cell}) == caf::none);
  }
  int ask(const usage_question& question) {
    return show_usage(scratch.path(), question, out, err);
  }
};

} // namespace

TEST_CASE_FIXTURE(noted_usage, "usage is a table for people, in which an unknown cost is no zero") {
  REQUIRE(ask({}) == 0);
  CHECK(out.str()
        == "user  requests         input  output  cells  seconds  cost\n"
           "=1+1  1 (1 estimated)  3145   20      0      0        unknown\n"
           "ada   1                3145   20      1      1        0.0315 EUR\n");
}

TEST_CASE_FIXTURE(noted_usage, "usage is CSV with every column, and no name becomes a formula") {
  REQUIRE(ask({"user", "", true}) == 0);
  CHECK(out.str()
        == "user,requests,requests_estimated,requests_without_price,input_tokens,cache_read_tokens,"
           "cache_write_5m_tokens,cache_write_1h_tokens,output_tokens,cost,currency,cells,cells_without_processor_time,"
           "processor_seconds,wall_seconds\r\n"
           "'=1+1,1,1,1,100,3000,40,5,20,,,0,0,0.00,0.00\r\n"
           "ada,1,0,0,100,3000,40,5,20,0.0315,EUR,1,0,1.25,2.00\r\n");
}

TEST_CASE_FIXTURE(noted_usage, "usage is by user, day or model, from a day on") {
  REQUIRE(ask({"day", "2026-05-02", false}) == 0);
  CHECK(out.str().find("2026-05-01") == std::string::npos);
  CHECK(out.str().find("2026-05-02") != std::string::npos);
  out.str("");
  REQUIRE(ask({"model", "2026-05-01", false}) == 0);
  CHECK(out.str().find("anthropic:sonnet") != std::string::npos);
  CHECK(out.str().find("(no model)") != std::string::npos);
}

TEST_CASE_FIXTURE(noted_usage, "what cannot be asked is refused with words") {
  CHECK(ask({"colour", "", false}) == 1);
  for (const auto* wrong : {"yesterday", "2026-02-30", "2026-5-01", "2026-05-1x", "2026-00-01"})
    CHECK_MESSAGE(ask({"user", wrong, false}) == 1, wrong);
  CHECK(err.str().find("--since is a day such as 2026-01-31, not 2026-02-30") != std::string::npos);
  CHECK(out.str().empty());
  scratch_dir empty;
  CHECK(show_usage(empty.path(), {}, out, err) == 1);
  CHECK_FALSE(std::filesystem::exists(empty.path() / "varro.db"));
}
