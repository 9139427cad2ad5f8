#include "tests/support/store_twin.hpp"

#include <utility>

namespace varro::test {

namespace {

caf::result<int64_t> draw(fake_store_actor::pointer self, const std::shared_ptr<world_log>& log, int64_t& next,
                          int64_t count) {
  if (log->fail_draw == 0) {
    log->fail_draw = -1;
    return fail(errc::storage_failed, "database or disk is full");
  }
  if (log->fail_draw > 0)
    --log->fail_draw;
  auto first = std::exchange(next, next + count);
  if (!log->hold_draws)
    return first;
  auto promise = self->make_response_promise<int64_t>();
  log->held_draws.push_back({promise, first});
  return promise;
}

} // namespace

fake_store_actor::behavior_type fake_store(fake_store_actor::pointer self, std::shared_ptr<world_log> log) {
  return {
    [=](commit_atom, const write_batch& batch) -> caf::result<done_atom> {
      if (log->fail_commit == 0) {
        log->fail_commit = log->stays_full ? 0 : -1;
        return fail(errc::storage_failed, "database or disk is full");
      }
      if (log->fail_commit > 0)
        --log->fail_commit;
      log->batches.push_back(batch);
      if (!log->hold_commits)
        return done_atom_v;
      auto promise = self->make_response_promise<done_atom>();
      log->held.push_back(promise);
      return promise;
    },
    [=](draw_chat_atom) { return draw(self, log, log->next_chat, 1); },
    [=](draw_runs_atom, int count) { return draw(self, log, log->next_run, count); },
    [](rename_atom, int64_t, int64_t, const std::string&) { return done_atom_v; },
    [=](usage_atom, int64_t user, int64_t chat, int64_t bytes) {
      log->workspaces.emplace_back(user, chat, bytes);
      return done_atom_v;
    },
    [=](usage_atom, const std::vector<usage_row>& rows) { return log->note(rows); },
    [](usage_atom, const upload_counted&) { return done_atom_v; },
    [=](usage_atom, const versions_measured& measured) {
      log->versions_sizes.emplace_back(measured.user_id, measured.chat_id, measured.bytes);
      return done_atom_v;
    },
    [=](remove_atom, int64_t user, int64_t chat, const audit_origin&) {
      log->removed.emplace_back(user, chat);
      return done_atom_v;
    },
    [](login_atom, const login_record&) { return done_atom_v; },
    [](logout_atom, const std::string&, const audit_origin&) { return done_atom_v; },
    [](user_atom, const account_write&) { return done_atom_v; },
    [=](flush_atom) {
      log->held.front().deliver(done_atom_v);
      log->held.pop_front();
    },
    [=](flush_atom, int64_t first) {
      log->held_draws.front().promise.deliver(first);
      log->held_draws.pop_front();
    },
  };
}

} // namespace varro::test
