// What the comparison of requests and answers (wire_replay.hpp) cannot see by itself. Each gives what is wrong, or "".
#pragma once

#include "tests/support/wire_replay.hpp"

#include <string>

namespace varro::test {

// Whether an answer of status 200 carries an error: an event, a chunk, or a whole body.
bool carries_error(const recorded_exchange& exchange);

// A decoding says either "answer" or "error", and the right one of them.
std::string decoding_fault(const recorded_exchange& exchange, const response_decoder::outcome& decoded);

// Marks of prompt caching are no part of what a request means, so they are not compared with those of the recording;
// but where they stand is what the price hangs on, and a wrong one is refused. Anthropic: at most four, on blocks that
// take one, the end of the system prompt and of the newest user message among them; every other wire of ours has none.
// https://platform.claude.com/docs/en/build-with-claude/prompt-caching
std::string cache_mark_fault(provider_kind kind, const json& body);

} // namespace varro::test
