// The ledger of usage: what one request to a model, or one cell, used and cost. Values.
//
// A row is written once and stays: neither an edited turn nor the end of its chat takes it away.
#pragma once

#include "base/clock.hpp"
#include "config/price_table.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace varro {

// legal values of usage_row::kind
namespace usage_kind {
inline constexpr auto model = "model"; // one attempt of a request to a model
inline constexpr auto cell = "cell";
} // namespace usage_kind

// legal values of usage_row::outcome of a request; that of a cell is its status (models/cell.hpp)
namespace usage_outcome {
inline constexpr auto answered = "answered"; // the whole answer came, whether it became a message or not
inline constexpr auto refused = "refused";   // by the vendor's words, before anything of an answer: nothing is billed
inline constexpr auto unsent = "unsent";     // no connection: nothing is billed
inline constexpr auto broken = "broken";     // broke off, fell silent, or could not be read
inline constexpr auto stopped = "stopped";   // by the user or the end of the server
inline constexpr auto lost = "lost";         // the server died, so that nobody knows whether it was sent
} // namespace usage_outcome

struct usage_row {
  unix_us at = 0; // when the request was sent; of a cell and of what is lost, when the row was made
  int64_t user_id = 0;
  int64_t chat_id = 0;
  int64_t run_id = 0;
  int64_t seq = 0; // of the message that it became; 0 when it became none
  std::string kind = usage_kind::model;
  std::string outcome;

  // Of a request to a model.
  std::string model;     // model_config::id
  std::string provider;  // model_config::provider
  std::string vendor_id; // the vendor's own id of the answer; empty where none came
  billed_tokens tokens;
  bool estimated = false;           // the tokens are, all or some: the vendor did not tell them to the end
  std::optional<int64_t> cost_nano; // by the price that held at `at`; nothing where there is none
  std::string currency;             // of the cost; empty without one

  // Of a cell, in microseconds. Both are what the shell's own process says, in which the cell's code runs as well: good
  // enough to see who uses what, not proof against somebody who changes it.
  std::optional<int64_t> processor_us; // of that process and its children that have ended; nothing where none was told
  int64_t wall_us = 0;                 // from beginning to end; 0 where it did not end by itself
};

// How sums are made.
enum class usage_by { user, day, model };

// Of the rows with one user, UTC day or model, and one currency: rows without a cost are in the first sum of their key.
struct usage_sum {
  std::string key;      // the user's name ("user 7" when there is no such user any more), "2026-01-31", the model's id
                        // (empty for cells)
  std::string currency; // empty where nothing has a cost
  int64_t requests = 0;
  int64_t estimated = 0; // of these
  int64_t unpriced = 0;  // of these: their cost is not known, and not in cost_nano
  billed_tokens tokens;
  int64_t cost_nano = 0; // at most the greatest int64_t
  int64_t cells = 0;
  int64_t cells_unmeasured = 0; // of these: no processor time is known
  int64_t processor_us = 0;
  int64_t wall_us = 0;
};

// A row holds no more tokens of a class than this, whatever a vendor says: millions of such rows can be added up.
inline constexpr int64_t usage_tokens_max = int64_t{1} << 40;
// And no more than ten years of microseconds.
inline constexpr int64_t usage_time_us_max = int64_t{10} * 366 * 86'400 * 1'000'000;

} // namespace varro
