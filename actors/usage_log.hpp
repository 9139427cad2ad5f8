// The rows that a chat writes into the ledger of usage (storage/usage_row.hpp).
//
// A request is noted with the message that its answer became, in one commit; one without a message when it is over, or
// with the end of its run. Nothing is written before a request is sent, for that would cost each turn another commit.
// What was under way when a server died is told by the history: a run that was open, whose newest message a model is
// asked with next, had most likely asked, and a call without a return had most likely run. Such a request is noted as
// lost, with an estimate of what was sent and without an answer, also where the server died before it was sent; and
// what failed or waited to be tried again at that moment is noted once more as that.
//
// Pure functions, any thread.
#pragma once

#include "actors/messages.hpp"
#include "actors/transcript.hpp"
#include "config/config.hpp"

#include <vector>

namespace varro {

// Whose rows they are, and what they cost.
struct usage_account {
  const chat_record& chat;
  int64_t run = 0;
  const price_table& prices;
};

// These rows with owner and cost.
std::vector<usage_row> charged(std::vector<usage_row> rows, const usage_account& account);

// The rows of a message that is about to be committed: of the requests that it comes from, and of the cells that it
// returns. Cells that did not run have none.
std::vector<usage_row> usage_of_node(std::vector<usage_row> used, const message_row& row, const usage_account& account);

// The rows of what the newest run had under way when it was cut off: the first cell of these calls, or else
// the request to this model. Empty without an open run. `outcome`: of the request.
std::vector<usage_row> usage_under_way(const transcript& history, const std::vector<open_call>& calls,
                                       const model_config& model, const char* outcome, const price_table& prices);

} // namespace varro
