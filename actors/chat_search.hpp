// chat_search: searches, and keeps the index that they use up to date.
//
// On a thread of its own, because both take time. Before each search the index is brought up to date, which is little
// unless many texts have come or an old database is looked at for the first time; that goes on in steps of
// search_step_max, between which searches have their turn, and the log says when it begins and ends.
#pragma once

#include "actors/interfaces.hpp"
#include "storage/search_index.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>

namespace varro {

// How soon the index follows a change that no search asks for, such as a chat's end.
inline constexpr std::chrono::seconds search_follows_within{1};

// Changes from which on the log tells of it.
inline constexpr int64_t search_told_min = 10'000;

// What chat_search hears besides its interface.
using chat_search_impl_actor = chat_search_actor::extend<
  // Writes the index anew, so that it holds nothing of texts that are gone; searches wait. From eraser.
  caf::replies_to<renew_atom>::with<done_atom>>;

struct chat_search_state {
  static inline const char* name = "chat_search";

  std::unique_ptr<search_index> index;
  bool told = false; // in the log, that old texts are looked at

  // False: something is left.
  bool catch_up();
};

// REQUIRES: an index that nobody else uses.
chat_search_impl_actor::behavior_type chat_search(chat_search_impl_actor::stateful_pointer<chat_search_state> self,
                                                  std::unique_ptr<search_index> index);

// On a thread of its own. Ends by an exit message.
chat_search_impl_actor spawn_chat_search(caf::actor_system& system, std::unique_ptr<search_index> index);

} // namespace varro
