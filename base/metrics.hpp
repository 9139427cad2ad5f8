// What the server measures of itself, for /metrics: how long things take, and how much of something there was. Of this
// process, as its log is: whoever does something notes it here, and numbers begin anew with each start. What stands at
// this moment (queues, viewers, shells) is not kept here but asked for when somebody reads.
//
// Labels are bounded: those of outcomes and states by the code that notes them, those of models and providers by
// metric_names_max. Names of users and ids of chats are never among them. Any thread may call; a note waits for nothing
// but a short lock.
//
// The format is Prometheus' text, version 0.0.4, which prometheus-cpp writes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro {

// Models and providers that are told apart; further ones are "other" together.
inline constexpr size_t metric_names_max = 200;

// A number that is asked for when somebody reads.
struct metric_reading {
  std::string name; // snake_case, with its unit; of a counter with _total
  std::string help; // one sentence
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
  bool grows = false; // a counter; else a gauge
};

class metrics {
public:
  using seconds = std::chrono::duration<double>;

  metrics();
  ~metrics();
  metrics(const metrics&) = delete;
  metrics& operator=(const metrics&) = delete;

  // From a message that starts a turn to the first step of its answer that is told to viewers, with waiting for a
  // place.
  void note_first_node(seconds took);
  // From a finished step of a run to its being committed and told to viewers.
  void note_node(seconds took);
  // Making what viewers read of one such step.
  void note_rendering(seconds took);
  // One transaction of the database with so many writes.
  void note_commit(seconds took, size_t writes);
  // From asking varro-shells for a shell to its first word.
  void note_shell_start(seconds took, bool started);
  // One attempt of a request to a model. `outcome`: of usage_outcome.
  void note_model_request(std::string_view provider, std::string_view outcome, seconds took);
  // `kind`: the class of tokens.
  void note_tokens(std::string_view model, std::string_view kind, int64_t count);
  // In whole units of the currency.
  void note_cost(std::string_view model, std::string_view currency, double units);
  // A cell that was run. `status`: of cell_status.
  void note_cell(std::string_view status);

  // All of it, and these besides, as text. Readings of one name stand together.
  std::string text(const std::vector<metric_reading>& readings) const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// Those of this process.
metrics& process_metrics();

} // namespace varro
