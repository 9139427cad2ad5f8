#include "actors/supervisor.hpp"

#include "base/log.hpp"

namespace varro {

namespace {

using self_pointer = supervisor_actor::stateful_pointer<supervisor_state>;

template <class Actor>
void await_end(self_pointer self, const Actor& actor, const char* who) {
  self->monitor(actor);
  self->state.ending.emplace(actor.address(), who);
  self->state.progress->waits_for(who, "its end");
}

template <class Actor>
void end(self_pointer self, const Actor& actor, const char* who) {
  await_end(self, actor, who);
  self->send_exit(actor, caf::exit_reason::user_shutdown);
}

void close_the_rest(self_pointer self) {
  auto& actors = self->state.actors;
  // Streams got their last events through the gateway's mailbox, in order before this.
  await_end(self, actors.gateway, "the streams");
  self->send(actors.gateway, stop_atom_v);
  end(self, actors.models, "requests to models");
  end(self, actors.pictures, "pictures");
  end(self, actors.keeper, "the chats' files");
  end(self, actors.search, "the search");
  end(self, actors.allowances, "the limits of users");
  end(self, actors.reader, "the database, reading");
  if (actors.admin_reader)
    end(self, actors.admin_reader, "the database, reading for admins");
  end(self, actors.store, "the database, writing");
  actors = {};
}

void on_down(self_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  auto found = state.ending.find(down.source);
  if (found == state.ending.end())
    return;
  state.progress->is_done(found->second);
  state.ending.erase(found);
  if (!state.ending.empty())
    return;
  state.stopped.deliver(done_atom_v);
  self->quit();
}

// Asks an actor for its stop, and goes on whatever comes of it.
template <class Actor, class Continue>
void stop(self_pointer self, const Actor& actor, const char* who, Continue go_on) {
  self->state.progress->waits_for(who, "their end");
  auto stopped = [=] {
    self->state.progress->is_done(who);
    go_on();
  };
  self->request(actor, caf::infinite, stop_atom_v)
    .then([=](done_atom) { stopped(); },
          [=](caf::error& error) {
            log(log_level::error, std::string{who} + " could not be stopped: " + text_of(error));
            stopped();
          });
}

} // namespace

supervisor_actor::behavior_type supervisor(self_pointer self, supervised actors,
                                           std::shared_ptr<stop_progress> progress) {
  self->state.actors = std::move(actors);
  self->state.progress = std::move(progress);
  self->set_down_handler([=](const caf::down_msg& down) { on_down(self, down); });
  return {
    [=](stop_atom) -> caf::result<done_atom> {
      self->state.stopped = self->make_response_promise<done_atom>();
      const auto& first = self->state.actors;
      stop(self, first.registry, "the chats",
           [=] { stop(self, self->state.actors.shells, "the shells", [=] { close_the_rest(self); }); });
      return self->state.stopped;
    },
  };
}

} // namespace varro
