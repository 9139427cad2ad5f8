// Timestamps as pydantic-ai reads and prints them.
#pragma once

#include "models/message.hpp"

#include <optional>

namespace varro {

// Reads RFC 3339 text (also without seconds or zone, or a date alone) and epoch numbers or numeric texts (seconds;
// beyond ±2e10 milliseconds), and gives the form that is written: "Z" for UTC, other offsets as "+05:30", no zone for a
// naive time, six fraction digits or none. nullopt when it is none of these.
std::optional<timestamp_text> read_timestamp(const json& value);

// Now, in the form that pydantic-ai writes (UTC, six fraction digits, "Z").
timestamp_text timestamp_now();

} // namespace varro
