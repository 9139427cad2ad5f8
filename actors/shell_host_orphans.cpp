// Shells of a former server: known once varro-shells has told the census, and taken over or dropped.
#include "actors/shell_host_parts.hpp"

namespace varro {

namespace {

void attach_now(shell_host_pointer self, int64_t chat, shell_host_state::attach_promise promise) {
  auto& state = self->state;
  auto found = state.orphans.find(chat);
  if (state.stopping || found == state.orphans.end()) {
    auto ended = state.ended_for.find(chat);
    promise.deliver(ended == state.ended_for.end() ? fail(errc::not_found, "The chat has no shell.")
                                                   : fail(errc::shell_lost, ended->second));
    return;
  }
  found->second.waiting.push_back(promise);
  if (found->second.waiting.size() > 1)
    return;
  auto& shell = state.shells[chat];
  shell.used = true;
  shell.user = found->second.user;
  shell.last_used = self->clock().now();
  for (const auto& cell : found->second.cells)
    shell.tags.push_back(cell.tag);
  state.orders[state.next_order] = {chat, true};
  client_of(self).attach(state.next_order++, found->second.number);
}

} // namespace

shell_host_state::attach_promise attach(shell_host_pointer self, int64_t chat) {
  auto promise = self->make_response_promise<python_shell_actor, std::vector<std::string>>();
  client_of(self);
  if (self->state.census_known)
    attach_now(self, chat, promise);
  else
    self->state.after_census.push_back([=] { attach_now(self, chat, promise); });
  return promise;
}

void know_census(shell_host_pointer self) {
  self->state.census_known = true;
  if (!self->state.stopping)
    replace_older(self); // before those who waited take over what is to end
  for (auto& waiting : std::exchange(self->state.after_census, {}))
    waiting();
  if (!self->state.stopping)
    serve_requests(self); // starts of users whose shells had to be known first
}

void drop_orphan(shell_host_pointer self, const shell_host_state::orphan& orphan) {
  if (self->state.client)
    self->state.client->close(orphan.number);
}

} // namespace varro
