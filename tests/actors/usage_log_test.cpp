#include "actors/usage_log.hpp"
#include "models/history.hpp"
#include "tests/support/actor_world.hpp"

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

constexpr const char* model_id = "test:model"; // of actor_world

void set_price(actor_world& world, int64_t micro) {
  auto settings = std::make_shared<config>(*world.services().settings);
  settings->prices.currency = "EUR";
  settings->prices.rows = {{model_id, 0, micro, micro, micro, micro, micro}};
  world.services().settings = settings;
}

user_message says(std::string text) {
  return {std::move(text), {}, {}};
}

auto always(model_response response) {
  return [response = std::move(response)](const model_query&) -> caf::expected<model_response> { return response; };
}

// The rows of the ledger that batches have brought, in order.
std::vector<usage_row> committed_usage(actor_world& world) {
  std::vector<usage_row> rows;
  for (const auto& batch : world.log().batches)
    rows.insert(rows.end(), batch.usage.begin(), batch.usage.end());
  return rows;
}

// What is stored of a chat whose server was killed while a model was asked, or while this cell ran.
chat_contents cut_off(std::optional<std::string> code) {
  actor_world world;
  world.log().run_cell = [](const std::string&) -> std::optional<cell_result> { return std::nullopt; };
  if (code)
    world.log().answers.push_back(always(call_answer({{"python", {{"code", *code}}}, {"python", {{"code", "next"}}}})));
  REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("a question of some forty characters")));
  chat_contents contents = actor_world::fresh_chat();
  for (const auto& batch : world.log().batches) {
    contents.messages.insert(contents.messages.end(), batch.messages.begin(), batch.messages.end());
    if (batch.run)
      contents.runs = {*batch.run};
    if (batch.chat)
      contents.chat = *batch.chat;
    if (batch.prefix)
      contents.prefix = batch.prefix;
  }
  REQUIRE(contents.runs.back().status == run_status::running);
  return contents;
}

} // namespace

TEST_CASE("a cell is noted in the commit of its return, with what its shell says that it took") {
  actor_world world;
  world.log().run_cell = [](const std::string&) -> std::optional<cell_result> {
    auto result = printed("42");
    result.duration = std::chrono::milliseconds{30};
    result.processor = std::chrono::milliseconds{20};
    return result;
  };
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "6 * 7"}}}})));
  world.log().answers.push_back(always(text_answer("done")));
  REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("go")));
  auto rows = committed_usage(world);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].kind == usage_kind::cell);
  CHECK(rows[0].outcome == "ok");
  CHECK(rows[0].wall_us == 30'000);
  CHECK(rows[0].processor_us == 20'000);
  CHECK(rows[0].user_id == 7);
  CHECK(rows[0].chat_id == 42);
  CHECK_FALSE(rows[0].cost_nano);
  for (const auto& batch : world.log().batches)
    for (const auto& row : batch.usage)
      CHECK(row.seq == batch.messages.at(0).seq);
}

TEST_CASE("a request belongs to the message that its answer became and costs what held then") {
  auto contents = actor_world::fresh_chat();
  price_table prices;
  prices.rows = {{model_id, 0, 1'000'000, 0, 0, 0, 0}, {model_id, 100, 2'000'000, 0, 0, 0, 0}};
  message_row row;
  row.seq = 9;
  row.content = shared_message{text_answer("hello")};
  usage_row asked;
  asked.model = model_id;
  asked.tokens.input = 1'000;
  for (unix_us at : {99, 100}) {
    asked.at = at;
    auto rows = usage_of_node({asked}, row, {contents.chat, 5, prices});
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].seq == 9);
    CHECK(rows[0].run_id == 5);
    CHECK(rows[0].cost_nano == (at == 99 ? 1'000'000 : 2'000'000));
    CHECK(rows[0].currency == "USD");
  }
  asked.model = "unknown:model";
  CHECK_FALSE(usage_of_node({asked}, row, {contents.chat, 5, prices})[0].cost_nano);
}

