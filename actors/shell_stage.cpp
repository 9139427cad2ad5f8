#include "actors/shell_stage.hpp"

#include <array>
#include <utility>

namespace varro {

namespace {

// Whether a state (row) may be followed by another one (column), in the order of the variant.
constexpr std::array<std::array<bool, 5>, 5> may_follow{{
  // none, starting, restoring, live, ending
  {false, true, false, true, true},   // none
  {true, false, true, true, true},    // starting
  {true, false, false, true, true},   // restoring
  {true, false, false, false, true},  // live
  {true, false, false, false, false}, // ending
}};

} // namespace

bool shell_stage::go(state next) {
  if (!may_follow[now_.index()][next.index()])
    return false;
  now_ = std::move(next);
  return true;
}

bool shell_stage::start() {
  return go(starting{});
}

bool shell_stage::start_fresh(std::vector<recorded_cell> cells, std::string python_note) {
  auto* now = now_starting();
  if (now == nullptr)
    return false;
  *now = {std::move(cells), std::move(python_note)};
  return true;
}

bool shell_stage::restore(python_shell_actor shell) {
  auto* before = now_starting();
  return before != nullptr && go(restoring{std::move(shell), std::move(before->cells), std::move(before->python_note)});
}

bool shell_stage::go_live(int64_t snapshot_base) {
  auto* before = now_restoring();
  return before != nullptr && go(live{before->shell, snapshot_base});
}

bool shell_stage::adopt(python_shell_actor shell) {
  return now_restoring() == nullptr && go(live{std::move(shell)});
}

bool shell_stage::end(continuation then) {
  if (auto* already = now_ending()) {
    already->then.push_back(std::move(then));
    return false;
  }
  return go(ending{shell(), {std::move(then)}});
}

bool shell_stage::end_former(python_shell_actor shell) {
  auto* now = now_ending();
  if (now == nullptr || now->shell)
    return false;
  now->shell = std::move(shell);
  return true;
}

shell_stage::ending shell_stage::take_ended() {
  ending ended;
  if (auto* now = now_ending()) {
    ended = std::move(*now);
    go(none{});
  }
  return ended;
}

bool shell_stage::forget() {
  return now_ending() == nullptr && go(none{});
}

python_shell_actor shell_stage::shell() const {
  if (const auto* now = std::get_if<restoring>(&now_))
    return now->shell;
  if (const auto* now = std::get_if<live>(&now_))
    return now->shell;
  return {};
}

bool shell_stage::is_snapshotting() const {
  const auto* now = std::get_if<live>(&now_);
  return now != nullptr && now->snapshotting;
}

bool shell_stage::has_cells() const {
  if (const auto* now = std::get_if<starting>(&now_))
    return !now->cells.empty();
  const auto* now = std::get_if<restoring>(&now_);
  return now != nullptr && !now->cells.empty();
}

} // namespace varro
