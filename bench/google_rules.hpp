// The parts of what Google refuses that are not about the order of contents, in its words.
//
// Pure functions, any thread; all of them throw a request_problem for what is wrong.
#pragma once

#include "bench/validate.hpp"

#include <set>
#include <string>

namespace varro::bench {

[[noreturn]] void refuse_google(std::string message);

// `known` in camelCase; `where` as Google writes it: "contents[0].parts[1]", or empty for the request itself.
void refuse_unknown_fields(const json& value, const std::set<std::string>& known, const std::string& where);

void check_generation_config(const json& body, const std::string& model);
void check_google_tools(const json& body);
void check_inline_data(const json& blob, const std::string& where);
void check_thought_signature(const std::string& signature);

// What is said of a call that came back without its signature. `position` counts contents or messages from 1.
std::string missing_signature(const std::string& function, size_t position);

} // namespace varro::bench
