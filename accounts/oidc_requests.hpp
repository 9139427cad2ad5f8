// Requests to a provider of OpenID Connect: bounded in time and size, without redirects. Any thread.
#pragma once

#include "models/transport.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro {

// Of one answer, of whatever kind.
inline constexpr size_t oidc_answer_bytes_max = 512u << 10;

struct oidc_answer {
  int status = 0;
  std::string body;
};

class oidc_requests {
public:
  // No request takes longer than `max`.
  oidc_requests(std::shared_ptr<http_transport> transport, std::chrono::milliseconds max);

  // Waits for the whole answer. errc::model_unreachable: there was none, or the server stops. REQUIRES: this is none of
  // the transport's callbacks.
  caf::expected<oidc_answer> send(http_request request);
  // Ends those that are under way, and all further ones.
  void stop();

private:
  std::shared_ptr<http_transport> transport_;
  const std::chrono::milliseconds max_;
  std::mutex mutex_;
  std::set<http_transport::request_id> open_; // GUARDED_BY(mutex_)
  bool stopping_ = false;                     // GUARDED_BY(mutex_)
};

// "a=1&b=2%203".
std::string form_body(const std::vector<std::pair<std::string_view, std::string_view>>& fields);

} // namespace varro
