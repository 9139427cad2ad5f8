// store: the one writer of the database. store_reader: its reads, from a connection of its own.
//
// Both live on threads of their own, because a database waits for the disk. store answers a write when it is fsynced.
// Writes that are queued together are one transaction with one fsync: the first one opens the group and sends `flush`
// to itself; what was in the mailbox by then joins, because the mailbox is first in, first out. A write that fails
// answers its own error and takes no other with it; a commit that fails (disk full) is the answer to every write of its
// group.
//
// Ids of chats and runs are drawn ahead (id_supply.hpp), with the transaction of a group: a turn needs no commit but
// its own. The first blocks are drawn when the actor starts. Who finds none in the supplies asks here.
#pragma once

#include "actors/id_supply.hpp"
#include "actors/interfaces.hpp"
#include "storage/chat_database.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <memory>
#include <vector>

namespace varro {

// Writes of one transaction; the group is committed without waiting for more when it has this many.
inline constexpr size_t store_group_writes_max = 512;

// What store hears besides its interface.
using store_impl_actor = store_actor::extend_with<token_writer_actor>::extend<
  // Commits the open group. From itself.
  caf::reacts_to<flush_atom>,
  // Writes the file anew, so that it holds nothing of rows that are gone; other writes wait. From eraser.
  caf::replies_to<renew_atom>::with<done_atom>>;

struct store_state {
  static inline const char* name = "store";

  using done_promise = caf::typed_response_promise<done_atom>;

  store_impl_actor::pointer self = nullptr;
  std::unique_ptr<chat_database> db;
  std::vector<store_write> group;     // what the next transaction writes
  std::vector<done_promise> promises; // the answer to each
  std::shared_ptr<id_supplies> ids;

  // Joins the open group, which is opened if there is none.
  done_promise write(store_write one);
  // So many ids in a row: at once, or with the open group.
  caf::result<int64_t> draw(id_supply& supply, int64_t count);
  // Draws the first blocks. Where that fails, who asks for ids is told.
  void draw_ahead();
  // Commits the open group and answers its writes and draws; nothing if there is none.
  void flush();

private:
  bool is_open() const;
  void open();
  ids_wanted wanted() const;
  void take_drawn(const caf::expected<drawn_ids>& drawn);
};

// REQUIRES: a database that nobody else uses, and supplies that nobody else fills.
store_impl_actor::behavior_type store(store_impl_actor::stateful_pointer<store_state> self,
                                      std::unique_ptr<chat_database> db, std::shared_ptr<id_supplies> ids);

// What store_reader answers besides its interface.
using store_reader_impl_actor = store_reader_actor::extend_with<token_reader_actor>;

struct store_reader_state {
  static inline const char* name = "store_reader";

  std::unique_ptr<chat_reader> db;
};

// REQUIRES: a reader of its own, of the same database.
store_reader_impl_actor::behavior_type store_reader(store_reader_impl_actor::stateful_pointer<store_reader_state> self,
                                                    std::unique_ptr<chat_reader> db);

// On a thread of its own. Ends by an exit message: what is written is committed and answered first.
store_impl_actor spawn_store(caf::actor_system& system, std::unique_ptr<chat_database> db,
                             std::shared_ptr<id_supplies> ids = std::make_shared<id_supplies>());
store_reader_actor spawn_store_reader(caf::actor_system& system, std::unique_ptr<chat_reader> db);
// Their roles for tokens. REQUIRES: an actor that the functions above made.
token_writer_actor token_writer_of(const store_actor& from);
token_reader_actor token_reader_of(const store_reader_actor& from);

} // namespace varro
