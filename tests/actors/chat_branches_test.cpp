#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/user_prompt.hpp"
#include "tests/support/actor_world.hpp"
#include "workspace/versions.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace varro;
using namespace varro::test;

namespace {

using steps = std::vector<std::string>;

struct chat_world : actor_world {
  chat_session_actor chat = session();

  void answer(model_response response) {
    log().answers.push_back(
      [response = std::move(response)](const model_query&) -> caf::expected<model_response> { return response; });
  }

  caf::expected<turn_started> turn_with_cells(int cells = 1) {
    std::vector<std::pair<std::string, json>> calls(static_cast<size_t>(cells), {"python", {{"code", "x = 1"}}});
    answer(call_answer(calls));
    answer(text_answer("done"));
    return ask<turn_started>(chat, send_atom_v, user_message{"go", {}, {}});
  }

  caf::expected<turn_started> turn_of_text() {
    answer(text_answer("hello"));
    return ask<turn_started>(chat, send_atom_v, user_message{"hi", {}, {}});
  }

  caf::expected<turn_started> edit(int64_t turn) {
    answer(text_answer("another"));
    return ask<turn_started>(chat, edit_atom_v, turn, user_message{"other", {}, {}});
  }

  const write_batch& last_batch() {
    return log().batches.back();
  }
};

std::string number(int64_t value) {
  return std::to_string(value);
}

} // namespace

TEST_CASE_FIXTURE(chat_world, "the files are kept once before a run's first cell, and not for a run without cells") {
  REQUIRE(turn_of_text());
  CHECK(log().file_steps.empty());
  auto second = turn_with_cells(3);
  REQUIRE(second);
  CHECK(log().file_steps == steps{"keep " + version_before(second->run_id)});
  CHECK(log().cells.size() == 3);
}

TEST_CASE_FIXTURE(chat_world, "the first cell waits until the files are kept, and runs also when they cannot be") {
  log().disk_full = true;
  REQUIRE(turn_with_cells());
  CHECK(log().file_steps.size() == 1);
  CHECK(log().cells.size() == 1);
}

TEST_CASE_FIXTURE(chat_world, "a cell does not wait for ever for its files to be kept") {
  log().keeper_is_slow = true;
  REQUIRE(turn_with_cells());
  CHECK(log().cells.empty());
  advance(std::chrono::seconds{5});
  CHECK(log().cells.empty());
  advance(std::chrono::seconds{2});
  CHECK(log().cells.size() == 1);
}

TEST_CASE_FIXTURE(chat_world,
                  "an edited turn ends the shell, keeps the branch's files and brings back those before it") {
  auto first = turn_with_cells();
  REQUIRE(turn_of_text());
  log().file_steps.clear();
  auto edited = edit(1);
  REQUIRE(edited);
  CHECK(log().shells_closed == 1);
  CHECK(log().file_steps == steps{"leave " + number(first->run_id + 1), "restore " + version_before(first->run_id)});
  CHECK(edited->notice.empty());
}

TEST_CASE_FIXTURE(chat_world, "the files before a turn are those before the first run with cells from it on") {
  REQUIRE(turn_of_text());
  auto second = turn_of_text();
  auto third = turn_with_cells();
  REQUIRE(turn_with_cells());
  log().file_steps.clear();
  REQUIRE(edit(second->turn));
  CHECK(log().file_steps.back() == "restore " + version_before(third->run_id));
}

TEST_CASE_FIXTURE(chat_world, "what differs is told with the edited turn and on the page, until the next turn") {
  REQUIRE(turn_with_cells());
  log().change.differing = {{"large.bin", "b"}, 7};
  auto edited = edit(1);
  REQUIRE(edited);
  CHECK(edited->notice.find("large.bin, b and 5 more") != std::string::npos);
  CHECK(ask<transcript_view>(chat, page_atom_v)->notice == edited->notice);
  REQUIRE(turn_of_text());
  CHECK(ask<transcript_view>(chat, page_atom_v)->notice.empty());
}

