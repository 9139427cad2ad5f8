// Keeps earlier states of the chats' files, and brings them back (workspace/versions.hpp).
//
// On a thread of its own, because it waits for the disk; the chats' requests are served one after the other.
#pragma once

#include "actors/interfaces.hpp"
#include "config/config.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <memory>

namespace varro {

// The files of chats that are in the database no more go; those of chats with greater ids than it has had stay. They
// are of chats that begin meanwhile, or that this database has never had.
struct known_chats {
  std::vector<int64_t> ids; // ascending
  int64_t greatest = 0;     // of all chats that there are or were
};

// `store`: where the sizes are kept; may be none.
workspace_keeper_actor::behavior_type workspace_keeper(workspace_keeper_actor::pointer self,
                                                       std::shared_ptr<const config> settings, known_chats known,
                                                       store_actor store);

// The greatest id under which files lie; 0: there are none. A crash may leave those of a chat whose first commit, or
// whose fork's, did not happen: no later chat may find them.
int64_t greatest_chat_with_files(const std::filesystem::path& data_dir);

// On a thread of its own, which first clears away what deleted chats have left. Ends by an exit message.
workspace_keeper_actor spawn_workspace_keeper(caf::actor_system& system, std::shared_ptr<const config> settings,
                                              known_chats known, store_actor store = {});

} // namespace varro
