// Chat completions, as OpenAI made them and many others speak them: both halves of the adapter. Used through
// openai_chat_provider() of provider.hpp.
#pragma once

#include "models/provider.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace varro::openai_chat {

// The name that parts carry as their provider: the model's provider section, "openai" when it has none.
std::string provider_name(const model_config& model);

// The body of the request alone. REQUIRES: query.history is not null.
json encode_body(const model_query& query);

// POST of a body to a path below the model's base URL, with the key as its vendor wants it; for the Responses API too.
// REQUIRES: `body` has a member "stream".
http_request request_to(const model_config& model, std::string_view path, const json& body);

// See model_provider.
caf::expected<http_request> encode(const model_query& query);
std::unique_ptr<response_decoder> make_decoder(const model_query& query, int http_status);

} // namespace varro::openai_chat
