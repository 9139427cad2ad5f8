// What the vendors would refuse: a request is checked as strictly as their servers do, with their words, so that a
// history which they would not accept is caught here.
//
// Pure functions, any thread.
#pragma once

#include "bench/http_reader.hpp"
#include "bench/script.hpp"
#include "bench/wire.hpp"

#include <optional>
#include <string>

namespace varro::bench {

struct validation {
  std::string key;            // the key that must come with a request; empty: any (Anthropic), any or none (OpenAI)
  bool strict_roles = false;  // roles must alternate, as some compatible servers and gateways insist
  int64_t context_tokens = 0; // more are refused; 0: any number
  bool allow_paused = false;  // a history may end with a response: one that had paused (`pause_turn`)
};

std::optional<request_problem> check_headers(vendor api, const http_head& head, const validation& how);
// `betas`: the values of anthropic-beta, joined by commas. `outcome`: what became of thinking blocks, if it is
// accepted.
std::optional<request_problem> check_anthropic(const json& body, const validation& how, std::string_view betas = {},
                                               binding_outcome* outcome = nullptr);
std::optional<request_problem> check_openai(const json& body, const validation& how);
std::optional<request_problem> check_responses(const json& body, const validation& how);
std::optional<request_problem> check_google(const json& body, const std::string& model, const validation& how);

// --- shared by the wires ---------------------------------------------------------------------------------------------

// Throws nothing out of its file: validators stop at the first problem by throwing one to their own entry function.
[[noreturn]] void refuse(std::string message, std::string param = "", std::string code = "");

const json* member(const json& value, const char* key); // null unless value is an object that has it
std::string member_text(const json& value, const char* key);
bool is_true(const json& value, const char* key); // the member is there and is the boolean true
bool is_tool_name(const std::string& name, size_t length_max);

} // namespace varro::bench
