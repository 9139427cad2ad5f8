// Who may use a route, enforced in one place.
#pragma once

#include "http/application.hpp"
#include "http/route.hpp"

namespace varro {

// What answers the route after its rights were checked. The application must outlive it.
route_handler handler_of(application& app, const route& row);

} // namespace varro
