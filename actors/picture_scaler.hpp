// Fits the pictures and documents of histories to the models that they go to (pictures/picture_fit.hpp).
//
// What was found out about a file is kept by its contents, so that a request of a chat looks into new files only. Looks
// are done by picture_workers, a few at once; requests that wait for looks take turns, one look each. A look that fails
// is an answer about the file. Nothing is kept on disk: after a restart the files of a chat that goes on are looked at
// once more, some milliseconds each, with the same outcome.
#pragma once

#include "actors/interfaces.hpp"
#include "pictures/look_cache.hpp"
#include "pictures/picture_fit.hpp"
#include "pictures/picture_process.hpp"

#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace varro {

inline constexpr size_t look_cache_bytes_max = 128u << 20;
inline constexpr size_t picture_workers_max = 2; // looks at the same moment

// A history that is being fitted.
struct pending_fit {
  std::unique_ptr<picture_fit> fit;
  caf::typed_response_promise<message_list> promise;
  std::deque<std::pair<look_key, size_t /*file*/>> unasked; // looks that no worker has yet
  size_t missing = 0;                                       // looks of this round
};

struct picture_scaler_state {
  static inline const char* name = "picture_scaler";

  look_cache found{look_cache_bytes_max};
  std::map<int64_t, pending_fit> fits;
  int64_t last_fit = 0;
  std::deque<int64_t> turns; // fits with unasked looks; each takes one and goes to the end
  std::map<look_key, std::vector<std::pair<int64_t /*fit*/, size_t /*file*/>>> under_way;
  std::vector<picture_worker_actor> idle;
};

// Ends by an exit message, with its workers.
picture_scaler_actor::behavior_type picture_scaler(picture_scaler_actor::stateful_pointer<picture_scaler_state> self,
                                                   std::vector<picture_worker_actor> workers);

// One thread that waits for varro-pictures. `process` is also the scaler's, to be ended from there.
picture_worker_actor::behavior_type picture_worker(picture_worker_actor::pointer self,
                                                   std::shared_ptr<picture_process> process);

picture_scaler_actor spawn_picture_scaler(caf::actor_system& system);

} // namespace varro
