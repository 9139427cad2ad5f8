// Runs of many chats and few places: who waits, who is next, and what frees a place.
#include "tests/support/actor_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

using namespace varro;
using namespace varro::test;
using namespace std::chrono_literals;

namespace {

constexpr int64_t anna = 7, bert = 8;

struct queue_world : actor_world {
  queue_world() {
    configure([](config& settings) { settings.agent.runs_max = 2; });
  }

  void configure(const std::function<void(config&)>& change) {
    auto settings = std::make_shared<config>(*services().settings);
    change(*settings);
    services().settings = settings;
  }

  void open() {
    chats = registry();
  }

  // A first message of a new chat; runs have the ids 1, 2, 3… in this order.
  chat_session_actor send(int64_t user) {
    if (!chats)
      open();
    auto chat = ask<chat_session_actor>(chats, start_atom_v, user, std::string{});
    REQUIRE(chat);
    REQUIRE(ask<turn_started>(*chat, send_atom_v, user_message{"please", {}, {}}));
    return *chat;
  }

  // The runs whose model is being asked.
  std::vector<int64_t> on() {
    std::vector<int64_t> runs;
    for (const auto& [run, promise] : log().open_queries)
      runs.push_back(run);
    return runs;
  }

  // The first of these ends.
  void end_first() {
    answer_query(text_answer("done"));
  }

  std::string progress(const chat_session_actor& chat) {
    return ask<transcript_view>(chat, page_atom_v)->progress;
  }

  run_record run_of(const chat_session_actor& chat) {
    return ask<chat_contents>(chat, history_atom_v)->runs.back();
  }

  int64_t waiting() {
    return ask<actor_counts>(chats, count_atom_v)->waiting_runs;
  }

  chat_registry_actor chats;
};

using runs = std::vector<int64_t>;

// A chat whose run a former server had begun, with a call of a cell that its shell is running.
chat_contents cut_off_in_a_cell() {
  actor_world first;
  first.log().answers.push_back([](const model_query&) -> caf::expected<model_response> {
    return call_answer({{"python", {{"code", "slow()"}}}});
  });
  first.log().run_cell = [](const std::string&) -> std::optional<cell_result> { return std::nullopt; };
  auto chat = first.session();
  REQUIRE(first.ask<turn_started>(chat, send_atom_v, user_message{"go", {}, {}}));
  return *first.ask<chat_contents>(chat, history_atom_v);
}

// One whose run has not begun.
chat_contents cut_off_at_once(int64_t chat_id, int64_t run_id) {
  actor_world first;
  first.log().next_run = run_id;
  auto contents = actor_world::fresh_chat();
  contents.chat.id = chat_id;
  auto chat = first.session(std::move(contents));
  REQUIRE(first.ask<turn_started>(chat, send_atom_v, user_message{"go", {}, {}}));
  return *first.ask<chat_contents>(chat, history_atom_v);
}

} // namespace

TEST_CASE_FIXTURE(queue_world, "without a limit every run begins at once") {
  configure([](config& settings) { settings.agent.runs_max = 0; });
  for (int i = 0; i < 5; ++i)
    send(anna);
  CHECK(on() == runs{1, 2, 3, 4, 5});
  CHECK(waiting() == 0);
}

TEST_CASE_FIXTURE(queue_world, "beyond agent.runs_max runs wait, and who has none on is next") {
  for (int i = 0; i < 3; ++i)
    send(anna);
  auto fourth = send(anna);
  auto other = send(bert);
  CHECK(on() == runs{1, 2});
  CHECK(waiting() == 3);
  CHECK(log().batches.size() == 5); // their messages are committed nevertheless
  CHECK(progress(fourth) == "Waiting for a free place: 2nd of your own, 1 before it");
  advance(1s);
  CHECK(progress(fourth) == "Waiting for a free place: 2nd of your own, 2 before it");
  CHECK(progress(other) == "Waiting for a free place: 1st of your own, 0 before it");

  end_first();
  CHECK(on() == runs{2, 5});
  CHECK(progress(other) == "Thinking…");
  advance(1s);
  CHECK(progress(fourth) == "Waiting for a free place: 2nd of your own, 1 before it");
  end_first();
  CHECK(on() == runs{3, 5});
  end_first();
  end_first();
  CHECK(on() == runs{5});
  end_first();
  CHECK(run_of(fourth).status == run_status::completed);
  CHECK(waiting() == 0);
}

TEST_CASE_FIXTURE(queue_world, "places are told as they move, not more often than once in a while") {
  send(anna);
  send(anna);
  auto third = send(anna);
  auto told = [&] {
    return std::count_if(log().published.begin(), log().published.end(), [](const stream_event& event) {
      return event.event == "progress" && event.data.find("Waiting for a free place") != std::string::npos;
    });
  };
  CHECK(told() == 1);
  for (int i = 0; i < 10; ++i)
    send(bert + i); // each one's first comes before
  CHECK(told() == 11);
  advance(1s);
  CHECK(told() == 12);
  CHECK(progress(third) == "Waiting for a free place: 1st of your own, 10 before it");
  advance(10s);
  CHECK(told() == 12);
}

