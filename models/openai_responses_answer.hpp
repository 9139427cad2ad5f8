// An answer of a Responses server while it grows: its reasoning, text, calls and the vendor's own tools, in the order
// of their first appearance, as pydantic-ai keeps them.
#pragma once

#include "models/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace varro::openai_responses {

inline constexpr size_t answer_parts_max = 10'000; // of one response
inline constexpr int64_t raw_pieces_max = 1'000;   // of one item's unencrypted reasoning

// Takes the events of a stream, or whole items. Not thread-safe.
class answer {
public:
  explicit answer(std::string provider_name);

  // The event of a stream; events that carry nothing for an answer are passed over. False when it passed
  // answer_parts_max.
  bool add_event(std::string_view type, const json& event);

  // The `output` of a whole response.
  bool add_output(const json& output);

  // The `output` that ends a stream: what the stream left out of it.
  bool complete_with(const json& output);

  bool has_content() const {
    return !slots_.empty() || refused_;
  }
  // What the model said instead of an answer; "" when it did not refuse.
  const std::string& refusal() const {
    return refusal_;
  }
  bool refused() const {
    return refused_;
  }

  // Without `with_calls` calls of any kind are left out (an answer that broke off).
  std::vector<response_part> parts(bool with_calls) const;

private:
  void add_whole(const json& item, const json& outputs);
  void add_message(const json& item);
  void add_reasoning(const json& item);
  void add_function_call(const json& item, const std::string& key);

  void begin_item(const json& event);
  void end_item(const json& event);
  void begin_vendor_item(const json& item, const std::string& key);
  void end_vendor_item(const json& item, const std::string& key);

  void take_text(const json& event);
  void end_text(const json& event);
  void take_arguments(const json& event, bool whole);
  void take_summary(const json& event, std::string_view text);
  void take_raw_reasoning(const json& event);
  void take_partial_picture(const json& event);
  void take_refusal(const json& event, bool whole);

  // The item that an event is about: some servers give an item another id with every event, or none.
  std::string key_of(const json& event) const;
  std::optional<std::string> id_of(const std::string& key) const;

  template <class Part>
  Part* find(const std::string& key);
  template <class Part>
  Part& slot(const std::string& key);
  thinking_part& thinking(const std::string& key, const std::string& item_key);
  void put(const std::string& key, response_part part);

  std::string provider_;
  std::vector<response_part> slots_;
  std::unordered_map<std::string, size_t> by_key_;
  std::unordered_map<int64_t, std::string> keys_by_index_; // the stream's output_index → key of the item
  std::unordered_set<std::string> items_;                  // keys of items that have begun
  std::unordered_map<std::string, std::string> phases_;    // by item
  std::string refusal_;
  bool refused_ = false;
  bool overflow_ = false;
};

} // namespace varro::openai_responses
