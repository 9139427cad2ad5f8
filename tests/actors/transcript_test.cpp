// The history of a chat as a value, without an actor.
#include "actors/transcript.hpp"
#include "models/history.hpp"
#include "tests/support/chat_rows.hpp"
#include "tests/support/shown_events.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace varro;
using namespace varro::test;

namespace {

message calls(const std::vector<std::string>& ids, const std::string& tool = "python") {
  model_response response;
  for (const auto& id : ids) {
    tool_call_part part;
    part.tool_name = tool;
    part.tool_call_id = id;
    part.args = {{"code", "x = 1"}};
    response.parts.push_back(std::move(part));
  }
  response.usage.output_tokens = 10;
  return response;
}

message returned(const std::string& id, cell_status status = cell_status::ok) {
  cell_result cell;
  cell.status = status;
  tool_return_part part;
  part.tool_name = "python";
  part.tool_call_id = id;
  part.content = cell_text(cell);
  part.metadata = cell_metadata(cell);
  model_request request;
  request.parts.push_back(std::move(part));
  return request;
}

struct one_chat : transcript {
  one_chat() : transcript(chat_contents{make_chat(1, 2), {}, {}, {}, {}, {}}) {}

  int64_t add(message content) {
    auto row = next_row(std::move(content), runs().back().turn, runs().back().id);
    append(row);
    return row.seq;
  }
  void begin(int64_t id, int64_t replaced_turn = 0) {
    auto run = next_run(id, replaced_turn);
    auto row = next_row(prompt("question"), run.turn, run.id);
    run.first_seq = row.seq;
    if (replaced_turn != 0)
      supersede_from(replaced_turn, run);
    append(row);
    begin_run(run);
  }
  void end() {
    auto run = runs().back();
    run.status = run_status::completed;
    update_run(run);
  }
  void turn(int64_t id, int64_t replaced_turn = 0) {
    begin(id, replaced_turn);
    add(answer("answer"));
    end();
  }
};

std::vector<int64_t> seqs_of(const transcript& history) {
  std::vector<int64_t> seqs;
  for (const auto& row : history.rows())
    seqs.push_back(row.seq);
  return seqs;
}

std::vector<std::string> ids_of(const std::vector<open_call>& calls) {
  std::vector<std::string> ids;
  for (const auto& call : calls)
    ids.push_back(call.tool_call_id);
  return ids;
}

using seqs = std::vector<int64_t>;
using names = std::vector<std::string>;

} // namespace

TEST_CASE("an empty transcript says nothing") {
  one_chat history;
  CHECK(!history.has_open_run());
  CHECK(history.newest_turn_seq() == 0);
  CHECK(history.shown_seq() == 0);
  CHECK(history.open_calls().empty());
  CHECK(history.cells().empty());
  CHECK(events_after(history, 0).empty());
  CHECK(history.first_row_of(1) == nullptr);
  CHECK(!history.has_turn(1));
}

TEST_CASE("a row that is made is not in the history before it is appended, and its seq is never used again") {
  one_chat history;
  auto row = history.next_row(prompt("lost"), 1, 1);
  CHECK(row.seq == 1);
  CHECK(row.chat_id == 1);
  CHECK(history.rows().empty());
  CHECK(history.next_row(prompt("kept"), 1, 1).seq == 2);
  CHECK(history.next_seq() == 3);
  CHECK(history.chat().last_seq == 3);
}

TEST_CASE("a chat's record can be put back, but not its seq") {
  one_chat history;
  auto before = history.chat();
  auto changed = before;
  changed.model = "another";
  history.describe(changed);
  history.next_seq();
  CHECK(history.chat().model == "another");
  history.describe(before);
  CHECK(history.chat().model == before.model);
  CHECK(history.chat().last_seq == 1);
}

TEST_CASE("turns follow each other, and each run knows the one before it in its branch") {
  one_chat history;
  history.turn(10);
  history.turn(11);
  CHECK(history.runs().back().turn == 2);
  CHECK(history.runs().back().parent == 10);
  CHECK(history.newest_turn_seq() == 3);
  CHECK(history.next_run(12, 1).turn == 1);
  CHECK(history.next_run(12, 1).parent == 0);
  CHECK(history.next_run(12, 2).parent == 10);
}

