// The Responses API of OpenAI, which others speak too: both halves of its adapter. Used through
// openai_responses_provider() of provider.hpp.
#pragma once

#include "models/provider.hpp"

#include <memory>
#include <string>

namespace varro::openai_responses {

// The name that parts carry as their provider: the model's provider section, "openai" when it has none.
std::string provider_name(const model_config& model);

// The body of the request alone. REQUIRES: query.history is not null.
json encode_body(const model_query& query);

// See model_provider.
caf::expected<http_request> encode(const model_query& query);
std::unique_ptr<response_decoder> make_decoder(const model_query& query, int http_status);

} // namespace varro::openai_responses
