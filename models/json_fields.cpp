#include "models/json_fields.hpp"

#include "models/message_json.hpp"
#include "models/timestamp.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>

namespace varro {

namespace {

const json& null_json() {
  static const json value = nullptr;
  return value;
}

} // namespace

std::string json_place::text() const {
  std::string path = parent ? parent->text() : std::string{};
  if (index)
    return path + '[' + std::to_string(*index) + ']';
  if (key.empty())
    return path;
  if (!path.empty())
    path += '.';
  return path.append(key);
}

void message_reading::fail_at(const json_place& place, std::string_view expected) {
  if (failed)
    return;
  failed = true;
  const auto path = place.text();
  failure = "Cannot read the message history: " + (path.empty() ? std::string{"it"} : path) + " should be "
    + std::string{expected} + ".";
}

caf::error message_reading::error() const {
  return fail(errc::invalid_input, failure);
}

json_fields::json_fields(const json& value, const json_place& place, message_reading& reading)
  : value_(value.is_object() ? &value : &null_json()), place_(&place), reading_(&reading) {
  if (!value.is_object())
    reading.fail_at(place, "an object");
}

const json* json_fields::find(std::string_view key) const {
  if (reading_->failed || !value_->is_object())
    return nullptr;
  const auto found = value_->find(std::string{key});
  return found == value_->end() ? nullptr : &*found;
}

const json* json_fields::find(std::string_view key, std::string_view older_key) const {
  if (const auto* found = find(key); found || older_key.empty())
    return found;
  return find(older_key);
}

void json_fields::fail_at(std::string_view key, std::string_view expected) {
  reading_->fail_at(json_place{place_, key}, expected);
}

void json_fields::text(std::string_view key, std::string& out) {
  const auto* field = find(key);
  if (field && field->is_string())
    out = field->get_ref<const std::string&>();
  else
    fail_at(key, "a string");
}

void json_fields::text_or_null(std::string_view key, std::optional<std::string>& out, std::string_view older_key) {
  const auto* field = find(key, older_key);
  if (!field || field->is_null())
    return;
  if (field->is_string())
    out = field->get_ref<const std::string&>();
  else
    fail_at(key, "a string or null");
}

void json_fields::object_or_null(std::string_view key, json& out, std::string_view older_key) {
  const auto* field = find(key, older_key);
  if (!field || field->is_null())
    return;
  if (field->is_object())
    out = *field;
  else
    fail_at(key, "an object or null");
}

void json_fields::any(std::string_view key, json& out) {
  if (const auto* field = find(key))
    out = *field;
}

void json_fields::required_any(std::string_view key, json& out) {
  if (const auto* field = find(key))
    out = *field;
  else
    fail_at(key, "present");
}

void json_fields::count(std::string_view key, int64_t& out, std::string_view older_key) {
  const auto* field = find(key, older_key);
  if (!field)
    return;
  if (const auto value = read_count(*field))
    out = *value;
  else
    fail_at(key, "a whole number of 64 bits");
}

void json_fields::timestamp(std::string_view key, timestamp_text& out) {
  const auto* field = find(key);
  if (!field) {
    if (!reading_->failed)
      out = timestamp_now();
  } else if (auto value = read_timestamp(*field)) {
    out = std::move(*value);
  } else {
    fail_at(key, "a timestamp");
  }
}

void json_fields::timestamp_or_null(std::string_view key, timestamp_text& out) {
  const auto* field = find(key);
  if (field && !field->is_null())
    timestamp(key, out);
}

void json_fields::one_of(std::string_view key, std::string& out, std::initializer_list<std::string_view> allowed) {
  const auto* field = find(key);
  if (!field)
    return;
  if (field->is_string()) {
    const auto& value = field->get_ref<const std::string&>();
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) {
      out = value;
      return;
    }
  }
  std::string expected = "one of";
  for (const auto name : allowed)
    expected.append(expected.back() == 'f' ? " " : ", ").append(name);
  fail_at(key, expected);
}

void json_fields::newer(std::initializer_list<std::string_view> keys, json& out) {
  for (const auto key : keys)
    if (const auto* field = find(key); field && !field->is_null()) {
      if (!out.is_object())
        out = json::object();
      out[std::string(key)] = *field;
    }
}

std::optional<int64_t> read_count(const json& value) {
  if (value.is_boolean())
    return value.get<bool>() ? 1 : 0;
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return std::nullopt;
  if (value.is_number_integer())
    return value.get<int64_t>();
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (!(std::abs(number) < 9.2e18) || number != std::floor(number))
      return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (!value.is_string())
    return std::nullopt;
  std::string_view text = value.get_ref<const std::string&>();
  if (!text.empty() && text.front() == '+')
    text.remove_prefix(1);
  int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

} // namespace varro
