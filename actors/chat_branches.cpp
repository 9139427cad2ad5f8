#include "actors/chat_parts.hpp"
#include "actors/chat_shell.hpp"
#include "actors/chat_snapshots.hpp"
#include "base/clock.hpp"
#include "base/fault_points.hpp"
#include "models/user_prompt.hpp"

#include <algorithm>

namespace varro {

namespace {

constexpr std::string_view forked = " (fork)"; // follows the title

std::set<int64_t> runs_with_cells(const chat_contents& contents) {
  std::set<int64_t> ids;
  for (const auto& row : contents.messages)
    if (returns_cell(row))
      ids.insert(row.run_id);
  return ids;
}

// The files were kept before the first cell of each run that had one, so those of the first such run from this turn on
// are the files before this turn.
earlier_files files_before(const chat_contents& contents, int64_t turn) {
  earlier_files found;
  auto with_cells = runs_with_cells(contents);
  for (const auto& run : contents.runs)
    if (run.turn >= turn) {
      found.versions.push_back(version_before(run.id));
      found.expected = found.expected || with_cells.contains(run.id);
    }
  return found;
}

using error_handler = std::function<void(const caf::error&)>;

// The active branch is about to be left: its newest snapshot and its files are kept, and its shell ends.
void leave_branch(chat_session_pointer self, std::vector<std::string> next, std::function<void()> then,
                  error_handler otherwise) {
  auto leave = [=] {
    auto& state = self->state;
    self
      ->request(state.services.keeper, caf::infinite, branch_atom_v, state.contents.chat.id,
                state.contents.runs.back().id, next)
      .then([=](done_atom) { then(); }, [=](caf::error& error) { otherwise(error); });
  };
  settle(self, [=] {
    after_open_run(
      self, [=] { end_shell(self, leave); }, otherwise);
  });
}

// The message of a turn goes again, with the files that went with it; an empty text keeps that of the message.
caf::error repeat_turn(const chat_contents& contents, int64_t turn, user_message& input) {
  auto found = std::find_if(contents.messages.begin(), contents.messages.end(),
                            [=](const message_row& row) { return row.turn == turn; });
  if (turn <= 0 || found == contents.messages.end())
    return fail(errc::not_found, "This chat has no such turn.");
  const auto* request = found->content.as<model_request>();
  const auto* prompt
    = request && !request->parts.empty() ? std::get_if<user_prompt_part>(&request->parts.front()) : nullptr;
  if (!prompt)
    return fail(errc::invalid_input, "This turn does not begin with a message, and cannot be asked again.");
  input.files = attached_items(*prompt);
  if (input.text.empty())
    input.text = typed_text(*prompt);
  return caf::none;
}

// Another branch is active in the database: its history, then its files.
void load_branch(chat_session_pointer self, std::function<void()> then, error_handler otherwise) {
  auto& state = self->state;
  const auto& chat = state.contents.chat;
  self->request(state.services.reader, caf::infinite, load_atom_v, chat.user_id, chat.id)
    .then(
      [=](chat_contents& contents) {
        auto& s = self->state;
        auto left = runs_of(s.contents), entered = runs_of(contents);
        auto expected = false;
        for (auto run : runs_with_cells(s.contents))
          expected = expected || !entered.contains(run);
        for (auto run : runs_with_cells(contents))
          expected = expected || !left.contains(run);
        s.contents = std::move(contents);
        restore_files_of(self, {{version_after(s.contents.runs.back().id)}, expected}, then);
      },
      [=](caf::error& error) {
        otherwise(error);
        self->quit(error); // what is in memory is another branch; who asks next gets a session that is loaded anew
      });
}

// What a fork consists of, with ids of its own.
write_batch fork_batch(const chat_session_state& state, int64_t turn, int64_t to) {
  write_batch batch;
  auto chat = state.contents.chat;
  chat.id = to;
  chat.created_at = chat.updated_at = now_us();
  chat.last_seq = 0;
  chat.title += forked;
  auto conversation = conversation_of(to);
  std::map<int64_t, int64_t> ids{{0, 0}};
  for (auto run : state.contents.runs) {
    if (run.turn > turn)
      break;
    ids[run.id] = state.services.ids->next_run++;
    run.id = ids[run.id];
    run.parent = ids[run.parent];
    run.chat_id = to;
    chat.last_seq = std::max(chat.last_seq, run.end_seq);
    batch.earlier_runs.push_back(std::move(run));
  }
  for (auto row : state.contents.messages) {
    if (row.turn > turn)
      break;
    row.chat_id = to;
    row.run_id = ids[row.run_id];
    message content = row.content;
    std::visit(
      [&](auto& kind) {
        kind.run_id = std::to_string(row.run_id);
        kind.conversation_id = conversation;
      },
      content);
    row.content = std::move(content);
    chat.last_seq = std::max(chat.last_seq, row.seq);
    batch.messages.push_back(std::move(row));
  }
  for (const auto& snapshot : state.contents.snapshots)
    if (snapshot.seq <= chat.last_seq)
      batch.snapshots.push_back(snapshot);
  batch.prefix = state.contents.prefix;
  batch.chat = std::move(chat);
  return batch;
}

void commit_fork(chat_session_pointer self, int64_t turn, int64_t to, const std::string& notice,
                 caf::typed_response_promise<chat_forked> promise) {
  auto& state = self->state;
  fault_point("fork_commit");
  commit(
    self, fork_batch(state, turn, to),
    [=]() mutable {
      fault_point("fork_committed");
      promise.deliver(chat_forked{to, notice});
      end_start(self);
    },
    [=](const caf::error& error) mutable {
      remove_files_of(self, to);
      promise.deliver(error);
      end_start(self);
    });
}

} // namespace

caf::result<turn_started> edit(chat_session_pointer self, int64_t turn, user_message input) {
  auto& state = self->state;
  if (auto refused = refusal(state))
    return refused;
  if (turn == 0 && !state.contents.runs.empty())
    turn = state.contents.runs.back().turn;
  if (auto err = repeat_turn(state.contents, turn, input))
    return err;
  if (auto model = model_for(state, input.model); !model)
    return model.error();
  auto promise = self->make_response_promise<turn_started>();
  auto files = files_before(state.contents, turn);
  state.starting = true;
  leave_branch(
    self, files.versions,
    [=] {
      self->state.starting = false;
      begin_turn(self, input, turn, files, promise);
      look_for_rest(self);
    },
    [=](const caf::error& error) mutable {
      promise.deliver(error);
      end_start(self);
    });
  return promise;
}

caf::result<done_atom> switch_branch(chat_session_pointer self, int64_t run) {
  auto& state = self->state;
  if (auto refused = refusal(state))
    return refused;
  if (runs_of(state.contents).contains(run))
    return done_atom_v; // it is shown already
  // Checked before the shell ends for nothing.
  const auto& alternatives = state.contents.alternatives;
  if (std::none_of(alternatives.begin(), alternatives.end(), [=](const auto& each) {
        return std::find(each.second.begin(), each.second.end(), run) != each.second.end();
      }))
    return fail(errc::not_found, "This chat has no such version.");
  write_batch batch;
  batch.chat_id = state.contents.chat.id;
  batch.user_id = state.contents.chat.user_id;
  batch.activate_run = run;
  state.starting = true;
  auto promise = self->make_response_promise<done_atom>();
  error_handler otherwise = [=](const caf::error& error) mutable {
    promise.deliver(error);
    end_start(self);
  };
  auto done = [=]() mutable {
    promise.deliver(done_atom_v);
    end_start(self);
  };
  leave_branch(
    self, {},
    [=] {
      fault_point("branch_commit");
      commit(
        self, batch,
        [=] {
          fault_point("branch_committed");
          load_branch(self, done, otherwise);
        },
        otherwise);
    },
    otherwise);
  return promise;
}

caf::result<chat_forked> fork(chat_session_pointer self, int64_t turn) {
  auto& state = self->state;
  if (auto refused = refusal(state))
    return refused;
  const auto& runs = state.contents.runs;
  if (turn == 0 && !runs.empty())
    turn = runs.back().turn;
  if (std::none_of(runs.begin(), runs.end(), [=](const run_record& run) { return run.turn == turn; }))
    return fail(errc::not_found, "This chat has no such turn.");
  auto files = files_before(state.contents, turn + 1);
  auto to = state.services.ids->next_chat++;
  auto promise = self->make_response_promise<chat_forked>();
  state.starting = true;
  error_handler otherwise = [=](const caf::error& error) mutable {
    remove_files_of(self, to);
    promise.deliver(error);
    end_start(self);
  };
  auto copy = [=] {
    auto& s = self->state;
    self->request(s.services.keeper, caf::infinite, fork_atom_v, s.contents.chat.id, files.versions, to)
      .then(
        [=](const workspace_change& change) {
          commit_fork(self, turn, to, notice_of(change, files.expected), promise);
        },
        [=](caf::error& error) { otherwise(error); });
  };
  settle(self, [=] { after_open_run(self, copy, otherwise); });
  return promise;
}

} // namespace varro
