#include "http/api/once.hpp"

#include "base/clock.hpp"
#include "base/text.hpp"
#include "http/anonymous_forms.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <sodium.h>

namespace varro {

namespace {

constexpr std::string_view key_field = "idempotency-key";

void feed(crypto_hash_sha256_state& state, std::string_view text) {
  // With its length, so that no two lists of texts are one row of bytes.
  const auto size = std::to_string(text.size()) + ":";
  crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(size.data()), size.size());
  crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

// Members in the order of their names. No deeper than a request may be (requests.hpp).
void feed_json(crypto_hash_sha256_state& state, const json& value) {
  if (value.is_object()) {
    std::map<std::string_view, const json*> members;
    for (auto one = value.begin(); one != value.end(); ++one)
      members[one.key()] = &*one;
    feed(state, "object of " + std::to_string(members.size()));
    for (const auto& [name, member] : members) {
      feed(state, name);
      feed_json(state, *member);
    }
  } else if (value.is_array()) {
    feed(state, "array of " + std::to_string(value.size()));
    for (const auto& one : value)
      feed_json(state, one);
  } else if (const auto* text = value.get_ptr<const std::string*>()) {
    feed(state, "text");
    feed(state, *text);
  } else {
    feed(state, dump_json(value));
  }
}

std::optional<reply> known_outcome(application& app, const route_call& call, const idempotency_found& found,
                                   const std::string& fingerprint,
                                   const std::function<reply(const idempotent_outcome&)>& tell) {
  if (found.outcome && found.outcome->fingerprint != fingerprint)
    return app.error_reply(call.request, 422, "This Idempotency-Key came with another request before.");
  if (found.outcome) {
    auto answer = tell(*found.outcome);
    answer.headers.emplace_back("Idempotency-Replayed", "true");
    return answer;
  }
  if (found.keys < idempotency_keys_max)
    return std::nullopt;
  return with_retry_after(app.error_reply(call.request, 429,
                                          "There are " + std::to_string(idempotency_keys_max)
                                            + " requests with an Idempotency-Key of yours within "
                                            + std::to_string(idempotency_kept.count()) + " hours."),
                          std::chrono::hours{1});
}

} // namespace

std::optional<std::string> idempotency_key_of(const received_request& request) {
  if (!request.has_header(key_field))
    return std::string{};
  if (std::count_if(request.headers.begin(), request.headers.end(),
                    [](const header_field& each) { return each.name == key_field; })
      > 1)
    return std::nullopt;
  auto value = trim(request.header(key_field));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  const bool visible = std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (value.empty() || value.size() > idempotency_key_bytes_max || !visible
      || value.find_first_of("\"\\") != std::string_view::npos)
    return std::nullopt;
  return std::string{value};
}

std::string fingerprint_of(const received_request& request, const json& fields, const form& files) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  feed(state, request.method);
  feed(state, percent_decode(request.path(), false).value_or(""));
  feed_json(state, fields);
  for (const auto& [name, value] : files.fields) {
    feed(state, "field");
    feed(state, name);
    feed(state, value);
  }
  for (const auto& file : files.files) {
    feed(state, "file");
    feed(state, file.name);
    feed(state, file.bytes);
  }
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256_final(&state, digest.data());
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

reply once(application& app, const route_call& call, const visitor& who, const json& fields, const form& files,
           const std::function<carried_out(std::optional<idempotency_note>)>& carry_out,
           const std::function<reply(const idempotent_outcome&)>& tell) {
  auto answer = [&](const carried_out& result) {
    const auto* refused = std::get_if<refused_request>(&result);
    return refused != nullptr ? refused_reply(app, call, *refused) : tell(std::get<idempotent_outcome>(result));
  };
  const auto key = idempotency_key_of(call.request);
  if (!key)
    return app.error_reply(call.request, 400,
                           "The Idempotency-Key is to be 1 to " + std::to_string(idempotency_key_bytes_max)
                             + " visible characters of ASCII.");
  if (key->empty())
    return answer(carry_out(std::nullopt));
  auto pass = app.keys.enter(who.user.id, *key);
  if (!pass)
    return with_retry_after(
      app.error_reply(call.request, 409, "A request with this Idempotency-Key is under way. Ask again in a moment."),
      std::chrono::seconds{1});
  auto found = app.ask<idempotency_found>(app.services.reader, send_atom_v, who.user.id, *key);
  if (!found)
    return app.error_reply(call.request, found.error());
  auto fingerprint = fingerprint_of(call.request, fields, files);
  if (auto known = known_outcome(app, call, *found, fingerprint, tell))
    return std::move(*known);
  return answer(carry_out(idempotency_note{*key, std::move(fingerprint), now_us()}));
}

} // namespace varro
