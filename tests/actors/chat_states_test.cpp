// Every message in every state of a chat, also where it has no business: the session answers or ignores it, goes on,
// and leaves a history that is valid.
#include "models/history.hpp"
#include "tests/support/actor_world.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace varro;
using namespace varro::test;

namespace {

struct staged_chat : actor_world {
  chat_shell_actor shells; // of the chat, as the job of its first cell names it
  chat_session_actor chat;
  caf::expected<turn_started> first = caf::error{};

  staged_chat() {
    services().tools = [this](const chat_record&) {
      auto python = python_tool();
      python.spawn = [this, spawn = python.spawn](caf::actor_system& system, tool_job job) {
        shells = caf::actor_cast<chat_shell_actor>(job.shells);
        return spawn(system, std::move(job));
      };
      return std::make_shared<const std::vector<tool_spec>>(std::vector{std::move(python)});
    };
    chat = session();
    answer(call_answer({{"python", {{"code", "x = 1"}}}}));
    answer(text_answer("done"));
    first = ask<turn_started>(chat, send_atom_v, user_message{"first", {}, {}});
    REQUIRE(first);
    // For a switch of branches.
    log().stored[{7, 42}] = *ask<chat_contents>(chat, history_atom_v);
  }

  void answer(model_response response) {
    log().answers.push_back(
      [response = std::move(response)](const model_query&) -> caf::expected<model_response> { return response; });
  }

  void send() {
    tell(chat, send_atom_v, user_message{"second", {}, {}});
  }

  void cell_in_flight() {
    log().run_cell = [](const std::string&) -> std::optional<cell_result> { return std::nullopt; };
    answer(call_answer({{"python", {{"code", "y = 2"}}}, {"python", {{"code", "z = 3"}}}}));
    answer(text_answer("done"));
    send();
  }

