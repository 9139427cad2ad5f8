#include "actors/ledger.hpp"

#include <utility>

namespace varro {

void ledger::commit(write_batch batch, continuation then, error_handler otherwise) {
  ++under_way_;
  write_(
    std::move(batch),
    [this, then = std::move(then)] {
      then();
      close();
    },
    [this, otherwise = std::move(otherwise)](const caf::error& error) {
      otherwise(error);
      close();
    });
}

void ledger::begin_change() {
  ++under_way_;
}

void ledger::end_change() {
  close();
}

void ledger::drained(continuation then) {
  if (is_drained() && waiting_.empty())
    then();
  else
    waiting_.push_back(std::move(then));
}

void ledger::close() {
  --under_way_;
  while (is_drained() && !waiting_.empty()) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    next();
  }
}

} // namespace varro
