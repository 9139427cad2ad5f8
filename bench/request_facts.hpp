// How the facts that rules look at are read from the body of each wire.
//
// Pure functions, any thread. Bodies were accepted by a validator, but are read as if any member might be missing.
#pragma once

#include "bench/script.hpp"

#include <string>

namespace varro::bench {

void read_anthropic(const json& body, request_facts& facts);
void read_openai(const json& body, request_facts& facts);
void read_responses(const json& body, request_facts& facts);
void read_google(const json& body, request_facts& facts); // its model and stream are in the path

// --- shared by them --------------------------------------------------------------------------------------------------

std::string string_at(const json& value, const char* key); // empty unless value is an object with such a string
const json& list_at(const json& value, const char* key);   // an empty list unless …
std::string text_of_content(const json& content);          // of a string, or a list of blocks with a `text`
void new_turn(request_facts& facts, std::string text);

// A tool's message cannot hold a picture on every wire: clients send it in a user message of its own, beginning so,
// which begins no turn.
bool is_file_message(const std::string& text);

} // namespace varro::bench