TEST_CASE_FIXTURE(chat_world, "files that nobody kept are told to be those of now, but only when cells have run") {
  REQUIRE(turn_with_cells());
  log().versions.clear();
  CHECK(edit(1)->notice.find("its files are as they are now") != std::string::npos);
  CHECK(edit(1)->notice.empty()); // what it replaces ran no cell
}

TEST_CASE_FIXTURE(chat_world, "a branch whose files cannot be kept is not left") {
  REQUIRE(turn_with_cells());
  auto before = committed_messages().size();
  log().disk_full = true;
  auto refused = edit(1);
  CHECK(code_of(refused.error()) == errc::storage_failed);
  CHECK(committed_messages().size() == before);
  log().disk_full = false;
  log().answers.clear();
  CHECK(turn_with_cells());
}

TEST_CASE_FIXTURE(chat_world, "an edit that cannot be committed leaves the branch as it was") {
  REQUIRE(turn_with_cells());
  auto before = committed_messages().size();
  log().fail_commit = 0;
  CHECK_FALSE(edit(1));
  log().answers.clear();
  CHECK(committed_messages().size() == before);
  for (const auto& step : log().file_steps)
    CHECK_FALSE(step.starts_with("restore"));
  CHECK(turn_with_cells());
}

TEST_CASE_FIXTURE(chat_world, "a fork is the chat up to a turn, with ids of its own") {
  auto first = turn_with_cells();
  auto second = turn_of_text();
  auto third = turn_with_cells();
  log().file_steps.clear();
  auto forked = ask<chat_forked>(chat, fork_atom_v, second->turn);
  REQUIRE(forked);
  CHECK(log().file_steps == steps{"fork " + version_before(third->run_id)});
  CHECK(log().measured.back() == std::tuple{first->chat.user_id, forked->chat_id, true});
  const auto& batch = last_batch();
  REQUIRE(batch.chat);
  CHECK(batch.chat->id == forked->chat_id);
  CHECK(forked->chat_id != first->chat.id);
  CHECK(batch.chat->title == first->chat.title + " (fork)");
  REQUIRE(batch.earlier_runs.size() == 2);
  CHECK(batch.earlier_runs[0].parent == 0);
  CHECK(batch.earlier_runs[1].parent == batch.earlier_runs[0].id);
  CHECK(batch.earlier_runs[0].id > third->run_id);
  CHECK_FALSE(batch.run);
  message_history history;
  for (const auto& row : batch.messages) {
    CHECK(row.chat_id == forked->chat_id);
    CHECK(row.turn <= 2);
    CHECK(row.run_id == batch.earlier_runs[static_cast<size_t>(row.turn - 1)].id);
    auto text = to_json_text(row.content);
    CHECK(text.find("\"conversation_id\":\"chat-" + number(forked->chat_id) + "\"") != std::string::npos);
    CHECK(text.find("\"run_id\":\"" + number(row.run_id) + "\"") != std::string::npos);
    history.push_back(row.content);
  }
  CHECK(check_history(history) == caf::none);
  CHECK(batch.chat->last_seq == batch.messages.back().seq);
}

TEST_CASE_FIXTURE(chat_world, "a fork takes the snapshots of its turns along") {
  log().take_snapshot = [this] {
    snapshot_taken taken;
    taken.footer = static_cast<int64_t>(100 * log().snapshot_bases.size());
    taken.tag = "call-1";
    return taken;
  };
  REQUIRE(turn_with_cells());
  auto forked = ask<chat_forked>(chat, fork_atom_v, int64_t{0}); // 0: the last turn
  REQUIRE(forked);
  REQUIRE(last_batch().snapshots.size() == 1);
  CHECK(last_batch().snapshots[0].footer == 100);
}