TEST_CASE_FIXTURE(queue_world, "a run that waits can be stopped: it asks no model, and has used nothing") {
  send(anna);
  send(anna);
  auto third = send(anna);
  send(anna);
  REQUIRE(ask<done_atom>(third, cancel_atom_v));
  CHECK(run_of(third).status == run_status::cancelled);
  CHECK(run_of(third).model_requests == 0);
  CHECK(log().usage.empty());
  CHECK(waiting() == 1);
  end_first();
  CHECK(on() == runs{2, 4});
  CHECK(log().queries.size() == 3);
  // And the chat takes the next message.
  CHECK(ask<turn_started>(third, send_atom_v, user_message{"again", {}, {}}));
}

TEST_CASE_FIXTURE(queue_world, "a place comes free when its run is stopped, fails, is deleted, or breaks down") {
  configure([](config& settings) { settings.agent.runs_max = 1; });
  services().tools = [](const chat_record&) {
    auto python = python_tool();
    python.spawn = [](caf::actor_system&, tool_job) -> tool_call_actor { throw std::runtime_error{"broken"}; };
    return std::make_shared<const std::vector<tool_spec>>(std::vector{std::move(python)});
  };
  auto stopped = send(anna);
  auto deleted = send(anna);
  auto broken = send(anna);
  auto failed = send(anna);
  send(anna);
  REQUIRE(ask<done_atom>(stopped, cancel_atom_v));
  CHECK(on() == runs{2});
  REQUIRE(ask<done_atom>(deleted, remove_atom_v, audit_origin{}));
  CHECK(on() == runs{3});
  answer_query(call_answer({{"python", {{"code", "1"}}}}));
  CHECK(run_of(broken).error == "An internal error ended this run.");
  CHECK(on() == runs{4});
  model_response empty = text_answer("");
  empty.parts.clear();
  answer_query(empty);
  CHECK(run_of(failed).status == run_status::failed);
  CHECK(on() == runs{5});
}

TEST_CASE_FIXTURE(queue_world, "a deleted chat does not wait, and one whose session is gone leaves no place taken") {
  send(anna);
  send(anna);
  auto deleted = send(anna);
  auto gone = send(anna);
  send(anna);
  REQUIRE(ask<done_atom>(deleted, remove_atom_v, audit_origin{}));
  CHECK(waiting() == 2);
  caf::anon_send_exit(gone, caf::exit_reason::kill);
  run();
  end_first();
  CHECK(on() == runs{2, 5});
  CHECK(waiting() == 0);
}

TEST_CASE_FIXTURE(queue_world,
                  "a stop waits for no run that waits, lets none begin, and says of none that it used anything") {
  for (int i = 0; i < 6; ++i)
    send(anna);
  REQUIRE(ask<done_atom>(chats, stop_atom_v));
  CHECK(log().queries.size() == 2);
  int interrupted = 0;
  size_t used = 0;
  for (const auto& batch : log().batches) {
    interrupted += batch.run && batch.run->status == run_status::interrupted ? 1 : 0;
    used += batch.usage.size();
  }
  CHECK(interrupted == 6);
  CHECK(used + log().usage.size() == 2); // of those that were on
}

TEST_CASE_FIXTURE(queue_world, "a user's own limit holds back nobody else, and is asked for again") {
  auto limit = std::make_shared<int64_t>(1);
  services().runs_at_once = [=](int64_t user) { return user == anna ? *limit : 0; };
  configure([](config& settings) { settings.agent.runs_max = 0; });
  send(anna);
  auto second = send(anna);
  send(bert);
  send(bert);
  CHECK(on() == runs{1, 3, 4});
  CHECK(progress(second).find("because you have as many at once as you may: 1st of your own") != std::string::npos);
  *limit = 2;
  advance(1s);
  CHECK(on() == runs{1, 2, 3, 4});
}

TEST_CASE_FIXTURE(queue_world, "the configuration's limit for everybody holds where there is no other") {
  configure([](config& settings) {
    settings.agent.runs_max = 0;
    settings.limits.everybody.runs_at_once = 1;
  });
  send(anna);
  send(anna);
  send(bert);
  CHECK(on() == runs{1, 3});
}

TEST_CASE_FIXTURE(queue_world, "a run that is taken up again stands in the queue like any other") {
  log().next_run = 100;
  send(bert);
  send(bert);
  for (int64_t chat : {42, 43}) {
    log().stored[{anna, chat}] = cut_off_at_once(chat, chat);
    tell(chats, resume_atom_v, anna, chat);
  }
  CHECK(on() == runs{100, 101});
  CHECK(waiting() == 2);
  end_first();
  end_first();
  CHECK(on() == runs{43, 101});
}

TEST_CASE_FIXTURE(queue_world,
                  "a run whose cell a former server's shell has begun goes on at once: the shell waits for it") {
  log().next_run = 100;
  send(bert);
  send(bert);
  auto contents = cut_off_in_a_cell();
  log().stored[{anna, contents.chat.id}] = contents;
  log().former_shell = true;
  log().begun_cells["call-1"] = printed("slow, but there");
  tell(chats, resume_atom_v, anna, contents.chat.id);
  CHECK(on() == runs{contents.runs.back().id, 100, 101});
  send(anna);
  end_first(); // there are three on, and places for two
  CHECK(on() == runs{100, 101});
  CHECK(waiting() == 1);
}
