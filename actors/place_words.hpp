// A place in a queue, in words for the progress line.
#pragma once

#include "actors/fair_queue.hpp"

#include <string>

namespace varro {

std::string ordinal(int64_t number); // "3rd"

// "Waiting for a free place: 3rd of your own, 12 before it"; `what` is "place", "Python shell".
std::string place_words(const std::string& what, const fair_queue::place& place);

} // namespace varro