TEST_CASE("what supersedes a turn takes it and all later ones out, with their snapshots, and stands beside it") {
  one_chat history;
  history.turn(10);
  history.turn(11);
  history.turn(12);
  history.keep_snapshots({{2, 100}, {4, 200}, {6, 300}}, false);
  history.turn(13, 2);
  CHECK(seqs_of(history) == seqs{1, 2, 7, 8});
  CHECK(history.run_ids() == std::set<int64_t>{10, 13});
  CHECK(history.has_alternative(11));
  CHECK(history.contents().alternatives.at(13) == seqs{11, 13});
  CHECK(!history.has_alternative(12)); // belongs to the other branch
  CHECK(!history.has_alternative(10));
  REQUIRE(history.contents().snapshots.size() == 1);
  CHECK(history.contents().snapshots.front().seq == 2);
  history.turn(14, 2);
  CHECK(history.contents().alternatives.at(14) == seqs{11, 13, 14});
}

TEST_CASE("a snapshot replaces those of the same and later cells; a file begun anew has no others") {
  one_chat history;
  history.keep_snapshots({{2, 100}, {4, 200}}, false);
  history.keep_snapshots({{4, 300}}, false);
  REQUIRE(history.contents().snapshots.size() == 2);
  CHECK(history.contents().snapshots.back().footer == 300);
  history.keep_snapshots({}, true);
  CHECK(history.contents().snapshots.empty());
}

TEST_CASE("a call is open until its return is appended") {
  one_chat history;
  history.begin(1);
  history.add(calls({"a", "b"}));
  CHECK(ids_of(history.open_calls()) == names{"a", "b"});
  auto seq = history.add(returned("a"));
  CHECK(ids_of(history.open_calls()) == names{"b"});
  CHECK(ids_of(history.open_calls_of(1)) == names{"b"});
  CHECK(history.open_calls_of(2).empty());
  CHECK(history.seq_of_return("a") == seq);
  CHECK(history.seq_of_return("b") == 0);
}

TEST_CASE("calls after the first begun one go on; the others are lost") {
  one_chat history;
  history.begin(1);
  history.add(calls({"a", "b", "c"}));
  auto sorted = history.sort_open_calls({"b"});
  CHECK(ids_of(sorted.lost) == names{"a"});
  CHECK(ids_of(sorted.remaining) == names{"b", "c"});
  CHECK(history.sort_open_calls({}).remaining.empty());
  CHECK(history.sort_open_calls({}).lost.size() == 3);
}

TEST_CASE("only python's calls go on") {
  one_chat history;
  history.begin(1);
  history.add(calls({"a"}));
  history.add(returned("a"));
  history.add(calls({"b"}, "another_tool"));
  CHECK(ids_of(history.sort_open_calls({"b"}).lost) == names{"b"});
}

TEST_CASE("the cells that made the namespace begin after the last one that took its shell along") {
  one_chat history;
  history.begin(1);
  history.add(calls({"a", "b", "c", "d"}));
  history.add(returned("a"));
  history.add(returned("b", cell_status::killed));
  auto first = history.add(returned("c", cell_status::failed));
  history.add(returned("d", cell_status::lost));
  auto cells = history.cells();
  REQUIRE(cells.size() == 1);
  CHECK(cells.front().code == "x = 1");
  CHECK(cells.front().failed);
  CHECK(cells.front().seq == first);
  CHECK(history.runs_with_cells() == std::set<int64_t>{1});

  history.keep_snapshots({{first - 1, 100}}, false);
  CHECK(!history.newest_snapshot(cells)); // of the namespace that was lost
  history.keep_snapshots({{first, 200}}, false);
  REQUIRE(history.newest_snapshot(cells));
  CHECK(history.newest_snapshot(cells)->footer == 200);
  CHECK(!history.newest_snapshot({}));
}

TEST_CASE("a run has spent what its own responses say") {
  one_chat history;
  history.begin(1);
  history.add(calls({"a"}));
  history.add(returned("a"));
  history.add(calls({"b"}));
  history.begin(2);
  CHECK(history.spent_by(1).model_requests == 2);
  CHECK(history.spent_by(1).usage.output_tokens == 20);
  CHECK(history.spent_by(2).model_requests == 0);
}

TEST_CASE("an interruption ends the run at once, and closes its calls once its rows are appended") {
  one_chat history;
  history.begin(1);
  history.add(calls({"a", "b"}));
  REQUIRE(history.has_open_run());
  auto batch = history.interrupt("The power went.");
  CHECK(!history.has_open_run());
  REQUIRE(batch.run);
  CHECK(batch.run->status == std::string{run_status::interrupted});
  CHECK(batch.run->error == "The power went. Send a message to go on.");
  CHECK(batch.run->end_seq == 5);
  CHECK(batch.chat->last_seq == 5);
  REQUIRE(batch.messages.size() == 2);
  CHECK(history.open_calls().size() == 2);
  for (auto& row : batch.messages)
    history.append(row);
  CHECK(check_history(history.messages()) == caf::none);
  CHECK(history.shown_seq() == 5);
}

