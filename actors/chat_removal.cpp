// The end of a chat that somebody else than its user ends: an erased user's, or one that was not used for long.
#include "actors/chat_registry.hpp"

#include "actors/chat_session.hpp"

namespace varro {

namespace {

// One of a former server, which varro-shells has kept, ends. That it is there may turn out late, and nobody waits.
void end_kept_shell(chat_registry_pointer self, int64_t chat) {
  self->request(self->state.services.shells, caf::infinite, attach_atom_v, chat)
    .then([=](const python_shell_actor& shell, const std::vector<std::string>&) { self->send(shell, close_atom_v); },
          [](caf::error&) {});
}

// Its rows, of a chat that is not in memory: to load it only for that may take as long as it is large.
caf::result<done_atom> remove_rows(chat_registry_pointer self, int64_t user, int64_t chat) {
  auto& state = self->state;
  auto promise = self->make_response_promise<done_atom>();
  state.removing.insert(chat);
  self->request(state.services.store, caf::infinite, remove_atom_v, user, chat, audit_origin{})
    .then(
      [=](done_atom) mutable {
        self->state.removing.erase(chat);
        end_kept_shell(self, chat);
        promise.deliver(done_atom_v);
      },
      [=](caf::error& error) mutable {
        self->state.removing.erase(chat);
        promise.deliver(error);
      });
  return promise;
}

} // namespace

caf::result<done_atom> remove_chat(chat_registry_pointer self, int64_t user, int64_t chat) {
  auto& state = self->state;
  if (state.stopping)
    return fail(errc::shutting_down, "The server is stopping.");
  if (state.loading.contains({user, chat}) || state.removing.contains(chat) || state.held.contains(chat))
    return fail(errc::run_in_progress, "The chat is being loaded or deleted.");
  auto found = state.sessions.find(chat);
  if (found == state.sessions.end())
    return remove_rows(self, user, chat);
  if (found->second.user_id != user)
    return fail(errc::not_found, "There is no such chat.");
  auto promise = self->make_response_promise<done_atom>();
  self->request(found->second.session, caf::infinite, remove_atom_v, audit_origin{})
    .then([=](done_atom) mutable { promise.deliver(done_atom_v); },
          [=](caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

caf::result<bool> hold_chat(chat_registry_pointer self, int64_t user, int64_t chat) {
  auto& state = self->state;
  if (state.stopping)
    return fail(errc::shutting_down, "The server is stopping.");
  if (state.loading.contains({user, chat}) || state.removing.contains(chat) || state.held.contains(chat))
    return false;
  auto found = state.sessions.find(chat);
  if (found == state.sessions.end()) {
    state.held.insert(chat);
    end_kept_shell(self, chat);
    return true;
  }
  if (found->second.user_id != user || self->clock().now() - found->second.found_at <= handed_out_recently)
    return false;
  auto promise = self->make_response_promise<bool>();
  // A shell needs its session, and a viewer does: such a chat is in use.
  self->request(found->second.session, caf::infinite, passivate_atom_v, false)
    .then(
      [=](bool left) mutable {
        if (left) // whoever has a handle still asks for the chat once more, and does not find it
          self->state.held.insert(chat);
        promise.deliver(left);
      },
      [=](caf::error&) mutable { promise.deliver(false); }); // it ends at this moment, or cannot
  return promise;
}

} // namespace varro
