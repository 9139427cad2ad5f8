#include "render/presenter.hpp"

#include <iterator>
#include <utility>

namespace varro {

namespace {

std::vector<stream_event> numbered(std::vector<std::string> parts, int64_t seq) {
  std::vector<stream_event> events;
  events.reserve(parts.size());
  for (size_t i = 0; i < parts.size(); ++i)
    events.push_back({i + 1 == parts.size() ? seq : seq - 1, "content", std::move(parts[i])});
  return events;
}

std::vector<std::string> html_of(std::vector<block> blocks) {
  std::vector<std::string> parts;
  parts.reserve(blocks.size());
  for (auto& each : blocks)
    parts.push_back(std::move(each.html).str());
  return parts;
}

void append(std::vector<stream_event>& to, std::vector<stream_event> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

} // namespace

std::vector<stream_event> part_presenter::show(const message_row& row) {
  return numbered(parts_of(row), row.seq);
}

std::vector<stream_event> part_presenter::show(const run_ended& end) {
  return numbered(parts_of_end(end.run), end.run.end_seq);
}

std::vector<stream_event> part_presenter::show(const run_phase& phase) {
  return {{0, "progress", phase_data(phase)}};
}

std::vector<stream_event> part_presenter::show(const stream_over& over) {
  return {{0, "done", over_data(over)}};
}

std::vector<stream_event> presenter::show(const chat_event& event) {
  return std::visit([this](const auto& what) { return show(what); }, event);
}

std::vector<stream_event> events_of(presenter& fresh, const chat_replay& replay) {
  std::vector<stream_event> events;
  auto add = [&](const auto& what, int64_t seq) {
    if (seq > replay.after)
      append(events, fresh.show(what));
    else
      fresh.pass(what);
  };
  const auto& runs = replay.history.runs;
  fresh.know(runs);
  auto run = runs.begin();
  auto ends_before = [&](int64_t seq) {
    for (; run != runs.end() && (run->end_seq == 0 || run->end_seq < seq); ++run)
      if (run->end_seq != 0)
        add(run_ended{*run}, run->end_seq);
  };
  for (const auto& row : replay.history.messages) {
    ends_before(row.seq);
    add(row, row.seq);
  }
  ends_before(INT64_MAX);
  if (replay.over)
    append(events, fresh.show(*replay.over));
  if (replay.phase)
    append(events, fresh.show(*replay.phase));
  return events;
}

std::unique_ptr<presenter> presenter_after(const chat_replay& replay, const presenter_source& source) {
  auto next = source(replay.history.chat.id, replay.history.alternatives);
  const auto& rows = replay.history.messages;
  next->know(replay.history.runs);
  for (const auto& row : rows)
    if (row.turn == rows.back().turn)
      next->pass(row);
  return next;
}

// --- HTML ------------------------------------------------------------------------------------------------------------

html_presenter::html_presenter(int64_t chat_id, std::map<int64_t, std::vector<int64_t>> alternatives,
                               std::shared_ptr<markdown_renderer> markdown)
  : blocks_(chat_id, std::move(alternatives), std::move(markdown)) {}

void html_presenter::pass(const message_row& row) {
  blocks_.pass(row);
}

void html_presenter::pass(const run_ended& end) {
  blocks_.pass(end.run);
}

std::vector<std::string> html_presenter::parts_of(const message_row& row) {
  return html_of(blocks_.render(row));
}

std::vector<std::string> html_presenter::parts_of_end(const run_record& run) {
  return html_of(blocks_.render_end(run));
}

std::string html_presenter::phase_data(const run_phase& phase) {
  return progress_indicator(phase.text).str();
}

std::string html_presenter::over_data(const stream_over& over) {
  const auto& run = over.run;
  json data{{"chat_id", run.chat_id}, {"status", run.status}, {"error", run.status == run_status::failed}};
  if (!over.unstored.empty())
    data["message"] = over.unstored;
  return dump_json(data);
}

presenter_source html_presenters(std::shared_ptr<markdown_renderer> markdown) {
  return [=](int64_t chat_id, const std::map<int64_t, std::vector<int64_t>>& alternatives) {
    return std::unique_ptr<presenter>{std::make_unique<html_presenter>(chat_id, alternatives, markdown)};
  };
}

} // namespace varro
