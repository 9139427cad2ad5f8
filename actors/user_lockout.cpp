#include "actors/user_lockout.hpp"

#include "actors/live_shell.hpp"
#include "storage/admin_question.hpp"

#include <algorithm>
#include <set>
#include <variant>
#include <vector>

namespace varro {

namespace {

using self_pointer = user_lockout_actor::stateful_pointer<user_lockout_state>;

void look_later(self_pointer self) {
  self->delayed_send(user_lockout_actor{self}, lockouts_looked_for, tick_atom_v);
}

// One that is over by now is no error, nor one that is being ended already.
void stop_runs(self_pointer self, const std::set<int64_t>& users) {
  for (const auto& run : self->state.parts.live->list())
    if (users.contains(run.user))
      self->request(self->state.parts.registry, caf::infinite, find_atom_v, run.user, run.chat)
        .then(
          [=](const chat_session_actor& chat) {
            self->request(chat, caf::infinite, cancel_atom_v).then([](done_atom) {}, [](caf::error&) {});
          },
          [](caf::error&) {});
}

void close_shells(self_pointer self, const std::set<int64_t>& users, const std::vector<live_shell>& shells) {
  for (const auto& shell : shells)
    if (users.contains(shell.user))
      self->send(self->state.parts.shells, close_atom_v, shell.chat);
}

void look(self_pointer self, const live_shells& shells) {
  const auto living = shells ? *shells : std::vector<live_shell>{};
  std::set<int64_t> users;
  for (const auto& run : self->state.parts.live->list())
    users.insert(run.user);
  for (const auto& shell : living)
    if (shell.user != 0)
      users.insert(shell.user);
  if (users.empty()) {
    look_later(self);
    return;
  }
  auto question
    = std::make_shared<const admin_question>(admin_question{locked_out_question{{users.begin(), users.end()}}});
  self->request(self->state.parts.reader, caf::infinite, admin_atom_v, admin_question_ptr{std::move(question)})
    .then(
      [=](const admin_answer_ptr& answer) {
        const auto& found = std::get<std::vector<int64_t>>(answer->what);
        const std::set<int64_t> locked_out{found.begin(), found.end()};
        stop_runs(self, locked_out); // first, so that none of them is told that its shell was lost
        close_shells(self, locked_out, living);
        look_later(self);
      },
      [=](caf::error&) { look_later(self); }); // the database cannot be read at the moment
}

} // namespace

user_lockout_actor::behavior_type user_lockout(self_pointer self, user_lockout_parts parts) {
  self->state.parts = std::move(parts);
  look_later(self);
  return {
    [=](tick_atom) {
      self->request(self->state.parts.shells, caf::infinite, list_atom_v)
        .then([=](const live_shells& shells) { look(self, shells); }, [=](caf::error&) { look(self, nullptr); });
    },
  };
}

} // namespace varro
