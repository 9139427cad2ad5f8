#include "accounts/oidc_requests.hpp"

#include "base/text.hpp"

#include <future>

namespace varro {

namespace {

struct waiting {
  oidc_answer answer;
  std::promise<transport_end> end;
};

} // namespace

oidc_requests::oidc_requests(std::shared_ptr<http_transport> transport, std::chrono::milliseconds max)
  : transport_(std::move(transport)), max_(max) {}

caf::expected<oidc_answer> oidc_requests::send(http_request request) {
  auto shared = std::make_shared<waiting>();
  transport_limits limits;
  limits.connect_max = limits.first_byte_max = limits.silence_max = limits.total_max = max_;
  limits.response_bytes_max = oidc_answer_bytes_max;
  const auto address = request.url.substr(0, request.url.find('?'));
  auto ended = shared->end.get_future();
  http_transport::request_id id = 0;
  {
    std::lock_guard lock{mutex_};
    if (stopping_)
      return fail(errc::model_unreachable, address + " was not asked: the server stops");
    id = transport_->start(std::move(request), limits,
                           {[shared](int status, std::string_view) { shared->answer.status = status; },
                            [shared](std::string_view bytes) { shared->answer.body += bytes; },
                            [shared](const transport_end& end) { shared->end.set_value(end); }});
    open_.insert(id);
  }
  auto end = ended.get(); // the limits above end it
  {
    std::lock_guard lock{mutex_};
    open_.erase(id);
  }
  if (end.why != transport_end::reason::complete)
    return fail(errc::model_unreachable, address + " could not be asked: " + end.detail);
  return std::move(shared->answer);
}

void oidc_requests::stop() {
  std::lock_guard lock{mutex_};
  stopping_ = true;
  for (auto id : open_)
    transport_->cancel(id);
}

std::string form_body(const std::vector<std::pair<std::string_view, std::string_view>>& fields) {
  std::string body;
  for (const auto& [name, value] : fields) {
    body += body.empty() ? "" : "&";
    body += percent_encode(name) + "=" + percent_encode(value);
  }
  return body;
}

} // namespace varro
