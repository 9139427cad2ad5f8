// Histories behind recorded requests: a vendor's messages turned back into ours. Part of wire_replay.
#pragma once

#include "tests/support/wire_replay.hpp"

namespace varro::test {

// What the request of exchange `index` was made from: answers of earlier exchanges as we decode them, the rest as the
// recorded messages say it. Instructions go to `instructions`.
std::vector<message> history_for(const recording& file, size_t index, std::string& instructions);

bool is_blank_text(const std::string& text);

} // namespace varro::test
