#include "storage/audit_chain.hpp"

#include "base/text.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace varro {

namespace {

constexpr std::string_view chain_format = "varro-audit-1";
constexpr size_t hash_digits = crypto_hash_sha256_BYTES * 2;

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

void add(std::string& to, std::string_view field) {
  to += std::to_string(field.size());
  to += ':';
  to += field;
}

void add(std::string& to, int64_t field) {
  add(to, std::string_view{std::to_string(field)});
}

std::string called(int64_t id, const audit_text& name) {
  if (name.text)
    return *name.text;
  return id == 0 ? std::string{} : "user " + std::to_string(id);
}

bool is_changed(const audit_text& text) {
  return text.text && audit_mark(text.salt, *text.text) != text.mark;
}

bool is_forgotten(const audit_text& text) {
  return !text.mark.empty() && !text.text;
}

} // namespace

std::string audit_mark(std::string_view salt, std::string_view text) {
  std::string both;
  add(both, salt);
  add(both, text);
  return sha256(both);
}

std::string audit_hash(const audit_row& row) {
  std::string all{chain_format};
  add(all, row.id);
  add(all, row.at);
  add(all, row.actor_id);
  add(all, row.actor.mark);
  add(all, row.way);
  add(all, row.address.mark);
  add(all, row.action);
  add(all, row.subject_id);
  add(all, row.subject_name.mark);
  add(all, row.subject);
  add(all, row.details);
  add(all, row.previous);
  return sha256(all);
}

std::string actor_of(const audit_row& row) {
  return called(row.actor_id, row.actor);
}

std::string subject_of(const audit_row& row) {
  auto name = called(row.subject_id, row.subject_name);
  return name.empty() ? row.subject : row.subject.empty() ? name : name + ", " + row.subject;
}

std::string to_text(const audit_head& head) {
  return std::to_string(head.id) + ":" + head.hash;
}

std::optional<audit_head> audit_head_from(std::string_view text) {
  auto colon = text.find(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  audit_head head{0, std::string{text.substr(colon + 1)}};
  const auto* digits_end = text.data() + colon;
  const auto [end, problem] = std::from_chars(text.data(), digits_end, head.id);
  auto is_hex = [](char c) { return hex_value(c) >= 0 && (c < 'A' || c > 'F'); };
  if (problem != std::errc{} || end != digits_end || head.id < 0 || head.hash.size() != hash_digits
      || !std::all_of(head.hash.begin(), head.hash.end(), is_hex))
    return std::nullopt;
  return head;
}

std::string audit_walk::fault_of(const audit_row& row) {
  const auto number = "row " + std::to_string(row.id);
  if (row.id != head_.id + 1)
    return "row " + std::to_string(head_.id + 1) + " is missing: " + number + " comes "
      + (head_.id == 0 ? "first" : "after row " + std::to_string(head_.id));
  if (row.hash != audit_hash(row))
    return number + " was changed: its hash does not fit what it says";
  if (row.previous != head_.hash)
    return number + " does not follow the row before it: that one was changed with its hash, or rows changed places";
  for (const auto* text : {&row.actor, &row.address, &row.subject_name}) {
    if (is_changed(*text))
      return number + " names somebody else or another address than it did: its text was changed";
    if (is_forgotten(*text))
      ++forgotten_;
  }
  head_ = {row.id, row.hash};
  return {};
}

} // namespace varro
