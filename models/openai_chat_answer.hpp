// An answer of a chat completions server while it grows: its thinking, text and tool calls in the order of their first
// appearance.
#pragma once

#include "models/openai_chat_quirks.hpp"
#include "models/provider.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace varro::openai_chat {

inline constexpr size_t answer_parts_max = 10'000; // thinking parts and tool calls of one response

// Takes deltas and whole messages alike: both have the same fields. Not thread-safe.
class answer {
public:
  // `tools` are those that the model was offered: it may write their names in forms of its own.
  answer(const quirks& row, std::string provider_name, std::vector<tool_definition> tools);

  // A `delta` of a stream or the `message` of a whole body. False when it passed answer_parts_max.
  bool add(const json& delta, bool whole);

  // A call that the vendor reports in another place than tool_calls.
  void add_call(std::string tool_name, json args);
  void add_text(std::string_view text);

  bool has_content() const;
  bool has_calls() const;
  const std::string& refusal() const {
    return refusal_;
  }

  // The parts. Without `with_calls` tool calls are left out (an answer that broke off).
  std::vector<response_part> parts(bool with_calls) const;

private:
  struct thought {
    std::string key; // which deltas belong to it
    thinking_part part;
  };
  struct call {
    std::string id;
    std::string name;
    json args = nullptr;  // text as it arrived, or null when none did
    json extra = nullptr; // the vendor's `extra_content`, which goes back with the call
  };
  struct text_slot {}; // where text_ stands among the others
  using slot = std::variant<thought, call, text_slot>;

  void add_reasoning(const json& delta);
  bool add_reasoning_details(const json& delta, bool whole);
  void add_content(const json& content, bool whole);
  void add_content_item(const json& item, bool whole);
  void add_tool_calls(const json& calls);
  void add_tool_call(const json& delta);
  void think(const std::string& key, std::string_view text, const char* field);
  bool is_whole_object(const json& args);
  call& call_for(const json& delta, const std::string& id, const std::string& name);
  response_part call_part(const call& made) const;
  void append_text_parts(std::vector<response_part>& parts) const;

  const quirks& row_;
  std::string provider_;
  std::vector<tool_definition> tools_;
  std::vector<slot> slots_;
  std::unordered_map<std::string, size_t> thoughts_; // key → slot
  std::unordered_map<int64_t, size_t> calls_;        // the stream's index → slot
  size_t last_call_ = SIZE_MAX;
  size_t bytes_checked_ = 0; // of arguments, by is_whole_object()
  std::string text_;
  bool has_text_slot_ = false;
  bool whole_ = false;
  int reasoning_run_ = 0; // counts reasoning that other deltas interrupted
  bool in_reasoning_ = false;
  std::string refusal_;
};

} // namespace varro::openai_chat
