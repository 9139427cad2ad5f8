#include "base/trace.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <random>

namespace varro {

namespace {

std::mt19937_64& dice() {
  thread_local std::mt19937_64 engine = [] {
    std::random_device source;
    std::seed_seq seed{source(), source(), source(), source(), source(), source()};
    return std::mt19937_64{seed};
  }();
  return engine;
}

// Lower case only, as the specification wants it.
std::optional<uint64_t> read_hex(std::string_view text) {
  uint64_t number = 0;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && !(c >= 'a' && c <= 'f'))
      return std::nullopt;
    number = number << 4 | static_cast<uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
  }
  return number;
}

size_t bytes_of(const span_attribute& attribute) {
  size_t bytes = sizeof attribute;
  if (const auto* text = std::get_if<std::string>(&attribute.value))
    bytes += text->capacity();
  if (const auto* texts = std::get_if<std::vector<std::string>>(&attribute.value))
    for (const auto& text : *texts)
      bytes += sizeof text + text.capacity();
  return bytes;
}

} // namespace

uint64_t new_span_id() {
  uint64_t id = 0;
  while (id == 0)
    id = dice()();
  return id;
}

trace_id new_trace_id() {
  return {new_span_id(), new_span_id()};
}

std::string hex_of(const trace_id& id) {
  return to_hex(id.high) + to_hex(id.low);
}

std::string hex_of(uint64_t span) {
  return to_hex(span);
}

bool is_sampled(const trace_id& id, double share) {
  constexpr uint64_t random_bits = (uint64_t{1} << 56) - 1;
  constexpr int beyond_double = 3; // of 56 bits, the last ones, which it would round up
  constexpr double all = uint64_t{1} << 53;
  return static_cast<double>((id.low & random_bits) >> beyond_double) < share * all;
}

std::optional<trace_parent> parse_traceparent(std::string_view field) {
  constexpr size_t length = 55; // version-trace-parent-flags: 2 + 32 + 16 + 2 digits, and three hyphens
  if (field.size() < length || field[2] != '-' || field[35] != '-' || field[52] != '-')
    return std::nullopt;
  const auto version = read_hex(field.substr(0, 2)), high = read_hex(field.substr(3, 16)),
             low = read_hex(field.substr(19, 16)), span = read_hex(field.substr(36, 16)),
             flags = read_hex(field.substr(53, 2));
  if (!version || !high || !low || !span || !flags || *version == 0xff || (*high == 0 && *low == 0) || *span == 0)
    return std::nullopt;
  // A later version may say more after a further hyphen.
  if (field.size() > length && (*version == 0 || field[length] != '-'))
    return std::nullopt;
  return trace_parent{{*high, *low}, *span, (*flags & 1) != 0};
}

std::string attribute_text(std::string_view text) {
  return std::string{clip_utf8(text, attribute_bytes_max)};
}

size_t bytes_of(const run_trace& trace) {
  size_t bytes = sizeof trace + trace.about.model.capacity() + trace.about.provider.capacity();
  for (const auto& each : trace.spans) {
    bytes += sizeof each + each.target.capacity() + each.error.capacity();
    for (const auto& attribute : each.attributes)
      bytes += bytes_of(attribute);
  }
  return bytes;
}

} // namespace varro
