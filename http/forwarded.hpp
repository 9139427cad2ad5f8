// What a trusted proxy says of the connection that it has to a visitor. Pure functions, any thread.
//
// Only X-Forwarded-For and X-Forwarded-Proto are read, and only of a connection from one of server.trusted_proxies. A
// proxy hands on what it does not set itself: a further field that says the same (Forwarded, X-Real-IP) would be the
// visitor's to choose. X-Forwarded-Host is not read: a proxy passes the Host, which has to be one of ours.
#pragma once

#include "base/address.hpp"
#include "http/exchange.hpp"

#include <span>
#include <string>
#include <string_view>

namespace varro {

// Proxies that a request may have come through. Of one with more the connection's address is taken.
inline constexpr int forwarded_hops_max = 16;

bool is_trusted(std::string_view connection, std::span<const address_range> trusted);

// The right-most address of X-Forwarded-For that is no trusted proxy, which the last trusted one has seen itself; what
// stands left of it is anybody's word, and is not looked at. The left-most, where all are trusted. That of the
// connection, where it is no trusted proxy's, or where what is looked at is no address.
std::string visitor_address(const received_request& request, std::string_view connection,
                            std::span<const address_range> trusted);

// Fills in the request what it says of its visitor: `peer`, which is the connection's address before, `by_proxy` and
// `https`.
void take_forwarded(received_request& request, std::span<const address_range> trusted);

} // namespace varro
