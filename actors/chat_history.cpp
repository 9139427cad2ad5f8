// The parts of chat_session that need no actor.
#include "actors/chat_session.hpp"
#include "base/utf8.hpp"
#include "models/timestamp.hpp"

#include "models/history.hpp"
#include "models/message_json.hpp"
#include "workspace/paths.hpp"

#include <algorithm>
#include <iterator>

namespace varro {

namespace {

constexpr size_t title_characters = 30;

} // namespace

std::string title_of(const std::string& text) {
  std::string title;
  size_t characters = 0;
  bool space = false;
  for (char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      space = !title.empty();
      continue;
    }
    if (!is_continuation(c)) {
      characters += space ? 2 : 1;
      if (characters > title_characters)
        break;
    }
    if (space)
      title += ' ';
    space = false;
    title += c;
  }
  return title;
}

std::vector<stream_event> to_events(const std::vector<block>& blocks, int64_t seq) {
  std::vector<stream_event> events;
  events.reserve(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i)
    events.push_back({i + 1 == blocks.size() ? seq : seq - 1, "content", blocks[i].html.str()});
  return events;
}

std::vector<stream_event> events_after(const chat_contents& contents, int64_t after,
                                       std::shared_ptr<markdown_renderer> markdown) {
  std::vector<stream_event> events;
  block_renderer renderer{contents.chat.id, contents.alternatives, std::move(markdown)};
  auto add = [&](const std::vector<block>& blocks, int64_t seq) {
    if (seq <= after)
      return;
    auto fresh = to_events(blocks, seq);
    events.insert(events.end(), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
  };
  // Rendering may start at the turn of `after`: no block of a turn depends on an earlier one.
  int64_t first_turn = 0;
  for (const auto& row : contents.messages)
    if (row.seq <= after)
      first_turn = row.turn;
  auto run = contents.runs.begin();
  auto ends_before = [&](int64_t seq) {
    for (; run != contents.runs.end() && (run->end_seq == 0 || run->end_seq < seq); ++run)
      if (run->end_seq != 0 && run->turn >= first_turn)
        add(renderer.render_end(*run), run->end_seq);
  };
  for (const auto& row : contents.messages) {
    if (row.turn < first_turn)
      continue;
    ends_before(row.seq);
    add(renderer.render(row), row.seq);
  }
  ends_before(INT64_MAX);
  return events;
}

int64_t newest_turn_seq(const chat_contents& contents) {
  return contents.runs.empty() ? 0 : contents.runs.back().first_seq;
}

stream_event done_event(const run_record& run, const std::string& unstored) {
  json data{{"chat_id", run.chat_id}, {"status", run.status}, {"error", run.status == run_status::failed}};
  if (!unstored.empty())
    data["message"] = unstored;
  return {0, "done", data.dump()};
}

run_spending spent_by(const std::vector<message_row>& rows, int64_t run_id) {
  run_spending spent;
  for (const auto& row : rows) {
    const auto* response = row.content.as<model_response>();
    if (response == nullptr || row.run_id != run_id)
      continue;
    ++spent.model_requests;
    spent.usage += response->usage;
  }
  return spent;
}

wanted_shell shell_for(const chat_record& chat, const config& settings, std::string& note) {
  wanted_shell wanted{chat.user_id, chat.id, workspace_of(settings.data_dir, chat.id).string(), chat.python};
  note.clear();
  if (!wanted.python.empty() && !settings.shell.has_interpreter(wanted.python)) {
    note = "[The Python \"" + wanted.python + "\" of this chat is no longer configured; this is \""
      + settings.shell.default_python + "\".]\n";
    wanted.python.clear();
  }
  return wanted;
}

message_history messages_of(const std::vector<message_row>& rows) {
  message_history messages;
  messages.reserve(rows.size());
  for (const auto& row : rows)
    messages.push_back(row.content);
  return messages;
}

std::vector<recorded_cell> recorded_cells(const std::vector<message_row>& rows) {
  std::map<std::string, std::string> code_of_call;
  std::vector<recorded_cell> cells;
  auto python = python_tool().definition;
  for (const auto& row : rows) {
    if (const auto* response = row.content.as<model_response>()) {
      for (const auto& part : response->parts)
        if (const auto* call = std::get_if<tool_call_part>(&part); call && call->tool_name == python.name) {
          auto checked = check_arguments(python, call->args);
          if (checked.errors.is_null())
            code_of_call[call->tool_call_id] = checked.arguments["code"].get<std::string>();
        }
      continue;
    }
    for (const auto& part : std::get<model_request>(*row.content).parts) {
      const auto* result = std::get_if<tool_return_part>(&part);
      if (result == nullptr || result->tool_name != python.name)
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

bool returns_cell(const message_row& row) {
  const auto* request = row.content.as<model_request>();
  if (request == nullptr)
    return false;
  return std::any_of(request->parts.begin(), request->parts.end(), [](const auto& part) {
    const auto* result = std::get_if<tool_return_part>(&part);
    return result != nullptr && result->tool_name == python_tool_name;
  });
}

std::optional<snapshot_record> newest_snapshot(const std::vector<snapshot_record>& snapshots,
                                               const std::vector<recorded_cell>& cells) {
  if (cells.empty() || snapshots.empty() || snapshots.back().seq < cells.front().seq)
    return std::nullopt;
  return snapshots.back();
}

int64_t seq_of_return(const std::vector<message_row>& rows, const std::string& tool_call_id) {
  for (auto row = rows.rbegin(); row != rows.rend(); ++row)
    if (const auto* request = row->content.as<model_request>())
      for (const auto& part : request->parts)
        if (const auto* result = std::get_if<tool_return_part>(&part); result && result->tool_call_id == tool_call_id)
          return row->seq;
  return 0;
}

message_history returns_for_lost_calls(const std::vector<open_call>& calls, const std::string& reason) {
  message_history returns;
  for (const auto& call : calls) {
    cell_result lost;
    lost.status = cell_status::lost;
    lost.reason = reason;
    tool_return_part part;
    part.tool_name = call.tool_name;
    part.tool_call_id = call.tool_call_id;
    part.content = cell_text(lost);
    part.metadata = cell_metadata(lost);
    part.timestamp = timestamp_now();
    part.outcome = "failed";
    model_request request;
    request.timestamp = part.timestamp;
    request.parts.push_back(std::move(part));
    returns.emplace_back(std::move(request));
  }
  return returns;
}

cut_off_calls sort_open_calls(const std::vector<message_row>& rows, const std::set<std::string>& begun) {
  auto calls = open_calls(messages_of(rows));
  auto first = std::find_if(calls.begin(), calls.end(),
                            [&](const open_call& call) { return begun.contains(call.tool_call_id); });
  cut_off_calls sorted;
  for (auto call = calls.begin(); call != calls.end(); ++call) {
    auto goes_on = call >= first && call->tool_name == python_tool_name;
    (goes_on ? sorted.remaining : sorted.lost).push_back(*call);
  }
  return sorted;
}

} // namespace varro
