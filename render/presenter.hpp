// What a client of one chat reads, made of what its session tells (actors/chat_event.hpp): the html_presenter writes
// blocks for pages, the json_presenter (json_presenter.hpp) objects for programs, the response_presenter
// (response_presenter.hpp) what SDKs of another interface read.
//
// The first two write the same events in the same order with the same ids; what differs is their data. An event's id is
// the seq of the newest message that is shown whole once this event is shown: of a message with several parts only the
// last one carries the message's own seq, the others carry the seq before it, so that a client who breaks off between
// two of them misses nothing.
#pragma once

#include "actors/chat_event.hpp"
#include "render/blocks.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace varro {

// One Server-Sent Event before framing. id 0: none.
struct stream_event {
  int64_t id = 0;
  std::string event; // "progress" | "content" | "done"; nothing follows "done". Others: response_presenter.hpp
  std::string data;
  int64_t number = -1; // of a response's event, by which a viewer says what it has; -1: none
};

// Remembers the tool calls that wait for their returns: feed rows and ends in order of seq, each once. One owner at a
// time; any thread. Showing a row may take the time of its Markdown (render/markdown_renderer.hpp), so not the I/O
// thread.
class presenter {
public:
  virtual ~presenter() = default;

  virtual std::vector<stream_event> show(const message_row& row) = 0;
  virtual std::vector<stream_event> show(const run_ended& end) = 0;
  virtual std::vector<stream_event> show(const run_phase& phase) = 0;
  virtual std::vector<stream_event> show(const stream_over& over) = 0;
  std::vector<stream_event> show(const chat_event& event);

  // The client has it already, and later rows may belong to it: nothing is made of it.
  virtual void pass(const message_row& row) = 0;
  virtual void pass(const run_ended& end) = 0;

  // How the runs of the rows that come next stand. Before the first row of a replay.
  virtual void know(const std::vector<run_record>&) {}
};

// One that tells a chat part by part, as pages and /api/v1 do.
class part_presenter : public presenter {
public:
  using presenter::show;
  std::vector<stream_event> show(const message_row& row) override;
  std::vector<stream_event> show(const run_ended& end) override;
  std::vector<stream_event> show(const run_phase& phase) override;
  std::vector<stream_event> show(const stream_over& over) override;

protected:
  // The data of the parts that this row or end adds or replaces, in order.
  virtual std::vector<std::string> parts_of(const message_row& row) = 0;
  virtual std::vector<std::string> parts_of_end(const run_record& run) = 0;
  virtual std::string phase_data(const run_phase& phase) = 0;
  virtual std::string over_data(const stream_over& over) = 0;
};

// Makes a presenter of this chat that has seen nothing; `alternatives` as in chat_contents. Any thread.
using presenter_source = std::function<std::unique_ptr<presenter>(
  int64_t chat_id, const std::map<int64_t, std::vector<int64_t>>& alternatives)>;

// What the replay shows that its viewer has not seen: exactly what a viewer got who was there. REQUIRES: the presenter
// has seen nothing.
std::vector<stream_event> events_of(presenter& fresh, const chat_replay& replay);

// A presenter that goes on after this replay: it has passed the rows of the newest turn.
std::unique_ptr<presenter> presenter_after(const chat_replay& replay, const presenter_source& source);

// Data: "content" one block (render/blocks.hpp), "progress" a progress_indicator(), "done"
// {"chat_id", "status", "error": whether it failed, "message"?: why no block tells how the run ended}.
class html_presenter : public part_presenter {
public:
  // `markdown` as for block_renderer.
  explicit html_presenter(int64_t chat_id, std::map<int64_t, std::vector<int64_t>> alternatives = {},
                          std::shared_ptr<markdown_renderer> markdown = nullptr);

  void pass(const message_row& row) override;
  void pass(const run_ended& end) override;

protected:
  std::vector<std::string> parts_of(const message_row& row) override;
  std::vector<std::string> parts_of_end(const run_record& run) override;
  std::string phase_data(const run_phase& phase) override;
  std::string over_data(const stream_over& over) override;

private:
  block_renderer blocks_;
};

presenter_source html_presenters(std::shared_ptr<markdown_renderer> markdown = nullptr);

} // namespace varro
