#include "accounts/oidc_discovery.hpp"

#include "base/json.hpp"
#include "config/oidc_checks.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace varro {

namespace {

constexpr int document_depth_max = 16;

std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

// Whether a list that the provider may leave out has one of these. `otherwise`: where it is left out.
template <class Texts>
bool lists_any(const json& object, const char* name, const Texts& wanted, bool otherwise) {
  const auto found = object.find(name);
  if (found == object.end())
    return otherwise;
  return found->is_array() && std::any_of(wanted.begin(), wanted.end(), [&](const std::string& text) {
           return std::find(found->begin(), found->end(), json(text)) != found->end();
         });
}

bool lists(const json& object, const char* name, const std::string& wanted, bool otherwise) {
  return lists_any(object, name, std::vector{wanted}, otherwise);
}

caf::error unusable(const std::string& what) {
  return fail(errc::model_malformed, "the login provider's description of itself cannot be used: " + what);
}

} // namespace

std::string discovery_address(std::string_view issuer) {
  while (issuer.ends_with('/'))
    issuer.remove_suffix(1);
  return std::string{issuer} + "/.well-known/openid-configuration";
}

caf::expected<oidc_endpoints> read_discovery(std::string_view document, const oidc_config& settings) {
  const auto told = parse_json(document, document_depth_max);
  if (!told || !told->is_object())
    return unusable("it is no JSON object");
  if (text_at(*told, "issuer") != settings.issuer)
    return unusable("it is that of another issuer than oidc.issuer, " + settings.issuer);
  oidc_endpoints result{text_at(*told, "authorization_endpoint"),
                        text_at(*told, "token_endpoint"),
                        text_at(*told, "jwks_uri"),
                        text_at(*told, "userinfo_endpoint"),
                        text_at(*told, "introspection_endpoint"),
                        text_at(*told, "end_session_endpoint")};
  for (const auto& [address, name] : {std::pair{&result.authorization, "authorization_endpoint"},
                                      {&result.token, "token_endpoint"},
                                      {&result.keys, "jwks_uri"}})
    if (!is_provider_url(*address))
      return unusable(std::string{name} + " is missing, or neither https nor on this machine");
  for (auto* address : {&result.userinfo, &result.introspection, &result.end_session})
    if (!address->empty() && !is_provider_url(*address))
      return unusable("an address in it is neither https nor on this machine");
  if (!lists(*told, "response_types_supported", "code", true))
    return unusable("it does not know the authorization code flow");
  // Some providers know PKCE and do not tell it; one that lists other methods only would ignore ours.
  if (!lists(*told, "code_challenge_methods_supported", "S256", true))
    return unusable("it does not know PKCE with S256");
  if (!lists_any(*told, "id_token_signing_alg_values_supported", settings.algorithms, true))
    return unusable("it signs with none of oidc.algorithms");
  const auto tells = told->find("authorization_response_iss_parameter_supported");
  result.tells_issuer = tells != told->end() && tells->is_boolean() && tells->get<bool>();
  result.secret_in_body = !lists(*told, "token_endpoint_auth_methods_supported", "client_secret_basic", true)
    && lists(*told, "token_endpoint_auth_methods_supported", "client_secret_post", false);
  return result;
}

} // namespace varro
