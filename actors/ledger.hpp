// What a chat session has under way in the database, and who waits until nothing is.
//
// Two things are counted alike: a commit, and a change of several steps (a turn that begins, a switch of branches, a
// fork) between whose commits the history is not whole. What the end of a run and a stop write follows the rows that
// are there, so they drain the ledger first. Needs no actor: the writer is a function. Not synchronised: one owner at a
// time (chat_session), which outlives what is under way.
#pragma once

#include "actors/steps.hpp"
#include "storage/records.hpp"

#include <deque>
#include <functional>

namespace varro {

class ledger {
public:
  // Has a batch written, and calls exactly one of these once, after it has returned.
  using writer = std::function<void(write_batch, continuation then, error_handler otherwise)>;

  ledger() = default;
  explicit ledger(writer write) : write_(std::move(write)) {}
  ledger(ledger&&) = default;
  // REQUIRES: nothing is under way here or there, for who answers knows the address.
  ledger& operator=(ledger&&) = default;

  // Writes a batch. It is under way until `then`, or `otherwise` with the error, has returned. REQUIRES: a writer.
  void commit(write_batch batch, continuation then, error_handler otherwise);

  // A change of several steps is under way from begin to end. They nest.
  void begin_change();
  // REQUIRES: one has begun.
  void end_change();

  bool is_drained() const {
    return under_way_ == 0;
  }
  // Calls this once nothing is under way: at once, or from the call that ends the last commit or change. Who asks first
  // is called first; if that begins something, the next ones wait for it as well.
  void drained(continuation then);

private:
  void close();

  writer write_;
  int under_way_ = 0;
  std::deque<continuation> waiting_;
};

} // namespace varro
