#include "shell/machine_memory.hpp"

#include <fstream>
#include <string>

namespace varro {

machine_memory read_machine_memory() {
  constexpr size_t kib = 1024;
  machine_memory memory;
  std::ifstream file{"/proc/meminfo"};
  std::string name, unit;
  size_t number = 0;
  while (file >> name >> number) {
    if (name == "MemTotal:")
      memory.total_bytes = number * kib;
    else if (name == "MemAvailable:")
      memory.available_bytes = number * kib;
    std::getline(file, unit);
  }
  return memory;
}

} // namespace varro
