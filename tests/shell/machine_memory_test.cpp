#include "shell/machine_memory.hpp"

#include <doctest/doctest.h>

using namespace varro;

TEST_CASE("this machine has memory, and no more of it is available than there is") {
  auto memory = read_machine_memory();
  CHECK(memory.total_bytes > 100u << 20);
  CHECK(memory.available_bytes > 0);
  CHECK(memory.available_bytes <= memory.total_bytes);
}
