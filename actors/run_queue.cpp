#include "actors/run_queue.hpp"

#include "actors/place_words.hpp"

namespace varro {

namespace {

using self_pointer = run_queue_actor::stateful_pointer<run_queue_state>;

fair_queue::more_of more_in(const run_queue_state& state) {
  return [&state](int64_t user) { return state.more_of(user); };
}

void tell_place(self_pointer self, int64_t id, const fair_queue::place& place) {
  auto& run = self->state.runs.at(id);
  auto words = place_words("place", place);
  if (words == run.told)
    return;
  run.told = std::move(words);
  self->send(run.owner, progress_atom_v, id, run.told);
}

void note_waiting(self_pointer self) {
  auto& state = self->state;
  state.counts->waiting_runs = static_cast<int64_t>(state.waiting.size());
  if (state.ticking || state.waiting.size() == 0)
    return;
  state.ticking = true;
  self->delayed_send(run_queue_actor{self}, places_told_every, tick_atom_v);
}

// Its session may have ended without a word: nobody else would end the loop then, which has not begun.
void give_place(self_pointer self, int64_t id) {
  auto& state = self->state;
  auto& run = state.runs.at(id);
  run.on = true;
  ++state.on;
  ++state.on_of[run.about.user];
  self->request(run.owner, caf::infinite, start_atom_v, id)
    .then([](done_atom) {},
          [=, loop = run.loop](caf::error&) { self->send_exit(loop, caf::exit_reason::user_shutdown); });
}

void admit(self_pointer self) {
  auto& state = self->state;
  if (!state.stopping)
    for (const auto& each : state.waiting.admit(state.free(), more_in(state)))
      give_place(self, each.ticket);
  note_waiting(self);
}

void enter(self_pointer self, const queued_run& about, const agent_run_actor& loop, const run_owner_actor& owner) {
  auto& state = self->state;
  if (!state.runs.emplace(about.run, run_queue_state::run{about, loop, owner, false, {}}).second)
    return;
  state.loops[loop.address()] = about.run;
  self->monitor(loop);
  if (about.is_on) {
    give_place(self, about.run);
    return;
  }
  state.waiting.enter(about.user, about.run, state.on_of.contains(about.user));
  admit(self);
  if (auto place = state.waiting.place_of(about.run, more_in(state)))
    tell_place(self, about.run, *place);
}

void on_down(self_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  auto loop = state.loops.find(down.source);
  if (loop == state.loops.end())
    return;
  auto run = state.runs.find(loop->second);
  if (run->second.on) {
    --state.on;
    auto user = state.on_of.find(run->second.about.user);
    if (--user->second == 0)
      state.on_of.erase(user);
  }
  state.waiting.leave(run->first);
  state.runs.erase(run);
  state.loops.erase(loop);
  admit(self);
}

void tick(self_pointer self) {
  auto& state = self->state;
  state.ticking = false;
  admit(self);
  for (const auto& [id, place] : state.waiting.places(more_in(state)))
    tell_place(self, id, place);
}

} // namespace

int64_t run_queue_state::more_of(int64_t user) const {
  auto max = user_max ? user_max(user) : 0;
  if (max == 0)
    return fair_queue::no_limit;
  auto found = on_of.find(user);
  return max - (found == on_of.end() ? 0 : found->second);
}

int64_t run_queue_state::free() const {
  return runs_max == 0 ? fair_queue::no_limit : runs_max - on;
}

run_queue_actor::behavior_type run_queue(self_pointer self, int64_t runs_max, run_limit_of_user user_max,
                                         std::shared_ptr<gauges> counts) {
  auto& state = self->state;
  state.runs_max = runs_max;
  state.user_max = std::move(user_max);
  state.counts = std::move(counts);
  self->set_down_handler([=](const caf::down_msg& down) { on_down(self, down); });
  self->set_exit_handler(
    [=](const caf::exit_msg& exit) { self->quit(exit.reason); }); // also of a registry that is done
  return {
    [=](start_atom, const queued_run& about, const agent_run_actor& loop, const run_owner_actor& owner) {
      enter(self, about, loop, owner);
    },
    [=](stop_atom) { self->state.stopping = true; },
    [=](tick_atom) { tick(self); },
  };
}

} // namespace varro
