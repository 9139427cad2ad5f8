#include "actors/chat_search.hpp"

#include "base/log.hpp"
#include "storage/limits.hpp"

namespace varro {

bool chat_search_state::catch_up() {
  auto all = index->catch_up(search_step_max);
  if (!all) {
    log(log_level::error, "the search index does not follow: " + text_of(all.error()));
    return true; // until something else happens
  }
  auto left = index->left();
  if (!told && left >= search_told_min)
    log(log_level::info, "search: looking at " + std::to_string(left) + " older texts, the newest first");
  if (told && left == 0)
    log(log_level::info, "search: all older texts are looked at");
  told = left > 0 && (told || left >= search_told_min);
  return *all;
}

chat_search_impl_actor::behavior_type chat_search(chat_search_impl_actor::stateful_pointer<chat_search_state> self,
                                                  std::unique_ptr<search_index> index) {
  self->state.index = std::move(index);
  self->send(self, tick_atom_v);
  return {
    [self](search_atom, const search_query& query) -> caf::result<search_found> {
      auto dropped = [&] { return query.dropped && query.dropped->load(); };
      if (dropped())
        return fail(errc::cancelled, "Another search took this one's place.");
      self->state.catch_up();
      auto found = self->state.index->search(query.user, query.text, query.limit, dropped);
      if (!found)
        return std::move(found.error());
      if (dropped())
        return fail(errc::cancelled, "Another search took this one's place.");
      return std::make_shared<const found_chats>(std::move(*found));
    },
    [self](renew_atom) -> caf::result<done_atom> {
      if (auto err = self->state.index->scrub())
        return err;
      return done_atom_v;
    },
    [self](tick_atom) {
      if (self->state.catch_up())
        self->delayed_send(self, search_follows_within, tick_atom_v);
      else
        self->send(self, tick_atom_v);
    },
  };
}

chat_search_impl_actor spawn_chat_search(caf::actor_system& system, std::unique_ptr<search_index> index) {
  return system.spawn<caf::detached>(chat_search, std::move(index));
}

} // namespace varro
