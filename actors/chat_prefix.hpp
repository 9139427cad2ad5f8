// What stands before a chat's first message in each request: the instructions and the tools as the chat began with
// them.
//
// A release or a configuration with other texts would change the beginning of every request of an old chat: the
// vendor's cache is lost, and thinking that is bound to its beginning is refused or dropped. Pure functions, any
// thread.
#pragma once

#include "actors/tools.hpp"
#include "config/config.hpp"
#include "storage/records.hpp"

namespace varro {

// That of a chat which begins now.
chat_prefix prefix_of_today(const agent_config& limits, const tool_list& tools);

// The tools as they are told to the model: those of the prefix that still exist.
std::vector<tool_definition> tool_texts_of(const chat_prefix& prefix, const tool_list& tools);

// Whether a chat that begins now would begin otherwise.
bool is_outdated(const chat_prefix& prefix, const agent_config& limits, const tool_list& tools);

} // namespace varro
