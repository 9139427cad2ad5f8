// What OpenAI's two wires refuse in the same words, and how the parts of their bodies are asked for.
//
// Pure functions, any thread; all of them refuse() what is wrong.
#pragma once

#include "bench/validate.hpp"

#include <set>
#include <string>
#include <vector>

namespace varro::bench {

// `where` is the place in the body that the message names: "input[2]".
void refuse_unknown(const json& value, const std::set<std::string>& known, const std::string& where);
[[noreturn]] void refuse_missing(const std::string& param);
[[noreturn]] void refuse_type(const std::string& param, const std::string& expected);
const json& needed(const json& value, const char* key, const std::string& where); // there, and not null
std::string needed_text(const json& value, const char* key, const std::string& where);

// An effort that the model does not know; `param` is the field's name. An empty effort is none.
void check_effort(const std::string& model, const std::string& effort, const std::string& param, bool responses_api);
// Temperature and top_p belong to models and efforts that do not reason.
void check_sampling(const json& body, const std::string& model, const std::string& effort);
// A picture in a data URL, or the address of one.
void check_image_url(const std::string& url, const std::string& param);
std::string quoted_words(const std::vector<std::string>& words); // "'a', 'b', and 'c'"

// The Responses API: the items of `input`, each alone and beside its neighbours. `stored`: the request says `store`.
void check_input_items(const json& input, bool stored);

} // namespace varro::bench
