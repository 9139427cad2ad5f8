// Visitors of --auth proxy: each request says again who sends it, in header fields that a trusted proxy sets.
//
// There is no cookie. What is said of somebody is bound to a row of `logins` (identity_login): a request whose row is
// there needs no more; another one writes what is said and makes the row anew, with the token for forms of the one
// before. So a request of somebody else, or one that says something else, is never taken for the one before.
#pragma once

#include "accounts/identity.hpp"
#include "http/application.hpp"

namespace varro {

// What the header fields say. errc::unauthorized where it is not sure who is meant: no user, a field twice, one that is
// spelt with '_', a user or mail with a comma (which is how two fields are joined). REQUIRES: a trusted proxy sent it.
caf::expected<identity> identity_of(const received_request& request, const proxy_config& settings);

// What somebody is told whose request did not come by the proxy.
std::string past_proxy_words(const received_request& request);

// By which visitor a request is told apart from others before anybody knows who it is; empty where nothing says so.
std::string claimed_visitor(const received_request& request, const config& settings);

// errc::unauthorized: nobody whom this server lets in. Writes only what has changed.
caf::expected<visitor> visitor_by_proxy(const application& app, const received_request& request);

} // namespace varro
