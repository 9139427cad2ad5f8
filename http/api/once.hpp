// Requests with an Idempotency-Key: the same key of the same user carries its request out once
// (draft-ietf-httpapi-idempotency-key-header).
//
// What was committed is in the database (storage/idempotency.hpp); what is under way in this process is in
// keys_under_way.hpp. Any worker.
#pragma once

#include "http/api/answers.hpp"

#include <functional>
#include <optional>
#include <string>

namespace varro {

// The field's value, as the draft writes it ("in quotes") or bare. Empty: there is none. nullopt: it is no key.
std::optional<std::string> idempotency_key_of(const received_request& request);

// SHA-256 in hex of what is asked for: method, path and the body's meaning, of which the order of an object's members
// and the boundaries of a form are no part.
std::string fingerprint_of(const received_request& request, const json& fields, const form& files);

// Carries a request out, or tells again what came of it:
//   400 the key is none; 409 the same request is under way; 422 the key was another request's; 429 too many keys.
// `carry_out` gets the note to commit with what it does, and answers with its outcome. `tell` makes the answer of an
// outcome, so that it is the same each time.
using carried_out = or_refused<idempotent_outcome>;
reply once(application& app, const route_call& call, const visitor& who, const json& fields, const form& files,
           const std::function<carried_out(std::optional<idempotency_note>)>& carry_out,
           const std::function<reply(const idempotent_outcome&)>& tell);

} // namespace varro
