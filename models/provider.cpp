#include "models/provider.hpp"

#include "models/anthropic.hpp"
#include "models/openai_chat.hpp"

namespace varro {

namespace {

class anthropic_adapter final : public model_provider {
public:
  caf::expected<http_request> encode(const model_query& query) const override {
    return anthropic::encode(query);
  }
  std::unique_ptr<response_decoder> decoder(const model_query& query, int http_status,
                                            std::string_view) const override {
    return anthropic::make_decoder(query, http_status);
  }
};

class openai_chat_adapter final : public model_provider {
public:
  caf::expected<http_request> encode(const model_query& query) const override {
    return openai_chat::encode(query);
  }
  std::unique_ptr<response_decoder> decoder(const model_query& query, int http_status,
                                            std::string_view) const override {
    return openai_chat::make_decoder(query, http_status);
  }
};

} // namespace

const model_provider& anthropic_provider() {
  static const anthropic_adapter adapter;
  return adapter;
}

const model_provider& openai_chat_provider() {
  static const openai_chat_adapter adapter;
  return adapter;
}

const model_provider& provider_for(provider_kind kind) {
  return kind == provider_kind::anthropic ? anthropic_provider() : openai_chat_provider();
}

} // namespace varro
