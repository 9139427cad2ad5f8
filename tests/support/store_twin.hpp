// The store in the tests of sessions: it keeps batches, counts ids, fails and waits as its log says.
#pragma once

#include "tests/support/actor_world.hpp"

#include <memory>

namespace varro::test {

fake_store_actor::behavior_type fake_store(fake_store_actor::pointer self, std::shared_ptr<world_log> log);

} // namespace varro::test