TEST_CASE_FIXTURE(chat_world,
                  "nothing is forked while a run is on, from a turn that is not there, or when it cannot be stored") {
  REQUIRE(turn_of_text());
  CHECK(code_of(ask<chat_forked>(chat, fork_atom_v, int64_t{2}).error()) == errc::not_found);
  log().fail_commit = 0;
  CHECK(code_of(ask<chat_forked>(chat, fork_atom_v, int64_t{1}).error()) == errc::storage_failed);
  CHECK(ask<chat_forked>(chat, fork_atom_v, int64_t{1}));
  REQUIRE(ask<turn_started>(chat, send_atom_v, user_message{"stays open", {}, {}}));
  CHECK(code_of(ask<chat_forked>(chat, fork_atom_v, int64_t{1}).error()) == errc::run_in_progress);
}

TEST_CASE_FIXTURE(chat_world, "files follow a change of branch that a crash cut off, and only when it was committed") {
  auto first = turn_with_cells();
  auto edited = edit(1);
  REQUIRE(edited);
  auto contents = fresh_chat();
  contents.chat = edited->chat;
  run_record run;
  run.id = edited->run_id;
  run.chat_id = contents.chat.id;
  run.turn = 1;
  run.status = run_status::completed;
  contents.runs = {run};
  const auto& data = services().settings->data_dir;
  std::filesystem::create_directories(data);
  REQUIRE(keep_version(data, contents.chat.id, "any", {}) == caf::none); // makes the directory
  for (auto left : {first->run_id, edited->run_id}) {
    REQUIRE(note_branch_change(data, contents.chat.id, {left, {version_before(first->run_id)}}) == caf::none);
    log().file_steps.clear();
    auto reloaded = session(contents, true);
    auto committed = left == first->run_id;
    CHECK(log().file_steps == steps{"restore " + (committed ? version_before(first->run_id) : "nothing")});
    CHECK(ask<transcript_view>(reloaded, page_atom_v));
  }
  remove_versions(data, contents.chat.id);
}

TEST_CASE_FIXTURE(chat_world, "files that go with a message stay with it when it is edited, asked again and forked") {
  user_message message{"look", {}, {}};
  message.files = {uploads_note({"b.png"}), upload_label("b.png"), binary_content{"x", "image/png", nullptr, "aa"}};
  auto prompt_of_last = [&]() -> user_prompt_part {
    const auto& query = log().queries.back();
    const auto& request = std::get<model_request>(*query.history->back());
    return std::get<user_prompt_part>(request.parts.back());
  };
  answer(text_answer("a plot"));
  auto sent = ask<turn_started>(chat, send_atom_v, message);
  REQUIRE(sent);
  CHECK(sent->chat.title == "look");
  CHECK(typed_text(prompt_of_last()) == "look");
  CHECK(attached_items(prompt_of_last()).size() == 3);

  REQUIRE(edit(1));
  CHECK(typed_text(prompt_of_last()) == "other");
  CHECK(attached_items(prompt_of_last()).size() == 3);

  answer(text_answer("again"));
  REQUIRE(ask<turn_started>(chat, edit_atom_v, int64_t{0}, user_message{}));
  CHECK(typed_text(prompt_of_last()) == "other");
  CHECK(attached_items(prompt_of_last()).size() == 3);

  REQUIRE(ask<chat_forked>(chat, fork_atom_v, int64_t{0}));
  const auto& copied = std::get<model_request>(*last_batch().messages.front().content);
  CHECK(attached_items(std::get<user_prompt_part>(copied.parts.front())).size() == 3);
}

TEST_CASE_FIXTURE(chat_world, "a message of files alone names the chat after them") {
  user_message message;
  message.files = {uploads_note({"b.png"}), upload_label("b.png"), binary_content{"x", "image/png", nullptr, "aa"}};
  answer(text_answer("a plot"));
  auto sent = ask<turn_started>(chat, send_atom_v, message);
  REQUIRE(sent);
  CHECK(sent->chat.title == "Uploaded files: b.png");
}
