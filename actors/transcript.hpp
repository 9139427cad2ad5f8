// One chat's history as a value: its record, the rows, runs and snapshots of the active branch, and what they say.
//
// It holds committed rows only. What is about to be committed is made by `next_row` and handed to `append` once the
// store has answered; the seqs that it took are never reused, also when the commit fails. Nothing here waits, asks or
// publishes; not synchronised, so one owner at a time (chat_session).
#pragma once

#include "actors/agent_run.hpp"
#include "actors/messages.hpp"
#include "storage/records.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace varro {

// What becomes of the calls that a cut-off run left open, when a shell of the former server has begun some of them.
// Cells of one response run in order, each after the commit of the one before: a call after a begun one has not run.
struct cut_off_calls {
  std::vector<open_call> lost;      // may have run; never run again
  std::vector<open_call> remaining; // go on
};

class transcript {
public:
  transcript() = default;
  explicit transcript(chat_contents contents);

  const chat_contents& contents() const {
    return contents_;
  }
  const chat_record& chat() const {
    return contents_.chat;
  }
  const std::vector<message_row>& rows() const {
    return contents_.messages;
  }
  const std::vector<run_record>& runs() const {
    return contents_.runs;
  }

  // What its messages hold in memory.
  size_t bytes() const {
    return bytes_;
  }

  // --- what it says --------------------------------------------------------------------------------------------------

  // The newest run is in the history as running; whether one is on, only its session knows.
  bool has_open_run() const;
  // The run that a next turn, or the replacement of this one (0: none), would be.
  run_record next_run(int64_t id, int64_t replaced_turn) const;
  // The newest turn's user message: where a stream without an id starts. 0 without one.
  int64_t newest_turn_seq() const;
  // The newest seq of what is shown: a message or the end of a run.
  int64_t shown_seq() const;
  // The first row of this turn, or null.
  const message_row* first_row_of(int64_t turn) const;
  bool has_turn(int64_t turn) const;
  int runs_up_to(int64_t turn) const;
  // Of the active branch, by id.
  std::set<int64_t> run_ids() const;
  std::set<int64_t> runs_with_cells() const;
  // Whether this run belongs to a branch beside the active one.
  bool has_alternative(int64_t run) const;

  // The messages as a model gets them, shared.
  message_history messages() const;
  // What this run's committed responses say that it used.
  run_spending spent_by(int64_t run) const;

  // The calls without a return; of one run only.
  std::vector<open_call> open_calls() const;
  std::vector<open_call> open_calls_of(int64_t run) const;
  // The open calls, when a shell of a former server has begun the cells `begun` (by tool_call_id).
  cut_off_calls sort_open_calls(const std::set<std::string>& begun) const;
  // Which row returns this call; 0 if none does.
  int64_t seq_of_return(const std::string& tool_call_id) const;

  // The cells that made the namespace, oldest first: those whose result was committed, after the last one that took its
  // shell along.
  std::vector<recorded_cell> cells() const;
  // The newest snapshot of the namespace that these cells of it made, if there is one.
  std::optional<snapshot_record> newest_snapshot(const std::vector<recorded_cell>& cells) const;

  // What pages show: without snapshots and prefix.
  chat_contents shown() const;
  // What a viewer who has seen `after` has not, and what comes before it in its turn.
  chat_replay replay_after(int64_t after) const;

  // --- what is to be committed ---------------------------------------------------------------------------------------

  // Takes the next seq.
  int64_t next_seq();
  // A row with the next seq, which is not in the history yet.
  message_row next_row(shared_message content, int64_t turn, int64_t run);
  // A batch of this chat and its record as it is now.
  write_batch batch() const;
  // Returns for these calls of the newest run, which say that their results are lost. REQUIRES: there is a run.
  write_batch close_calls(const std::vector<open_call>& calls, const std::string& reason);
  // Ends the newest run as interrupted and closes all open calls. The run is changed at once, for nobody shall go on
  // with it; its rows are not. REQUIRES: has_open_run.
  write_batch interrupt(const std::string& reason);
  // Takes the newest run up once more, without these calls. REQUIRES: has_open_run.
  write_batch resume(const std::vector<open_call>& lost, const std::string& reason);
  // The turns up to this one as the chat `to`, with runs of ids from this one on, runs_up_to(turn) of them.
  write_batch fork(int64_t turn, int64_t to, int64_t first_run) const;

  // --- what was committed --------------------------------------------------------------------------------------------

  // REQUIRES: its seq follows those that are there.
  void append(message_row row);
  void begin_run(run_record run);
  // The newest run as it is now. REQUIRES: there is one.
  void update_run(run_record run);
  // This run has replaced this turn, which leaves with all later ones, their snapshots and alternatives; the database
  // keeps them as superseded.
  void supersede_from(int64_t turn, const run_record& by);
  // These are in the chat's file; `anew`: and none of the earlier ones.
  void keep_snapshots(const std::vector<snapshot_record>& snapshots, bool anew);
  // Everything of the chat's record but its newest seq.
  void describe(chat_record chat);
  void rename(std::string title) {
    contents_.chat.title = std::move(title);
  }
  void renew_prefix(chat_prefix prefix) {
    contents_.prefix = std::move(prefix);
  }

private:
  chat_contents contents_; // chat.last_seq also counts rows on their way
  size_t bytes_ = 0;       // of the messages
};

// The id that a chat's messages carry, and its models' caches.
std::string conversation_of(int64_t chat);

message_history messages_of(const std::vector<message_row>& rows);

} // namespace varro
