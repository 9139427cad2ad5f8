// Preserved thinking: what a thinking block's signature holds it to, and what happens when it comes back.
// https://platform.claude.com/docs/en/build-with-claude/preserved-thinking
//
// A signature made here carries the model, a mark of the shown text, marks of the system prompt, of the tools and of
// the messages before it, and a mark of the thinking block before it. Pure functions, any thread.
#pragma once

#include "bench/script.hpp"
#include "bench/wire.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace varro::bench {

inline constexpr std::string_view binding_beta = "thinking-binding-controls-2026-08-01";

// What stands before a block: grows as the request, then the response, is read from its beginning.
class thinking_prefix {
public:
  thinking_prefix() = default;                // of a model that binds nothing
  explicit thinking_prefix(const json& body); // its model, system prompt and tools

  // A block of a message. Thinking is no part of the prefix, but is remembered as the newest.
  void add(const std::string& role, const json& block);
  void keep(const std::string& signature) {
    newest_thinking_ = signature;
  }

  std::string signature(std::string_view model, std::string_view shown_text) const;

  enum class verdict { valid, forged, unreadable, bound_elsewhere };
  // `changed`: which part differs, when it is bound elsewhere.
  verdict judge(std::string_view model, const json& thinking, std::string& changed) const;

private:
  bool binds_ = false; // else nothing has to be known of what stands before
  uint64_t system_ = 0;
  uint64_t tools_ = 0;
  uint64_t messages_ = 0;
  std::string newest_thinking_;
};

// What the API does with the thinking blocks of a request that is fine otherwise: `problem` when it refuses it, else
// what it dropped, and the prefix of the response.
struct binding_outcome {
  std::optional<request_problem> problem;
  json transformations = json::array();
  thinking_prefix prefix;
};
binding_outcome check_binding(const json& body, std::string_view betas);

bool has_beta(std::string_view betas, std::string_view wanted); // in the values of anthropic-beta, joined by commas

} // namespace varro::bench
