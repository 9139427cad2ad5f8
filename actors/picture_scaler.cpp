#include "actors/picture_scaler.hpp"

#include "base/log.hpp"

namespace varro {

namespace {

using self_pointer = picture_scaler_actor::stateful_pointer<picture_scaler_state>;

void advance(self_pointer self, int64_t id);

// A file's look is over: every fit that waits for it gets the result.
void finish(self_pointer self, const look_key& key, const picture_result_ptr& result) {
  auto& state = self->state;
  if (result->what != picture_result::verdict::unavailable)
    state.found.put(key, result);
  auto waiting = state.under_way.extract(key);
  if (waiting.empty())
    return;
  for (const auto& [id, file] : waiting.mapped()) {
    auto& pending = state.fits[id];
    pending.fit->give(file, result);
    if (--pending.missing == 0)
      advance(self, id);
  }
}

void hand_out(self_pointer self);

void ask(self_pointer self, const picture_worker_actor& worker, const look_key& key, const picture_job& job) {
  auto done = [=](const picture_result_ptr& result) {
    self->state.idle.push_back(worker);
    finish(self, key, result);
    hand_out(self);
  };
  self->request(worker, caf::infinite, look_atom_v, std::make_shared<const picture_job>(job))
    .then(done, [=](caf::error& error) {
      log(log_level::error, "a picture could not be looked at: " + text_of(error));
      picture_result nobody;
      nobody.what = picture_result::verdict::unavailable;
      done(std::make_shared<const picture_result>(nobody));
    });
}

// The next look of the fit whose turn it is, unless another fit has asked for the same or knows it by now.
void take_turn(self_pointer self, int64_t id) {
  auto& state = self->state;
  auto& pending = state.fits[id];
  auto [key, file] = std::move(pending.unasked.front());
  pending.unasked.pop_front();
  if (!pending.unasked.empty())
    state.turns.push_back(id);
  if (auto known = state.found.find(key)) {
    pending.fit->give(file, known);
    if (--pending.missing == 0)
      advance(self, id);
    return;
  }
  auto& waiting = state.under_way[key];
  waiting.emplace_back(id, file);
  if (waiting.size() > 1)
    return;
  auto worker = state.idle.back();
  state.idle.pop_back();
  ask(self, worker, key, pending.fit->job(file));
}

void hand_out(self_pointer self) {
  auto& state = self->state;
  while (!state.idle.empty() && !state.turns.empty()) {
    auto id = state.turns.front();
    state.turns.pop_front();
    take_turn(self, id);
  }
}

// Asks for what the fit needs next, or answers.
void advance(self_pointer self, int64_t id) {
  auto& state = self->state;
  auto& pending = state.fits[id];
  for (auto needs = pending.fit->needs(); !needs.empty(); needs = pending.fit->needs()) {
    for (auto file : needs) {
      auto key = key_of(pending.fit->job(file));
      if (auto known = state.found.find(key))
        pending.fit->give(file, known);
      else
        pending.unasked.emplace_back(std::move(key), file);
    }
    pending.missing = pending.unasked.size();
    if (pending.missing > 0) {
      state.turns.push_back(id);
      return;
    }
  }
  auto promise = std::move(pending.promise);
  auto fitted = pending.fit->fitted();
  state.fits.erase(id);
  promise.deliver(std::move(fitted));
}

} // namespace

picture_scaler_actor::behavior_type picture_scaler(self_pointer self, std::vector<picture_worker_actor> workers) {
  for (const auto& worker : workers)
    self->link_to(worker);
  self->state.idle = std::move(workers);
  return {
    [=](fit_atom, const message_list& history, const picture_limits& limits) -> caf::result<message_list> {
      auto fit = std::make_unique<picture_fit>(history, limits);
      if (fit->files() == 0)
        return history;
      auto& state = self->state;
      auto id = ++state.last_fit;
      auto& pending = state.fits[id];
      pending.fit = std::move(fit);
      pending.promise = self->make_response_promise<message_list>();
      auto promise = pending.promise;
      advance(self, id);
      hand_out(self);
      return promise;
    },
  };
}

picture_worker_actor::behavior_type picture_worker(picture_worker_actor::pointer,
                                                   std::shared_ptr<picture_process> process) {
  return {
    [=](look_atom, const picture_job_ptr& job) -> caf::result<picture_result_ptr> {
      auto result = process->look(*job);
      if (!result)
        return std::move(result.error());
      return std::make_shared<const picture_result>(std::move(*result));
    },
  };
}

picture_scaler_actor spawn_picture_scaler(caf::actor_system& system) {
  std::vector<picture_worker_actor> workers;
  std::vector<std::shared_ptr<picture_process>> processes;
  for (size_t i = 0; i < picture_workers_max; ++i) {
    processes.push_back(std::make_shared<picture_process>());
    workers.push_back(system.spawn<caf::detached>(picture_worker, processes.back()));
  }
  auto scaler = system.spawn(picture_scaler, std::move(workers));
  // A worker in the middle of a look does not hear that the scaler has ended.
  scaler->attach_functor([processes = std::move(processes)] {
    for (const auto& process : processes)
      process->stop();
  });
  return scaler;
}

} // namespace varro
