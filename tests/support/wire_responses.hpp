// What the judge of recordings (wire_replay.hpp) has to know of the Responses API: what an input means, and the history
// behind a recorded one.
#pragma once

#include "models/message.hpp"
#include "models/provider.hpp"

#include <string>
#include <vector>

namespace varro::test {

// The items of an `input`, without what means nothing or the same.
json canonical_input(const json& input);

// The rest of a canonical body: what only this wire has.
void canonical_responses_settings(json& body);

// Takes from our own canonical body what the recorded one need not have, because it changes nothing of the answer.
void forgive_additions(const json& recorded, json& ours);

// Whether an item is (a piece of) an answer.
bool is_answer_item(const json& item);

// The messages behind the items from `from` on. `vendor` made the answers.
void append_input(const json& input, size_t from, const std::string& vendor, message_history& history);

// Fills settings, tools and `extra` (what is copied) from a recorded body.
void take_responses_settings(const json& body, model_query& query, json& extra);

} // namespace varro::test
