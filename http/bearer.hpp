// Programs that say who they are with `Authorization: Bearer TOKEN` (RFC 6750), in every mode that knows users.
//
// A token is worth what its user is: one of a user who cannot log in by the present auth.mode is refused, and with
// --auth proxy so is every one that did not come by the proxy.
//
// The field decides alone: a request that has it is answered for its token or refused, whatever cookie or header of a
// proxy came with it, and is never taken for that of somebody else or of nobody. Another scheme ("Basic", of a proxy in
// front) is none of ours and is not looked at. No CSRF token is needed: a foreign page cannot send the field without
// being asked first (CORS), and nobody answers that.
#pragma once

#include "http/application.hpp"
#include "http/route.hpp"

#include <string_view>
#include <variant>

namespace varro {

bool has_bearer(const received_request& request);

// What stands behind "Bearer"; empty where there is none.
std::string_view bearer_of(const received_request& request);

// Whom the token stands for, if it is for a route with this scope; that it is used is noted. Else the refusal, which
// tells unknown, revoked and expired tokens and those of disabled users the same:
//   400 invalid_request     the field is there twice
//   401 invalid_token       with these, or 429 while the address has sent too many; a token that can be used works on.
//                           In other words where its user cannot log in by auth.mode, which the audit is told of
//   403                     past the proxy of --auth proxy: the token is not looked at
//   403 insufficient_scope  it is for something else, or its user is no admin any more
std::variant<visitor, reply> visitor_by_token(application& app, const received_request& request, route_scope needed);

} // namespace varro
