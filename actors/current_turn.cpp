#include "actors/current_turn.hpp"

#include <array>
#include <utility>

namespace varro {

namespace {

// Whether a state (row) may be followed by another one (column), in the order of the variant.
constexpr std::array<std::array<bool, 4>, 4> may_follow{{
  // idle, starting, running, ending
  {false, true, true, false},  // idle
  {true, false, true, false},  // starting
  {true, false, false, true},  // running
  {true, false, false, false}, // ending
}};

} // namespace

bool current_turn::go(state next) {
  if (!may_follow[now_.index()][next.index()])
    return false;
  now_ = std::move(next);
  return true;
}

bool current_turn::start() {
  return go(starting{});
}

bool current_turn::abandon() {
  return std::holds_alternative<starting>(now_) && go(idle{});
}

bool current_turn::run(running started) {
  return go(std::move(started));
}

bool current_turn::begin(int64_t run) {
  auto* on = std::get_if<running>(&now_);
  return on != nullptr && on->run.id == run && std::exchange(on->waits, false);
}

bool current_turn::end(run_record ended) {
  const auto* before = now_running();
  return before != nullptr && before->run.id == ended.id && go(ending{std::move(ended), before->progress});
}

bool current_turn::halt() {
  return now_running() != nullptr && go(idle{});
}

bool current_turn::close() {
  return now_ending() != nullptr && go(idle{});
}

const run_record* current_turn::run_on() const {
  if (const auto* on = now_running())
    return &on->run;
  if (const auto* over = now_ending())
    return &over->run;
  return nullptr;
}

std::string current_turn::progress() const {
  if (const auto* on = now_running())
    return on->progress;
  if (const auto* over = now_ending())
    return over->progress;
  return {};
}

bool current_turn::show_progress(std::string text) {
  if (auto* on = std::get_if<running>(&now_))
    on->progress = std::move(text);
  else if (auto* over = std::get_if<ending>(&now_))
    over->progress = std::move(text);
  else
    return false;
  return true;
}

} // namespace varro