TEST_CASE("a run that is resumed stays open, and its lost calls are closed") {
  one_chat history;
  history.begin(1);
  history.add(calls({"a", "b"}));
  auto batch = history.resume({{"python", "a"}}, "It is lost.");
  CHECK(history.has_open_run());
  CHECK(batch.run->resumes == 1);
  REQUIRE(batch.messages.size() == 1);
  CHECK(batch.chat->last_seq == batch.messages.front().seq);
  history.append(batch.messages.front());
  CHECK(ids_of(history.open_calls()) == names{"b"});
}

TEST_CASE("a fork has the turns up to its own, with ids of its own, and leaves the chat as it is") {
  one_chat history;
  history.turn(10);
  history.turn(11);
  history.turn(12);
  history.keep_snapshots({{2, 100}, {6, 300}}, false);
  CHECK(history.runs_up_to(2) == 2);
  CHECK(history.runs_up_to(9) == 3);
  auto batch = history.fork(2, 7, 20);
  REQUIRE(batch.chat);
  CHECK(batch.chat->id == 7);
  CHECK(batch.chat->title == "a chat (fork)");
  CHECK(batch.chat->last_seq == 4);
  REQUIRE(batch.earlier_runs.size() == 2);
  CHECK(batch.earlier_runs.back().id == 21);
  CHECK(batch.earlier_runs.back().parent == 20);
  REQUIRE(batch.messages.size() == 4);
  for (const auto& row : batch.messages)
    CHECK(row.chat_id == 7);
  const auto* request = batch.messages.front().content.as<model_request>();
  REQUIRE(request);
  CHECK(request->run_id == "20");
  CHECK(request->conversation_id == conversation_of(7));
  REQUIRE(batch.snapshots.size() == 1);
  CHECK(batch.snapshots.front().footer == 100);
  CHECK(history.rows().size() == 6);
  CHECK(history.rows().front().chat_id == 1);
  CHECK(!history.rows().front().content.as<model_request>()->run_id);
}

TEST_CASE("events after a seq are those of all events that a viewer of it has not seen") {
  one_chat history;
  history.turn(1);
  history.turn(2);
  auto all = events_after(history, 0);
  REQUIRE(all.size() == 4);
  for (int64_t after = 0; after <= history.shown_seq(); ++after) {
    auto rest = events_after(history, after);
    auto first = std::find_if(all.begin(), all.end(), [=](const auto& event) { return event.id > after; });
    REQUIRE(rest.size() == static_cast<size_t>(all.end() - first));
    for (size_t i = 0; i < rest.size(); ++i, ++first)
      CHECK(rest[i].data == first->data);
  }
}

TEST_CASE("a replay has whole turns from that of what was seen on, and shares their messages") {
  one_chat history;
  history.turn(1);
  history.turn(2);
  history.keep_snapshots({{2, 100}}, false);
  history.renew_prefix({"instructions", "[]"});
  for (int64_t after : {3, 4}) {
    auto replay = history.replay_after(after);
    CHECK(replay.after == after);
    REQUIRE(replay.history.messages.size() == 2);
    CHECK(replay.history.messages.front().seq == 3);
    CHECK(replay.history.messages.front().content.is_same_as(history.rows()[2].content));
    REQUIRE(replay.history.runs.size() == 1);
    CHECK(replay.history.runs.front().id == 2);
  }
  auto page = history.shown();
  REQUIRE(page.messages.size() == 4);
  CHECK(page.messages.front().content.is_same_as(history.rows().front().content));
  CHECK(page.snapshots.empty());
  CHECK_FALSE(page.prefix);
  CHECK(history.replay_after(0).history.messages.size() == 4);
}

TEST_CASE("what was replaced is in no replay, and what replaced it knows its versions") {
  one_chat history;
  history.turn(1);
  history.turn(2);
  history.turn(3, 2);
  auto replay = history.replay_after(0);
  REQUIRE(replay.history.messages.size() == 4);
  CHECK(replay.history.messages.back().run_id == 3);
  CHECK(replay.history.alternatives == std::map<int64_t, std::vector<int64_t>>{{3, {2, 3}}});
  for (const auto& event : events_after(history, 0))
    CHECK(event.data.find("data-seq=\"3\"") == std::string::npos); // of turn 2 as it was
  // A viewer of the first turn alone is told of the versions of what it gets, and of no others.
  CHECK(history.replay_after(2).history.alternatives.size() == 1);
  history.turn(4);
  CHECK(history.replay_after(history.shown_seq()).history.alternatives.empty());
}
