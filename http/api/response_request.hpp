// What a program asks for with POST /v1/responses, read out of its JSON. Pure functions, any thread.
//
// Source: openresponses.org, CreateResponseBody of schema/openapi.json (2026-04-24). What Varro cannot do as it is
// asked for is refused by its name and never left out in silence; values that ask for what Varro does anyway are taken,
// and so are hints that no answer depends on (user, prompt_cache_key…).
#pragma once

#include "base/json.hpp"
#include "http/form.hpp"
#include "render/response_values.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace varro {

// Why it is refused, as response_error_text() writes it.
struct response_refusal {
  int status = 400;
  std::string text;
  std::string param = {};
  std::string code = {};
};

// Of metadata, as OpenAI has it: pairs, and characters of a name and of a value.
inline constexpr size_t metadata_pairs_max = 16;
inline constexpr size_t metadata_name_max = 64;
inline constexpr size_t metadata_value_max = 512;

struct response_file {
  std::string name;
  std::string bytes;
};

struct response_request {
  std::string message; // the texts of the messages in their order, with an empty line between
  std::vector<response_file> files;
  std::string model;              // empty: the chat's, or the default one
  std::string effort;             // as send_request has it; empty: the chat's
  json metadata = json::object(); // texts by their names; empty: none
  bool stream = false;
  std::optional<response_place> previous;

  // Views of `files`; hold while this does.
  std::vector<form_file> uploads() const;
};

std::variant<response_request, response_refusal> read_response_request(const json& body);

} // namespace varro
