// Reading the fields of one JSON object into native values, with the first mistake remembered by its path.
//
// Internal to the message readers. A reading stops at its first failure: later calls leave their targets alone, so a
// reader asks for all its fields in a row and looks at `failed` once.
#pragma once

#include "base/errors.hpp"
#include "models/message.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace varro {

// Where a value stands in what is read; the text is only made when something is wrong.
struct json_place {
  const json_place* parent = nullptr;
  std::string_view key;             // of an object, or
  std::optional<size_t> index = {}; // of an array

  std::string text() const; // "[1].parts[0].content"
};

// What one call of message_from_json or messages_from_json shares.
struct message_reading {
  bool failed = false;
  std::string failure;

  // Ids made for calls of old histories that have none, by tool name, until their returns claim them in order.
  std::unordered_map<std::string, std::vector<std::string>> unclaimed_ids;

  void fail_at(const json_place& place, std::string_view expected);
  caf::error error() const;
};

class json_fields {
public:
  // REQUIRES: all three outlive this. A value that is no object fails the reading.
  json_fields(const json& value, const json_place& place, message_reading& reading);

  // The field, or nullptr when it is absent. The second form takes an older name of the same field.
  const json* find(std::string_view key) const;
  const json* find(std::string_view key, std::string_view older_key) const;

  bool has(std::string_view key) const {
    return find(key) != nullptr;
  }

  void text(std::string_view key, std::string& out); // required
  void text_or_null(std::string_view key, std::optional<std::string>& out, std::string_view older_key = {});
  void object_or_null(std::string_view key, json& out, std::string_view older_key = {});
  void any(std::string_view key, json& out); // null when absent
  void required_any(std::string_view key, json& out);
  void count(std::string_view key, int64_t& out, std::string_view older_key = {}); // 0 when absent
  void timestamp(std::string_view key, timestamp_text& out);                       // now when absent
  void timestamp_or_null(std::string_view key, timestamp_text& out);               // empty when absent or null
  void one_of(std::string_view key, std::string& out, std::initializer_list<std::string_view> allowed);

  // Fields that later releases added, as they are; null when none of them is there.
  void newer(std::initializer_list<std::string_view> keys, json& out);

  void fail_at(std::string_view key, std::string_view expected);

  const json& value() const {
    return *value_;
  }

  const json_place& place() const {
    return *place_;
  }

  message_reading& reading() const {
    return *reading_;
  }

private:
  const json* value_;
  const json_place* place_;
  message_reading* reading_;
};

// A whole number as pydantic takes it: an integer, a float or text without a fraction, or a boolean.
std::optional<int64_t> read_count(const json& value);

} // namespace varro
