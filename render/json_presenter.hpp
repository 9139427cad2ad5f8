// A chat's events as JSON, for programs. The data of each event is one object on one line.
//
// All texts are what models, cells and users wrote: nothing is escaped for HTML, no address is checked, and a client
// that shows them does that itself. Bytes that are no UTF-8 have become U+FFFD. Fields that are written with ? are left
// out where they say nothing; further fields may come. Times are Unix time in microseconds.
//
// "progress", what the run is doing, for people:
//   {"text"}
//
// "content", one part of what a chat shows. A later part with the same id replaces it (a call gets its result so).
//   {"id", "seq", "turn", "run", "created_at", "kind", …}
//   id: "m17-p0", as the element's in HTML. seq: of the newest message that the part shows. turn: the first is 1.
//   created_at: when that message was stored, or the run ended. By kind:
//   "user"       content: [item…], begins_turn: whether this is the message that the turn answers, alternatives?: the
//                runs that are versions of this turn, this one among them
//   "text"       text: Markdown
//   "thinking"   text: Markdown; blank where the provider keeps it to itself
//   "summary"    text: what stands for earlier messages, Markdown; null where the provider keeps it to itself
//   "file"       content: [item], a file that the model made
//   "left_out"   turns, results, pictures: how many of earlier ones the model does not see from here on
//   "tool_call"  tool, call_id, state: "running" | "done" | "failed" | "stopped",
//                code?: of a cell, arguments?: of another tool, any JSON, arguments_text?: as it was written, where
//                that is no JSON,
//                result: null until there is one, or {"outputs": [output…], "status"?: of a cell, "ok" | "failed" |
//                "interrupted" | "killed" | "lost", "reason"?: one sentence, "duration_us"?, "variables_gone"?: true}
//   "retry"      content: why the model was asked to try again, any JSON
//   "error"      status: "failed" | "cancelled" | "interrupted", text: why the run ended
//
//   item: {"type": "text", "text"}, or {"type": "file", "url", "media_type", "bytes", "name"?}, or a file elsewhere:
//   {"type": "link", "url", "link_kind", "media_type"?} or {"type": "uploaded", "file_id"}. The url of a file is this
//   server's, and a GET of it answers with its bytes; that of a link is untrusted.
//
//   output: an item, or one of
//   {"type": "stream", "name": "stdout" | "stderr", "text"}
//   {"type": "value", "text"}: the last expression's repr
//   {"type": "table", "columns", "dtypes", "rows", "rows_total", "columns_total"}: the first rows, as texts; the first
//   column is the index, which columns_total does not count
//   {"type": "exception", "name", "message", "traceback"}
//   {"type": "image", "url", "media_type", "bytes"}
//   {"type": "display", "media_type", "text"?, and either "data" or, of HTML and charts, "url" and "bytes"}
//   {"type": "complaint", "content"}: why the call could not be used, any JSON
//
// "done", the run is over and nothing follows:
//   {"chat_id", "status", "error"?: why, for people, "unstored"?: why the history does not have this end, "run",
//   "turn", "started_at", "ended_at", "model_requests", "usage": {"input_tokens": cached ones included,
//   "cache_write_tokens", "cache_read_tokens", "output_tokens"}, "cost"?: what the provider says that the answers cost,
//   in its unit (OpenRouter: US dollars), where it said so of each}
//   status: "completed" | "failed" | "cancelled" | "interrupted". Of a chat that was deleted only chat_id and status.
#pragma once

#include "render/presenter.hpp"
#include "render/shown_parts.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace varro {

class json_presenter : public part_presenter {
public:
  // `alternatives` as in chat_contents.
  explicit json_presenter(int64_t chat_id, std::map<int64_t, std::vector<int64_t>> alternatives = {});

  void pass(const message_row& row) override;
  void pass(const run_ended& end) override;

protected:
  std::vector<std::string> parts_of(const message_row& row) override;
  std::vector<std::string> parts_of_end(const run_record& run) override;
  std::string phase_data(const run_phase& phase) override;
  std::string over_data(const stream_over& over) override;

private:
  // What the newest run's answers cost.
  struct run_cost {
    int64_t run = 0;
    double sum = 0;
    bool known = true; // of each answer
  };
  void note_cost(const message_row& row);

  int64_t chat_id_;
  std::map<int64_t, std::vector<int64_t>> alternatives_;
  part_walk walk_;
  run_cost cost_;
};

presenter_source json_presenters();

// A piece of what a chat shows: each part as it is now, at the place where it came first.
struct json_part {
  std::string id;
  std::string data; // one object, as an event has it
};
struct json_page {
  std::vector<json_part> parts;
  bool more = false; // others follow
};
// Those after the part with this id (empty: from the first on), at most `most`. nullopt: there is none with it. Makes
// nothing of what stands in earlier messages, and in later turns than those that the page needs.
std::optional<json_page> json_page_of(const chat_contents& history, std::string_view after, size_t most);

} // namespace varro
