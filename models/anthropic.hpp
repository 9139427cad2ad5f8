// The Messages API of Anthropic: both halves of its adapter. Used through anthropic_provider() of provider.hpp.
#pragma once

#include "models/provider.hpp"

#include <memory>
#include <string_view>

namespace varro::anthropic {

// The name that parts carry as their provider: the model's provider section, "anthropic" when it has none.
std::string provider_name(const model_config& model);

// The body of the request alone. REQUIRES: query.history is not null.
json encode_body(const model_query& query);

// Whether requests to this model bind thinking to its beginning and cannot ask that what no longer matches be dropped.
bool binds_without_controls(const model_config& model);

// See model_provider.
caf::expected<http_request> encode(const model_query& query);
std::unique_ptr<response_decoder> make_decoder(const model_query& query, int http_status);

} // namespace varro::anthropic
