#include "actors/transcript.hpp"

#include "base/clock.hpp"
#include "models/held_bytes.hpp"
#include "models/history.hpp"
#include "models/message_json.hpp"
#include "models/timestamp.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace varro {

namespace {

constexpr std::string_view forked = " (fork)"; // follows the title

bool returns_cell(const message_row& row) {
  const auto* request = row.content.as<model_request>();
  if (request == nullptr)
    return false;
  return std::any_of(request->parts.begin(), request->parts.end(), [](const auto& part) {
    const auto* result = std::get_if<tool_return_part>(&part);
    return result != nullptr && is_cell(*result);
  });
}

// A return for each of these calls that says that its result is lost, so that the history is valid again.
message_history returns_for_lost_calls(const std::vector<open_call>& calls, const std::string& reason) {
  message_history returns;
  for (const auto& call : calls) {
    cell_result lost;
    lost.status = cell_status::lost;
    lost.reason = reason;
    auto part = make_tool_return(call.tool_name, call.tool_call_id, as_tool_result(lost));
    model_request request;
    request.timestamp = part.timestamp;
    request.parts.push_back(std::move(part));
    returns.emplace_back(std::move(request));
  }
  return returns;
}

size_t held_by(const std::vector<message_row>& rows) {
  size_t bytes = 0;
  for (const auto& row : rows)
    bytes += held_bytes(row.content);
  return bytes;
}

// The chat's own row `row` in a fork, with ids of its own.
void adopt_row(message_row& row, int64_t chat, int64_t run) {
  row.chat_id = chat;
  row.run_id = run;
  message content = row.content;
  std::visit(
    [&](auto& kind) {
      kind.run_id = std::to_string(run);
      kind.conversation_id = conversation_of(chat);
    },
    content);
  row.content = std::move(content);
}

} // namespace

std::string conversation_of(int64_t chat) {
  return "chat-" + std::to_string(chat);
}

message_history messages_of(const std::vector<message_row>& rows) {
  message_history messages;
  messages.reserve(rows.size());
  for (const auto& row : rows)
    messages.push_back(row.content);
  return messages;
}

transcript::transcript(chat_contents contents) : contents_(std::move(contents)), bytes_(held_by(contents_.messages)) {}

// --- what it says ----------------------------------------------------------------------------------------------------

bool transcript::has_open_run() const {
  return !runs().empty() && runs().back().status == run_status::running;
}

run_record transcript::next_run(int64_t id, int64_t replaced_turn) const {
  run_record run;
  run.id = id;
  run.chat_id = chat().id;
  run.turn = replaced_turn != 0 ? replaced_turn : (runs().empty() ? 1 : runs().back().turn + 1);
  run.started_at = now_us();
  for (const auto& former : runs())
    if (former.turn == run.turn - 1)
      run.parent = former.id;
  return run;
}

int64_t transcript::newest_turn_seq() const {
  return runs().empty() ? 0 : runs().back().first_seq;
}

int64_t transcript::shown_seq() const {
  auto row = rows().empty() ? 0 : rows().back().seq;
  return runs().empty() ? row : std::max(row, runs().back().end_seq);
}

const message_row* transcript::first_row_of(int64_t turn) const {
  auto found = std::find_if(rows().begin(), rows().end(), [=](const message_row& row) { return row.turn == turn; });
  return found == rows().end() ? nullptr : &*found;
}

bool transcript::has_turn(int64_t turn) const {
  return std::any_of(runs().begin(), runs().end(), [=](const run_record& run) { return run.turn == turn; });
}

int transcript::runs_up_to(int64_t turn) const {
  return static_cast<int>(std::ranges::count_if(runs(), [=](const run_record& run) { return run.turn <= turn; }));
}

std::set<int64_t> transcript::run_ids() const {
  std::set<int64_t> ids;
  for (const auto& run : runs())
    ids.insert(run.id);
  return ids;
}

std::set<int64_t> transcript::runs_with_cells() const {
  std::set<int64_t> ids;
  for (const auto& row : rows())
    if (returns_cell(row))
      ids.insert(row.run_id);
  return ids;
}

bool transcript::has_alternative(int64_t run) const {
  const auto& alternatives = contents_.alternatives;
  return std::any_of(alternatives.begin(), alternatives.end(), [=](const auto& each) {
    return std::find(each.second.begin(), each.second.end(), run) != each.second.end();
  });
}