TEST_CASE(
  "a request that was under way when the server died is noted as lost, with an estimate, when its run goes on") {
  auto contents = cut_off(std::nullopt);
  actor_world world;
  set_price(world, 1'000'000);
  REQUIRE(world.ask<transcript_view>(world.session(contents, true), page_atom_v));
  REQUIRE_FALSE(world.log().batches.empty());
  const auto& resumed = world.log().batches[0];
  REQUIRE(resumed.run);
  CHECK(resumed.run->resumes == 1);
  REQUIRE(resumed.usage.size() == 1);
  const auto& lost = resumed.usage[0];
  CHECK(lost.outcome == usage_outcome::lost);
  CHECK(lost.estimated);
  CHECK(lost.model == model_id);
  CHECK(lost.provider == "test");
  CHECK(lost.run_id == contents.runs.back().id);
  CHECK(lost.tokens.input > 10);
  CHECK(lost.tokens.output == 0);
  CHECK(lost.cost_nano == lost.tokens.input * 1'000);
  CHECK(lost.currency == "EUR");
}

TEST_CASE("of a run that is ended after a crash the lost request is noted in the commit that ends it") {
  auto contents = cut_off(std::nullopt);
  contents.chat.model = "gone:model";
  actor_world world;
  REQUIRE(world.ask<transcript_view>(world.session(contents, true), page_atom_v));
  REQUIRE(world.log().batches.size() == 1);
  CHECK(world.log().batches[0].run->status == run_status::interrupted);
  REQUIRE(world.log().batches[0].usage.size() == 1);
  CHECK(world.log().batches[0].usage[0].model == "gone:model");
  CHECK(world.log().batches[0].usage[0].provider == "gone");
  CHECK_FALSE(world.log().batches[0].usage[0].cost_nano);
}

TEST_CASE("of cells that a crash cut off the first is noted as lost, and no request") {
  auto contents = cut_off("launch()");
  actor_world world;
  world.log().answers.push_back(always(text_answer("done")));
  REQUIRE(world.ask<transcript_view>(world.session(contents, true), page_atom_v));
  auto rows = committed_usage(world);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].kind == usage_kind::cell);
  CHECK(rows[0].outcome == "lost");
  CHECK_FALSE(rows[0].processor_us);
}

TEST_CASE("a cell that ends with its chat is noted with the time since it was asked for, one of a crash without") {
  auto contents = cut_off("launch()");
  contents.messages.back().created_at = now_us() - 5'000'000;
  const transcript history{contents};
  auto wall_of = [&](const char* outcome) {
    auto rows = usage_under_way(history, history.open_calls(), model_config{}, outcome, price_table{});
    REQUIRE(rows.size() == 1);
    return rows[0].wall_us;
  };
  CHECK(wall_of(usage_outcome::stopped) >= 5'000'000);
  CHECK(wall_of(usage_outcome::lost) == 0);
}

TEST_CASE("of a run whose answer was committed nothing is noted again") {
  auto contents = cut_off("launch()");
  contents.messages.resize(1);
  message_row answer = contents.messages[0];
  answer.seq = 2;
  answer.content = shared_message{text_answer("That is all.")};
  contents.messages.push_back(answer);
  actor_world world;
  REQUIRE(world.ask<transcript_view>(world.session(contents, true), page_atom_v));
  CHECK(world.log().queries.empty());
  CHECK(committed_usage(world).empty());
}

TEST_CASE("a request that the end of the server stops is noted in the commit that ends its run") {
  actor_world world;
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("hello")));
  REQUIRE(world.ask<done_atom>(session, stop_atom_v));
  const auto& last = world.log().batches.back();
  REQUIRE(last.run);
  CHECK(last.run->status == run_status::interrupted);
  REQUIRE(last.usage.size() == 1);
  CHECK(last.usage[0].outcome == usage_outcome::stopped);
  CHECK(last.usage[0].estimated);
}

TEST_CASE("a request whose chat is deleted meanwhile is noted nevertheless") {
  actor_world world;
  auto session = world.session();
  REQUIRE(world.ask<turn_started>(session, send_atom_v, says("hello")));
  REQUIRE(world.ask<done_atom>(session, remove_atom_v, audit_origin{}));
  REQUIRE(world.log().usage.size() == 1);
  CHECK(world.log().usage[0].outcome == usage_outcome::stopped);
  CHECK(world.log().usage[0].user_id == 7);
}

TEST_CASE("usage whose commit failed goes with the next one, without the message that is not there") {
  actor_world world;
  world.log().fail_commit = 2; // the cell's return
  world.log().run_cell = [](const std::string&) -> std::optional<cell_result> {
    auto result = printed("42");
    result.duration = std::chrono::milliseconds{30};
    return result;
  };
  world.log().answers.push_back(always(call_answer({{"python", {{"code", "6 * 7"}}}})));
  REQUIRE(world.ask<turn_started>(world.session(), send_atom_v, says("go")));
  REQUIRE(world.log().batches.back().run);
  CHECK(world.log().batches.back().run->status == run_status::failed);
  auto rows = committed_usage(world);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].wall_us == 30'000);
  CHECK(rows[0].seq == 0);
}
