#include "actors/chat_parts.hpp"

#include <utility>

namespace varro {

namespace {

// Out of the supply where it has so many, else as the store's answer to `message`.
template <class... Ts>
waiting_step draw(chat_session_pointer self, id_supply& supply, int count, std::function<void(int64_t)> keep,
                  Ts... message) {
  return [=, &supply, keep = std::move(keep)](const continuation& then, const error_handler& otherwise) {
    if (auto first = supply.take(count)) {
      keep(*first);
      then();
      return;
    }
    self->request(self->state.services.store, caf::infinite, message...)
      .then(
        [=](int64_t drawn) {
          if (self->state.stopping) {
            otherwise(stopping());
            return;
          }
          keep(drawn);
          then();
        },
        [=](caf::error& error) { otherwise(error); });
  };
}

} // namespace

waiting_step draw_chat_id(chat_session_pointer self, std::function<void(int64_t)> keep) {
  return draw(self, self->state.services.ids->chats, 1, std::move(keep), draw_chat_atom_v);
}

waiting_step draw_run_ids(chat_session_pointer self, int count, std::function<void(int64_t)> keep) {
  return draw(self, self->state.services.ids->runs, count, std::move(keep), draw_runs_atom_v, count);
}

} // namespace varro