message_history transcript::messages() const {
  return messages_of(rows());
}

run_spending transcript::spent_by(int64_t run) const {
  run_spending spent;
  for (const auto& row : rows()) {
    const auto* response = row.content.as<model_response>();
    if (response == nullptr || row.run_id != run)
      continue;
    ++spent.model_requests;
    spent.usage += response->usage;
  }
  return spent;
}

std::vector<open_call> transcript::open_calls() const {
  return varro::open_calls(messages());
}

std::vector<open_call> transcript::open_calls_of(int64_t run) const {
  message_history answer;
  for (const auto& row : rows())
    if (row.run_id == run)
      answer.push_back(row.content);
  return varro::open_calls(answer);
}

cut_off_calls transcript::sort_open_calls(const std::set<std::string>& begun) const {
  auto calls = open_calls();
  auto first = std::find_if(calls.begin(), calls.end(),
                            [&](const open_call& call) { return begun.contains(call.tool_call_id); });
  cut_off_calls sorted;
  for (auto call = calls.begin(); call != calls.end(); ++call) {
    auto goes_on = call >= first && call->tool_name == cell_tool_name;
    (goes_on ? sorted.remaining : sorted.lost).push_back(*call);
  }
  return sorted;
}

int64_t transcript::seq_of_return(const std::string& tool_call_id) const {
  for (auto row = rows().rbegin(); row != rows().rend(); ++row)
    if (const auto* request = row->content.as<model_request>())
      for (const auto& part : request->parts)
        if (const auto* result = std::get_if<tool_return_part>(&part); result && result->tool_call_id == tool_call_id)
          return row->seq;
  return 0;
}

std::vector<recorded_cell> transcript::cells() const {
  std::map<std::string, std::string> code_of_call;
  std::vector<recorded_cell> cells;
  for (const auto& row : rows()) {
    if (const auto* response = row.content.as<model_response>()) {
      for (const auto& part : response->parts)
        if (const auto* call = std::get_if<tool_call_part>(&part))
          if (auto code = cell_code(*call))
            code_of_call[call->tool_call_id] = std::move(*code);
      continue;
    }
    for (const auto& part : std::get<model_request>(*row.content).parts) {
      const auto* result = std::get_if<tool_return_part>(&part);
      if (result == nullptr)
        continue;
      auto cell = cell_from_tool_return(*result);
      auto code = code_of_call.find(result->tool_call_id);
      if (!cell || code == code_of_call.end())
        continue;
      if (cell->status == cell_status::ok || cell->status == cell_status::failed)
        cells.push_back({code->second, cell->status == cell_status::failed, row.seq});
      else if (cell->status == cell_status::killed)
        cells.clear();
    }
  }
  return cells;
}

std::optional<snapshot_record> transcript::newest_snapshot(const std::vector<recorded_cell>& cells) const {
  const auto& snapshots = contents_.snapshots;
  if (cells.empty() || snapshots.empty() || snapshots.back().seq < cells.front().seq)
    return std::nullopt;
  return snapshots.back();
}

chat_contents transcript::shown() const {
  return {chat(), rows(), runs(), contents_.alternatives, {}, {}};
}

chat_replay transcript::replay_after(int64_t after) const {
  chat_replay replay;
  replay.after = after;
  // It may begin at the turn of `after`: nothing that is shown of a turn depends on an earlier one.
  int64_t first_turn = 0;
  for (const auto& row : rows())
    if (row.seq <= after)
      first_turn = row.turn;
  auto& history = replay.history;
  history.chat = chat();
  auto is_shown = [=](const auto& each) { return each.turn >= first_turn; };
  std::copy_if(rows().begin(), rows().end(), std::back_inserter(history.messages), is_shown);
  std::copy_if(runs().begin(), runs().end(), std::back_inserter(history.runs), is_shown);
  for (const auto& run : history.runs)
    if (auto found = contents_.alternatives.find(run.id); found != contents_.alternatives.end())
      history.alternatives.insert(*found);
  return replay;
}

// --- what is to be committed -----------------------------------------------------------------------------------------

int64_t transcript::next_seq() {
  return ++contents_.chat.last_seq;
}

