// What a request left out of a history that does not fit into the model's context, as the answer to it remembers.
//
// Pure functions, any thread.
#pragma once

#include "models/message.hpp"

#include <vector>

namespace varro {

// What was left out, for the page and for the next request's estimate. Kept in a response's metadata as "left_out".
struct left_out {
  int64_t results = 0;  // results of tools that are only their beginning now
  int64_t pictures = 0; // pictures and documents that are only named
  int64_t turns = 0;    // turns that are gone as a whole, from the first on

  bool any() const {
    return results != 0 || pictures != 0 || turns != 0;
  }
  bool operator==(const left_out&) const = default;
};

// In a response's metadata: what its request left out. `estimate` is what it was made of, in
// tokens as we count; `told` is what the user was told last; the page marks an answer
// only where turns more are missing, or twice as many results or pictures.
void note_left_out(const left_out& without, int64_t estimate, const left_out& told, json& metadata);
left_out left_out_of(const json& metadata);
bool marks_left_out(const json& metadata);
// What the user was told last in this history; nothing when the newest answer was made from all of it.
left_out told_left_out(const message_history& history);

} // namespace varro
