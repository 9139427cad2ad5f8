#include "models/provider.hpp"

#include "models/anthropic.hpp"
#include "models/google.hpp"
#include "models/openai_chat.hpp"
#include "models/openai_responses.hpp"

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

class openai_responses_adapter final : public model_provider {
public:
  caf::expected<http_request> encode(const model_query& query) const override {
    return openai_responses::encode(query);
  }
  std::unique_ptr<response_decoder> decoder(const model_query& query, int http_status,
                                            std::string_view) const override {
    return openai_responses::make_decoder(query, http_status);
  }
};

class google_adapter final : public model_provider {
public:
  caf::expected<http_request> encode(const model_query& query) const override {
    return google::encode(query);
  }
  std::unique_ptr<response_decoder> decoder(const model_query& query, int http_status,
                                            std::string_view) const override {
    return google::make_decoder(query, http_status);
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

const model_provider& openai_responses_provider() {
  static const openai_responses_adapter adapter;
  return adapter;
}

const model_provider& google_provider() {
  static const google_adapter adapter;
  return adapter;
}

const model_provider& provider_for(provider_kind kind) {
  switch (kind) {
  case provider_kind::anthropic:
    return anthropic_provider();
  case provider_kind::openai_responses:
    return openai_responses_provider();
  case provider_kind::google:
    return google_provider();
  case provider_kind::openai:
  case provider_kind::offline:
    break;
  }
  return openai_chat_provider();
}

} // namespace varro