message_row transcript::next_row(shared_message content, int64_t turn, int64_t run) {
  message_row row;
  row.chat_id = chat().id;
  row.seq = next_seq();
  row.turn = turn;
  row.run_id = run;
  row.content = std::move(content);
  row.created_at = now_us();
  contents_.chat.updated_at = row.created_at;
  return row;
}

write_batch transcript::batch() const {
  write_batch batch;
  batch.chat_id = chat().id;
  batch.chat = chat();
  return batch;
}

write_batch transcript::close_calls(const std::vector<open_call>& calls, const std::string& reason) {
  const auto& run = runs().back();
  std::vector<message_row> returns;
  for (auto& lost : returns_for_lost_calls(calls, reason))
    returns.push_back(next_row(std::move(lost), run.turn, run.id));
  auto closing = batch();
  closing.messages = std::move(returns);
  return closing;
}

write_batch transcript::interrupt(const std::string& reason) {
  auto closing = close_calls(open_calls(), reason);
  auto& run = contents_.runs.back();
  run.status = run_status::interrupted;
  run.error = reason + " Send a message to go on.";
  run.end_seq = next_seq();
  run.ended_at = now_us();
  closing.run = run;
  closing.chat = chat();
  return closing;
}

write_batch transcript::resume(const std::vector<open_call>& lost, const std::string& reason) {
  auto closing = close_calls(lost, reason);
  ++contents_.runs.back().resumes;
  closing.run = runs().back();
  return closing;
}

write_batch transcript::fork(int64_t turn, int64_t to, int64_t first_run) const {
  write_batch copy;
  auto record = chat();
  record.id = to;
  record.created_at = record.updated_at = now_us();
  record.last_seq = 0;
  record.title += forked;
  std::map<int64_t, int64_t> ids{{0, 0}};
  for (auto run : runs()) {
    if (run.turn > turn)
      break;
    ids[run.id] = first_run++;
    run.id = ids[run.id];
    run.parent = ids[run.parent];
    run.chat_id = to;
    record.last_seq = std::max(record.last_seq, run.end_seq);
    copy.earlier_runs.push_back(std::move(run));
  }
  for (auto row : rows()) {
    if (row.turn > turn)
      break;
    adopt_row(row, to, ids[row.run_id]);
    record.last_seq = std::max(record.last_seq, row.seq);
    copy.messages.push_back(std::move(row));
  }
  for (const auto& snapshot : contents_.snapshots)
    if (snapshot.seq <= record.last_seq)
      copy.snapshots.push_back(snapshot);
  copy.prefix = contents_.prefix;
  copy.chat = std::move(record);
  return copy;
}

// --- what was committed ----------------------------------------------------------------------------------------------

void transcript::append(message_row row) {
  bytes_ += held_bytes(row.content);
  contents_.messages.push_back(std::move(row));
}

void transcript::begin_run(run_record run) {
  contents_.runs.push_back(std::move(run));
}

void transcript::update_run(run_record run) {
  contents_.runs.back() = std::move(run);
}

void transcript::supersede_from(int64_t turn, const run_record& by) {
  auto& alternatives = contents_.alternatives;
  for (const auto& former : runs())
    if (former.turn == by.turn) {
      auto siblings = alternatives[former.id];
      if (siblings.empty())
        siblings.push_back(former.id);
      siblings.push_back(by.id);
      alternatives[by.id] = std::move(siblings);
    }
  std::erase_if(contents_.messages, [=](const message_row& row) { return row.turn >= turn; });
  bytes_ = held_by(rows());
  for (const auto& run : runs())
    if (run.turn >= turn)
      alternatives.erase(run.id);
  std::erase_if(contents_.runs, [=](const run_record& run) { return run.turn >= turn; });
  auto last = rows().empty() ? 0 : rows().back().seq;
  std::erase_if(contents_.snapshots, [=](const snapshot_record& snapshot) { return snapshot.seq > last; });
}

void transcript::keep_snapshots(const std::vector<snapshot_record>& snapshots, bool anew) {
  auto& kept = contents_.snapshots;
  if (anew)
    kept.clear();
  for (const auto& snapshot : snapshots) {
    std::erase_if(kept, [&](const auto& each) { return each.seq >= snapshot.seq; });
    kept.push_back(snapshot);
  }
}

void transcript::describe(chat_record chat) {
  chat.last_seq = contents_.chat.last_seq; // a seq is never reused
  contents_.chat = std::move(chat);
}

} // namespace varro