  // Lets everything that waits go on, until nothing does.
  void finish_all() {
    log().hold_commits = log().hold_draws = false;
    log().run_cell = nullptr;
    for (int i = 0; i < 20; ++i) {
      while (!log().held_draws.empty())
        release_draw();
      while (!log().held.empty())
        release_commit();
      while (!log().open_cells.empty())
        finish_cell(printed("late"));
      while (!log().open_queries.empty())
        answer_query(text_answer("late"));
      run();
    }
  }
};

struct named_state {
  std::string name;
  std::function<void(staged_chat&)> enter;
};

const std::vector<named_state>& states() {
  static const std::vector<named_state> all{
    {"idle", [](staged_chat&) {}},
    {"the id of a run is being drawn",
     [](staged_chat& w) {
       w.log().hold_draws = true;
       w.send();
     }},
    {"the id of an edit's run is being drawn",
     [](staged_chat& w) {
       w.log().hold_draws = true;
       w.tell(w.chat, edit_atom_v, int64_t{1}, user_message{"other", {}, {}});
     }},
    {"the id of a fork is being drawn",
     [](staged_chat& w) {
       w.log().hold_draws = true;
       w.tell(w.chat, fork_atom_v, int64_t{1});
     }},
    {"the message is being committed",
     [](staged_chat& w) {
       w.log().hold_commits = true;
       w.send();
     }},
    {"the model is asked", [](staged_chat& w) { w.send(); }},
    {"a response with a cell is being committed",
     [](staged_chat& w) {
       w.send();
       w.log().hold_commits = true;
       w.answer_query(call_answer({{"python", {{"code", "y = 2"}}}}));
     }},
    {"a cell runs and another waits", [](staged_chat& w) { w.cell_in_flight(); }},
    {"a cell's result is being committed",
     [](staged_chat& w) {
       w.cell_in_flight();
       w.log().hold_commits = true;
       w.finish_cell(printed("2"));
     }},
    {"the end of the run is being committed",
     [](staged_chat& w) {
       w.send();
       w.log().hold_commits = true;
       w.answer_query(text_answer("done"));
       w.release_commit();
     }},
    {"a stop is under way",
     [](staged_chat& w) {
       w.cell_in_flight();
       w.log().hold_commits = true;
       w.tell(w.chat, cancel_atom_v);
     }},
    {"an edit is being committed",
     [](staged_chat& w) {
       w.log().hold_commits = true;
       w.tell(w.chat, edit_atom_v, int64_t{1}, user_message{"other", {}, {}});
     }},
    {"the shell has died", [](staged_chat& w) { w.tell(w.log().shell, close_atom_v); }},
  };
  return all;
}

struct named_message {
  std::string name;
  std::function<void(staged_chat&)> send;
  bool ends_session = false;
};

const std::vector<named_message>& messages() {
  static const std::vector<named_message> all{
    {"send", [](staged_chat& w) { w.tell(w.chat, send_atom_v, user_message{"third", {}, {}}); }},
    {"an empty edit of a turn that is not there",
     [](staged_chat& w) { w.tell(w.chat, edit_atom_v, int64_t{99}, user_message{}); }},
    {"edit", [](staged_chat& w) { w.tell(w.chat, edit_atom_v, int64_t{1}, user_message{"changed", {}, {}}); }},
    {"regenerate", [](staged_chat& w) { w.tell(w.chat, edit_atom_v, int64_t{0}, user_message{}); }},
    {"branch", [](staged_chat& w) { w.tell(w.chat, branch_atom_v, w.first->run_id); }},
    {"fork", [](staged_chat& w) { w.tell(w.chat, fork_atom_v, int64_t{1}); }},
    {"rerun", [](staged_chat& w) { w.tell(w.chat, rerun_atom_v); }},
    {"cancel", [](staged_chat& w) { w.tell(w.chat, cancel_atom_v); }},
    {"cancel twice",
     [](staged_chat& w) {
       w.tell(w.chat, cancel_atom_v);
       w.tell(w.chat, cancel_atom_v);
     }},
    {"page", [](staged_chat& w) { CHECK(w.ask<transcript_view>(w.chat, page_atom_v)); }},
    {"history", [](staged_chat& w) { CHECK(w.ask<chat_contents>(w.chat, history_atom_v)); }},
    {"rename", [](staged_chat& w) { w.tell(w.chat, rename_atom_v, std::string{"title"}); }},
    {"notice", [](staged_chat& w) { w.tell(w.chat, notice_atom_v, std::string{"words"}); }},
    {"attach", [](staged_chat& w) { w.tell(w.chat, attach_atom_v, uint64_t{5}, int64_t{-1}); }},
    {"attach far ahead", [](staged_chat& w) { w.tell(w.chat, attach_atom_v, uint64_t{6}, int64_t{1'000'000}); }},
    {"detach of a stranger", [](staged_chat& w) { w.tell(w.chat, detach_atom_v, uint64_t{77}); }},
    {"a node of a run that is over",
     [](staged_chat& w) {
       auto committed = w.ask<done_atom>(w.chat, node_atom_v, run_node{w.first->run_id, text_answer("ghost"), ""});
       CHECK(code_of(committed.error()) == errc::no_run);
     }},
    {"progress of a run that is over",
     [](staged_chat& w) { w.tell(w.chat, progress_atom_v, w.first->run_id, std::string{"ghost"}); }},
    {"the end of a run that is over",
     [](staged_chat& w) {
       w.tell(w.chat, ended_atom_v, run_end{w.first->run_id, run_status::failed, "ghost", {}, 0});
     }},
    {"shell", [](staged_chat& w) { w.tell(w.shells, shell_atom_v); }},
    {"shell in place of one that is not there",
     [](staged_chat& w) { w.tell(w.shells, shell_atom_v, python_shell_actor{}); }},
    {"shell is wanted", [](staged_chat& w) { w.tell(w.shells, ready_atom_v); }},
    {"results of a cell that there is not",
     [](staged_chat& w) { w.tell(w.shells, ack_atom_v, std::vector<std::string>{"ghost"}, true); }},
    {"a place for a run that is over", [](staged_chat& w) { w.tell(w.chat, start_atom_v, w.first->run_id); }},
    {"a second place for a run",
     [](staged_chat& w) { CHECK(w.ask<done_atom>(w.chat, start_atom_v, w.first->run_id + 1)); }},
    {"a shell's place for a run that is over",
     [](staged_chat& w) { w.tell(w.chat, shell_atom_v, w.first->run_id, std::string{"ghost"}); }},
    {"a shell's place that it does not wait for",
     [](staged_chat& w) { w.tell(w.shells, progress_atom_v, std::string{"ghost"}); }},
    {"ready of a run that is over", [](staged_chat& w) { w.tell(w.chat, ready_atom_v, w.first->run_id); }},
    {"ready", [](staged_chat& w) { w.tell(w.chat, ready_atom_v, w.first->run_id + 1); }},
    {"deadline", [](staged_chat& w) { w.tell(w.shells, deadline_atom_v); }},
    {"snapshot", [](staged_chat& w) { w.tell(w.chat, snapshot_atom_v, snapshot_taken{7, false, "ghost"}); }},
    {"restoring of a run that is over", [](staged_chat& w) { w.tell(w.chat, restore_atom_v, w.first->run_id); }},
    {"passivate", [](staged_chat& w) { w.tell(w.chat, passivate_atom_v, false); }, true},
    {"passivate, as memory is short", [](staged_chat& w) { w.tell(w.chat, passivate_atom_v, true); }, true},
    {"stop", [](staged_chat& w) { w.tell(w.chat, stop_atom_v); }, true},
    {"remove", [](staged_chat& w) { w.tell(w.chat, remove_atom_v, audit_origin{}); }, true},
  };
  return all;
}

// Histories of one run's batches after the other's; an edit begins anew.
void check_what_is_committed(staged_chat& world) {
  CHECK(check_history(world.committed_messages()) == caf::none);
  CHECK(open_calls(world.committed_messages()).empty());
  std::set<int64_t> seqs;
  std::map<int64_t, std::string> status;
  for (const auto& batch : world.log().batches) {
    if (batch.chat && batch.chat->id != 42) // a fork has the seqs of its chat
      continue;
    for (const auto& row : batch.messages)
      CHECK(seqs.insert(row.seq).second);
    if (batch.run)
      status[batch.run->id] = batch.run->status;
  }
  for (const auto& [run, last] : status)
    CHECK(last != run_status::running);
}

bool shows_ghost(staged_chat& world) {
  const auto& events = world.log().published;
  return std::any_of(events.begin(), events.end(),
                     [](const auto& event) { return event.data.find("ghost") != std::string::npos; });
}

} // namespace

TEST_CASE("every message is answered or ignored in every state, and the chat stays valid and usable") {
  for (const auto& state : states())
    for (const auto& message : messages()) {
      CAPTURE(state.name);
      CAPTURE(message.name);
      staged_chat world;
      state.enter(world);
      message.send(world);
      world.finish_all();
      world.advance(std::chrono::seconds{60});
      world.finish_all();
      if (!message.ends_session) {
        world.answer(text_answer("still here"));
        auto usable = world.ask<turn_started>(world.chat, send_atom_v, user_message{"and now?", {}, {}});
        CHECK_MESSAGE(usable, (usable ? std::string{} : text_of(usable.error())));
        CHECK_FALSE(shows_ghost(world));
      }
      if (world.log().removed.empty())
        check_what_is_committed(world);
    }
}
