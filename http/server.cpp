#include "http/server.hpp"

#include "accounts/links.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "config/proxy_checks.hpp"
#include "http/application.hpp"
#include "http/forwarded.hpp"
#include "http/front.hpp"
#include "http/guard.hpp"
#include "http/oidc_rechecks.hpp"
#include "http/proxied_visitor.hpp"
#include "http/request_id.hpp"
#include "http/route.hpp"
#include "http/route_rights.hpp"
#include "http/router.hpp"

namespace varro {

struct http_server::impl {
  explicit impl(http_services services)
    : app(std::move(services)), proxies(trusted_ranges(app.settings.server)),
      front(
        app.settings.server, [this](received_request&& request) { return answer(std::move(request)); },
        [this](received_request& request) {
          take_forwarded(request, proxies);
          request.id = request_id_of(request);
          request.received_at = std::chrono::steady_clock::now();
          request.claimant = claimed_visitor(request, app.settings);
        }) {
    routes.before([this](const received_request& request) -> std::optional<reply> {
      if (auto refused = check_request(request, app.settings.server))
        return app.error_reply(request, refused->status, refused->text);
      return std::nullopt;
    });
    routes.on_error([this](const received_request& request, int status, std::string_view text) {
      return app.error_reply(request, status, text);
    });
    for (const auto& row : all_routes())
      routes.add(row.method, row.path, handler_of(app, row));
    if (app.oidc)
      rechecks.emplace(*app.oidc, app.settings.oidc);
    app.open_connections = [this] { return front.connections(); };
  }

  composed_response answer(received_request&& request) {
    const log_scope scope{request.id};
    const auto begin = std::chrono::steady_clock::now();
    const bool is_told = app.settings_now()->log_requests;
    const auto asked = is_told ? asked_in_words(request) : std::string{};
    auto response = routes.handle(std::move(request));
    // "HTTP/1.1 200 OK"
    auto status
      = response.bytes.size() > 12 ? parse_number(std::string_view{response.bytes}.substr(9, 3)) : std::nullopt;
    ++app.counts.by_status[static_cast<size_t>(status.value_or(0)) % app.counts.by_status.size()];
    if (is_told) {
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
      log(log_level::info, asked,
          {.more = {{"status", std::to_string(status.value_or(0))}, {"ms", std::to_string(took.count())}}});
    }
    return response;
  }

  // "POST /chat/{chat}/edit": the row of the table, because an address may hold names, words that are looked for, and
  // links that are as good as a password.
  static std::string asked_in_words(const received_request& request) {
    const auto path = percent_decode(request.path(), false);
    const auto* row = path ? find_route(request.method, *path) : nullptr;
    return row == nullptr ? std::string{"an address that is not there"} : request.method + " " + std::string{row->path};
  }

  application app;
  std::optional<oidc_rechecks> rechecks; // of --auth oidc
  router routes;
  const std::vector<address_range> proxies;
  http_front front; // the last member: its threads use the others
};

http_server::http_server(http_services services) : impl_(std::make_unique<impl>(std::move(services))) {}

http_server::~http_server() = default;

caf::expected<uint16_t> http_server::bind() {
  const auto& settings = impl_->app.settings;
  if (auto problem = proxy_problem(settings))
    return fail(errc::config_invalid, std::string{problem->path} + ": " + problem->what);
  if (settings.auth.mode == auth_mode::local && !is_loopback(settings.server.host))
    return fail(errc::config_invalid,
                "Without accounts Varro listens on a loopback address only, and " + settings.server.host
                  + " is not one. Use --auth accounts, or --listen 127.0.0.1:PORT.");
  auto port = impl_->front.bind();
  if (port)
    impl_->app.address = server_address(settings.server, *port);
  return port;
}

void http_server::start() {
  impl_->front.start();
  if (impl_->rechecks)
    impl_->rechecks->start();
}

void http_server::stop() {
  if (impl_->app.oidc)
    impl_->app.oidc->client.stop(); // nobody waits for the provider any more
  if (impl_->rechecks)
    impl_->rechecks->stop();
  impl_->front.stop();
}

} // namespace varro
