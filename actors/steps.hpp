// What takes several steps, each of which may have to wait for somebody: written as a list instead of as callbacks in
// callbacks. Values, for the one actor whose handlers the continuations are.
#pragma once

#include <caf/error.hpp>

#include <functional>
#include <vector>

namespace varro {

using continuation = std::function<void()>;
using error_handler = std::function<void(const caf::error&)>;

// Does its part and calls exactly one of these once, at once or later.
using waiting_step = std::function<void(continuation then, error_handler otherwise)>;

// Takes the steps one after the other, then `then`. The first that fails is the last one.
void take_steps(std::vector<waiting_step> steps, continuation then, error_handler otherwise);

} // namespace varro
