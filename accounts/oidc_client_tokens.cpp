// The tokens of logins: how they are got, renewed and asked about.
#include "accounts/claims.hpp"
#include "accounts/oidc_client.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

// What a provider answers when a login does not hold any more; other errors are of the configuration or of the moment.
bool is_final(std::string_view error) {
  constexpr std::array<std::string_view, 5> words{"invalid_grant", "access_denied", "interaction_required",
                                                  "login_required", "consent_required"};
  return std::find(words.begin(), words.end(), error) != words.end();
}

// One of the standard's words, which is safe to show.
std::string shown(const std::string& error) {
  const bool plain = !error.empty() && error.size() <= 64
    && error.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
  return plain ? " (" + error + ")" : std::string{};
}

// What is in `others` and not in `claims`.
void add_missing(json& claims, const json& others) {
  for (const auto& [name, value] : others.items())
    if (!claims.contains(name))
      claims[name] = value;
}

caf::error answers(const std::string& who, int status) {
  return fail(errc::model_unreachable, "the login provider's " + who + " answers " + std::to_string(status));
}

// The provider has just renewed the login, so that it holds there. A token that cannot be believed then comes of a
// clock that is wrong or of keys that are out of date: it would be the same for everybody who is logged in, and must
// not end their sessions and revoke the tokens of their programs all at once. Nothing is confirmed by it either.
caf::error undecided(const caf::error& problem) {
  return code_of(problem) == errc::unauthorized ? fail(errc::model_malformed, text_of(problem)) : problem;
}

} // namespace

std::string oidc_tokens::to_text() const {
  return dump_json({{"id", id}, {"access", access}, {"refresh", refresh}});
}

std::optional<oidc_tokens> oidc_tokens::from_text(std::string_view text) {
  const auto object = parse_json(text);
  if (!object || !object->is_object())
    return std::nullopt;
  return oidc_tokens{text_of_claim(*object, "id"), text_of_claim(*object, "access"), text_of_claim(*object, "refresh")};
}

caf::expected<json> oidc_client::ask_for_tokens(http_request request) {
  auto answer = requests_.send(std::move(request));
  if (!answer)
    return answer.error();
  auto told = parse_json(answer->body, oidc_claims_depth_max);
  const bool is_object = told && told->is_object();
  if (answer->status == 200 && is_object)
    return std::move(*told);
  const auto error = is_object ? text_of_claim(*told, "error") : std::string{};
  if (answer->status >= 400 && answer->status < 500 && is_final(error))
    return fail(errc::unauthorized, "the login provider refuses" + shown(error));
  return fail(errc::model_unreachable,
              "the login provider's token endpoint answers " + std::to_string(answer->status) + shown(error));
}

caf::expected<json> oidc_client::userinfo(const oidc_endpoints& at, const std::string& access_token,
                                          const std::string& subject) {
  http_request request;
  request.method = "GET";
  request.url = at.userinfo;
  request.headers = {{"Accept", "application/json"}, {"Authorization", "Bearer " + access_token}};
  auto answer = requests_.send(std::move(request));
  if (!answer)
    return answer.error();
  if (answer->status == 401 || answer->status == 403)
    return fail(errc::unauthorized, "the login provider does not accept its own token any more");
  if (answer->status != 200)
    return answers("userinfo", answer->status);
  auto told = parse_json(answer->body, oidc_claims_depth_max);
  if (!told || !told->is_object())
    return fail(errc::model_malformed, "the login provider's userinfo is no JSON object");
  if (text_of_claim(*told, "sub") != subject)
    return fail(errc::unauthorized, "the login provider's userinfo is somebody else's");
  return std::move(*told);
}

caf::error oidc_client::introspect(const oidc_endpoints& at, const std::string& access_token) {
  auto answer = requests_.send(post(at, at.introspection, {{"token", access_token}}));
  if (!answer)
    return answer.error();
  if (answer->status != 200)
    return answers("introspection", answer->status);
  const auto told = parse_json(answer->body, oidc_claims_depth_max);
  const auto active = told && told->is_object() ? told->find("active") : json::const_iterator{};
  if (!told || !told->is_object() || active == told->end() || !active->is_boolean())
    return fail(errc::model_malformed, "the login provider's introspection tells nothing");
  return active->get<bool>() ? caf::error{}
                             : fail(errc::unauthorized, "the login provider says that the login is over");
}

