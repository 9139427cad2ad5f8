// What a session changes of its chat beside its turns: the title, and what stands before its first message.
#include "actors/chat_parts.hpp"
#include "actors/chat_prefix.hpp"
#include "base/utf8.hpp"

namespace varro {

namespace {

constexpr size_t title_characters = 30;

} // namespace

std::string title_of(const std::string& text) {
  std::string title;
  size_t characters = 0;
  bool space = false;
  for (char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      space = !title.empty();
      continue;
    }
    if (!is_continuation(c)) {
      characters += space ? 2 : 1;
      if (characters > title_characters)
        break;
    }
    if (space)
      title += ' ';
    space = false;
    title += c;
  }
  return title;
}

caf::result<done_atom> renew_prefix(chat_session_pointer self) {
  auto& state = self->state;
  if (state.stopping)
    return stopping();
  if (busy(state))
    return run_is_on(state);
  auto prefix = prefix_of_today(state.services.settings->agent, state.services.tools);
  write_batch batch;
  batch.chat_id = state.history.chat().id;
  batch.user_id = state.history.chat().user_id;
  batch.prefix = prefix;
  state.starting = true;
  auto promise = self->make_response_promise<done_atom>();
  commit(
    self, std::move(batch),
    [=]() mutable {
      self->state.history.renew_prefix(prefix);
      promise.deliver(done_atom_v);
      end_start(self);
    },
    [=](const caf::error& error) mutable {
      promise.deliver(error);
      end_start(self);
    });
  return promise;
}

caf::result<done_atom> rename(chat_session_pointer self, const std::string& title) {
  auto& state = self->state;
  auto promise = self->make_response_promise<done_atom>();
  self
    ->request(state.services.store, caf::infinite, rename_atom_v, state.history.chat().user_id,
              state.history.chat().id, title)
    .then(
      [=](done_atom) mutable {
        self->state.history.rename(title);
        promise.deliver(done_atom_v);
      },
      [=](caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

} // namespace varro
