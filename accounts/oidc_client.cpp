#include "accounts/oidc_client.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"

namespace varro {

namespace {

http_request get(const std::string& url) {
  http_request request;
  request.method = "GET";
  request.url = url;
  request.headers = {{"Accept", "application/json"}};
  return request;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words)
    text += (text.empty() ? "" : " ") + word;
  return text;
}

// The address with further fields of its query.
std::string with_query(const std::string& address,
                       const std::vector<std::pair<std::string_view, std::string_view>>& fields) {
  return address + (address.find('?') == std::string::npos ? "?" : "&") + form_body(fields);
}

} // namespace

oidc_client::oidc_client(std::shared_ptr<http_transport> transport, const oidc_config& settings)
  : settings_(settings), requests_(std::move(transport), settings.request_max) {}

void oidc_client::stop() {
  requests_.stop();
}

template <class T, class Read>
caf::expected<T> oidc_client::fetch(fetched<T>& known, clock::duration age_max, const std::string& url,
                                    const char* what, Read read) {
  std::lock_guard only_one{fetching_};
  {
    std::lock_guard lock{known_};
    const auto now = clock::now();
    if (known.value && now - known.at < age_max)
      return *known.value;
    if (known.failure && now - known.failed_at < oidc_failure_max)
      return known.failure;
  }
  auto answer = requests_.send(get(url));
  caf::expected<T> made{caf::error{}};
  if (!answer)
    made = answer.error();
  else if (answer->status != 200)
    made = fail(errc::model_unreachable,
                "the login provider answers " + std::to_string(answer->status) + " instead of " + what);
  else
    made = read(answer->body);
  std::lock_guard lock{known_};
  if (made) {
    known.value = *made;
    known.at = clock::now();
    known.failure = caf::none;
  } else {
    known.failure = made.error();
    known.failed_at = clock::now();
  }
  return made;
}

caf::expected<oidc_endpoints> oidc_client::provider() {
  return fetch(endpoints_, oidc_description_max, discovery_address(settings_.issuer), "a description of itself",
               [this](const std::string& body) { return read_discovery(body, settings_); });
}

caf::expected<std::shared_ptr<const oidc_keys>> oidc_client::keys(const oidc_endpoints& at, bool anew) {
  const auto age_max = anew ? clock::duration{oidc_keys_retry} : clock::duration{oidc_keys_age_max};
  return fetch(keys_, age_max, at.keys, "its keys",
               [](const std::string& body) -> caf::expected<std::shared_ptr<const oidc_keys>> {
                 auto read = oidc_keys::read(body);
                 if (!read)
                   return std::move(read.error());
                 return std::make_shared<const oidc_keys>(std::move(*read));
               });
}

caf::expected<verified_token> oidc_client::verify(const oidc_endpoints& at, std::string_view token) {
  const auto began = clock::now();
  for (bool anew : {false, true}) {
    auto known = keys(at, anew);
    if (!known)
      return known.error();
    auto token_of = (*known)->verify(token, settings_.algorithms);
    if (token_of || code_of(token_of.error()) != errc::not_found)
      return token_of;
  }
  std::lock_guard lock{known_};
  // Keys that were fetched a moment before may be older than the token.
  return fail(keys_.at >= began ? errc::unauthorized : errc::model_unreachable,
              "the login provider's token is signed by a key that the provider does not list");
}

caf::expected<std::string> oidc_client::login_address(const oidc_flow& flow, std::string_view back) {
  auto at = provider();
  if (!at)
    return at.error();
  const auto scopes = joined(settings_.scopes);
  const auto challenge = code_challenge(flow.verifier);
  // access_type is Google's word for wanting a refresh token; others have to ignore what they do not know.
  return with_query(at->authorization,
                    {{"response_type", "code"},
                     {"client_id", settings_.client_id},
                     {"redirect_uri", back},
                     {"scope", scopes},
                     {"state", flow.state},
                     {"nonce", flow.nonce},
                     {"code_challenge", challenge},
                     {"code_challenge_method", "S256"},
                     {"access_type", "offline"}});
}

caf::error oidc_client::check_sender(const std::optional<std::string>& issuer) {
  auto at = provider();
  if (!at)
    return at.error();
  if (issuer ? *issuer != settings_.issuer : at->tells_issuer)
    return fail(errc::unauthorized, "The answer came from another login provider.");
  return caf::none;
}

caf::expected<logout_order> oidc_client::logout_order_of(std::string_view token) {
  auto at = provider();
  if (!at)
    return at.error();
  auto verified = verify(*at, token);
  if (!verified)
    return verified.error();
  const auto now = now_us();
  auto order = read_logout_token(verified->claims, settings_, now);
  if (order && !logout_ids_.add(order->id, order->remember_until, now))
    return fail(errc::unauthorized, "the login provider's token is refused: it was used before");
  return order;
}

std::string oidc_client::logout_address(std::string_view id_token, std::string_view back) const {
  std::lock_guard lock{known_};
  if (!endpoints_.value || endpoints_.value->end_session.empty())
    return {};
  std::vector<std::pair<std::string_view, std::string_view>> fields{{"client_id", settings_.client_id},
                                                                    {"post_logout_redirect_uri", back}};
  if (!id_token.empty())
    fields.emplace_back("id_token_hint", id_token);
  return with_query(endpoints_.value->end_session, fields);
}

http_request oidc_client::post(const oidc_endpoints& at, const std::string& url,
                               std::vector<std::pair<std::string_view, std::string_view>> fields) const {
  http_request request;
  request.url = url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  const bool has_secret = !settings_.client_secret.empty();
  if (has_secret && !at.secret_in_body)
    request.headers.emplace_back(
      "Authorization",
      "Basic " + base64_encode(percent_encode(settings_.client_id) + ":" + percent_encode(settings_.client_secret)));
  else
    fields.emplace_back("client_id", settings_.client_id);
  if (has_secret && at.secret_in_body)
    fields.emplace_back("client_secret", settings_.client_secret);
  request.body = form_body(fields);
  return request;
}

} // namespace varro
