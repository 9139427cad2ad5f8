#include "actors/supervisor.hpp"

#include "base/log.hpp"

namespace varro {

namespace {

using self_pointer = supervisor_actor::stateful_pointer<supervisor_state>;
using stop_promise = caf::typed_response_promise<done_atom>;

void close_the_rest(self_pointer self, stop_promise promise) {
  auto& actors = self->state.actors;
  // Streams got their last events through the gateway's mailbox, in order before this.
  self->send(actors.gateway, stop_atom_v);
  self->send_exit(actors.models, caf::exit_reason::user_shutdown);
  self->send_exit(actors.pictures, caf::exit_reason::user_shutdown);
  self->send_exit(actors.keeper, caf::exit_reason::user_shutdown);
  self->send_exit(actors.search, caf::exit_reason::user_shutdown);
  self->send_exit(actors.reader, caf::exit_reason::user_shutdown);
  self->send_exit(actors.store, caf::exit_reason::user_shutdown);
  actors = {};
  promise.deliver(done_atom_v);
  self->quit();
}

void stop_shells(self_pointer self, stop_promise promise) {
  self->request(self->state.actors.shells, caf::infinite, stop_atom_v)
    .then([=](done_atom) { close_the_rest(self, promise); },
          [=](caf::error& error) {
            log(log_level::error, "shells could not be stopped: " + text_of(error));
            close_the_rest(self, promise);
          });
}

} // namespace

supervisor_actor::behavior_type supervisor(self_pointer self, supervised actors) {
  self->state.actors = std::move(actors);
  return {
    [=](stop_atom) -> caf::result<done_atom> {
      auto promise = self->make_response_promise<done_atom>();
      self->request(self->state.actors.registry, caf::infinite, stop_atom_v)
        .then([=](done_atom) { stop_shells(self, promise); },
              [=](caf::error& error) {
                log(log_level::error, "chats could not be stopped: " + text_of(error));
                stop_shells(self, promise);
              });
      return promise;
    },
  };
}

} // namespace varro
