// What the reader of the next cell should know about the namespace of a shell that was started. Any thread.
#pragma once

#include "actors/type_ids.hpp"

namespace varro {

// How the note begins that says that nothing has the variables of the earlier cells.
inline constexpr std::string_view variables_gone = "[The variables of this session are gone";

// It could not be restored.
std::string gone_note(size_t cells, const std::string& why);

// It comes from a snapshot, after which so many cells have run.
std::string woken_note(const snapshot_restored& restored, size_t later_cells);

// The recorded cells were run again.
std::string rerun_note(size_t cells, size_t failed);

} // namespace varro
