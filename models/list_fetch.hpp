// Asks providers for their lists of models, all at once, page by page.
//
// Blocks its caller until each has answered, failed or used up its time; any thread but the transport's may call.
#pragma once

#include "models/listed_model.hpp"
#include "models/transport.hpp"

#include <chrono>
#include <functional>
#include <span>
#include <stop_token>

namespace varro {

struct list_limits {
  std::chrono::milliseconds connect_max{5'000};
  std::chrono::milliseconds page_max{10'000};  // one page
  std::chrono::milliseconds total_max{30'000}; // all pages of all providers
  size_t page_bytes_max = 8u << 20;
  int pages_max = 20; // of one provider
};

struct list_answer {
  const provider_config* provider = nullptr;
  int http_status = 0; // 0: no answer
  // errc::model_rejected, model_unreachable, model_malformed or cancelled; the words hold no key.
  caf::expected<std::vector<listed_model>> models{caf::error{}};
};

// Tells each answer as soon as it is there, on the caller's thread. A stop request ends what is open.
void fetch_lists(http_transport& transport, std::span<const provider_config> providers, const list_limits& limits,
                 std::stop_token stop, const std::function<void(list_answer&&)>& on_answer);

} // namespace varro
