#include "http/work_class.hpp"

#include "base/text.hpp"
#include "http/bearer.hpp"
#include "http/form.hpp"
#include "http/guard.hpp"
#include "http/route.hpp"

#include <algorithm>

namespace varro {

work_class work_class_of(const received_request& request) {
  // As the router will read it, so that no other spelling of an address is cheaper.
  auto path = percent_decode(request.path(), false);
  const auto* found = path ? find_route(request.method, *path) : nullptr;
  auto work = found == nullptr ? route_work::usual : found->work;
  if (work == route_work::light)
    return {true, false, {}};
  auto costly = work == route_work::costly
    || (work == route_work::costly_search && !query_value(request, "q").value_or("").empty());
  auto token = bearer_of(request);
  if (token.empty() && !request.claimant.empty())
    return {false, costly, request.claimant};
  return {false, costly, std::string{token.empty() ? cookie(request, session_cookie) : token}};
}

work_shares shares_of(int workers) {
  return {std::max(1, workers * 3 / 4), std::max(1, workers / 2), std::max(1, workers / 4)};
}

} // namespace varro
