// What is done by a command and needs no server, though one may run.
#pragma once

#include "config/command_line.hpp"
#include "config/config.hpp"

namespace varro {

// Does what the command line says with the data directory of the configuration, and returns the exit code. Not for the
// commands that main.cpp knows: serve, doctor, restore, and what only prints. Reads standard input, writes both
// outputs.
int run_command(const command_line& line, const config& settings);

} // namespace varro