caf::error oidc_client::complete(const oidc_endpoints& at, const std::string& access_token, oidc_answer_about& answer) {
  const bool lacks = !answer.claims || lacks_claims(*answer.claims, settings_);
  if (!lacks || at.userinfo.empty() || access_token.empty())
    return caf::none;
  auto more = userinfo(at, access_token, answer.subject);
  if (!more)
    return more.error();
  if (!answer.claims)
    answer.claims = json::object();
  add_missing(*answer.claims, *more);
  return caf::none;
}

caf::expected<oidc_answer_about> oidc_client::redeem(std::string_view code, const oidc_flow& flow,
                                                     std::string_view back) {
  auto at = provider();
  if (!at)
    return at.error();
  auto told = ask_for_tokens(post(
    *at, at->token,
    {{"grant_type", "authorization_code"}, {"code", code}, {"redirect_uri", back}, {"code_verifier", flow.verifier}}));
  if (!told)
    return told.error();
  const auto id_token = text_of_claim(*told, "id_token");
  const auto access = text_of_claim(*told, "access_token");
  auto verified = verify(*at, id_token);
  if (!verified)
    return verified.error();
  if (auto refused = check_id_token(verified->claims, settings_, {flow.nonce, "", now_us()}))
    return refused;
  if (auto refused = check_access_token(verified->claims, verified->algorithm, access))
    return refused;
  oidc_answer_about answer;
  answer.subject = text_of_claim(verified->claims, "sub");
  answer.session = text_of_claim(verified->claims, "sid");
  answer.tokens = {id_token.size() <= oidc_hint_bytes_max ? id_token : "", "", text_of_claim(*told, "refresh_token")};
  if (answer.tokens.refresh.empty()) {
    if (access.empty() || (at->userinfo.empty() && at->introspection.empty()))
      return fail(errc::unauthorized,
                  "the login provider gave nothing by which it could be asked later whether you still may come in; "
                  "add its scope for refresh tokens, such as \"offline_access\", to oidc.scopes");
    answer.tokens.access = access;
  }
  answer.claims = std::move(verified->claims);
  if (auto failed = complete(*at, access, answer))
    return failed;
  return answer;
}

caf::expected<oidc_answer_about> oidc_client::look_again(const oidc_tokens& tokens, const std::string& subject) {
  auto at = provider();
  if (!at)
    return at.error();
  oidc_answer_about answer{subject, "", std::nullopt, tokens, {}};
  if (tokens.refresh.empty()) {
    if (at->userinfo.empty()) {
      if (auto over = introspect(*at, tokens.access))
        return over;
      return answer;
    }
    auto told = userinfo(*at, tokens.access, subject);
    if (!told)
      return told.error();
    answer.claims = std::move(*told);
    return answer;
  }
  auto told
    = ask_for_tokens(post(*at, at->token, {{"grant_type", "refresh_token"}, {"refresh_token", tokens.refresh}}));
  if (!told)
    return told.error();
  // A provider that renews refresh tokens takes the former one no more.
  if (auto renewed = text_of_claim(*told, "refresh_token"); !renewed.empty())
    answer.tokens.refresh = std::move(renewed);
  // The former refresh token may be void by now: what fails from here on must not lose the new one.
  auto failed = take_renewed(*at, *told, answer);
  if (failed && code_of(failed) == errc::unauthorized)
    return failed;
  answer.incomplete = std::move(failed);
  return answer;
}

caf::error oidc_client::take_renewed(const oidc_endpoints& at, const json& told, oidc_answer_about& answer) {
  const auto id_token = text_of_claim(told, "id_token");
  if (!id_token.empty()) {
    auto verified = verify(at, id_token);
    if (!verified)
      return undecided(verified.error());
    if (text_of_claim(verified->claims, "sub") != answer.subject)
      return fail(errc::unauthorized, "the login provider's renewed token is somebody else's");
    if (auto refused = check_id_token(verified->claims, settings_, {"", answer.subject, now_us()}))
      return undecided(refused);
    answer.claims = std::move(verified->claims);
    if (id_token.size() <= oidc_hint_bytes_max)
      answer.tokens.id = id_token;
  }
  return complete(at, text_of_claim(told, "access_token"), answer);
}

} // namespace varro
