#include "accounts/claims.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"

#include <algorithm>

namespace varro {

namespace {

constexpr auto more_than_fit
  = "the provider's token names another place for them because there are too many (Entra: \"groups overage\"); let the "
    "provider send only the groups that are assigned to this application";

const json* member(const json& object, const std::string& name) {
  if (!object.is_object())
    return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

// "a.b\.c" → "a", "b.c".
std::vector<std::string> names_of(std::string_view path) {
  std::vector<std::string> names(1);
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' && i + 1 < path.size())
      names.back() += path[++i];
    else if (path[i] == '.')
      names.emplace_back();
    else
      names.back() += path[i];
  }
  return names;
}

bool is_value(std::string_view text) {
  return !text.empty() && text.size() <= claim_value_bytes_max && is_utf8(text) && !has_control_characters(text);
}

std::vector<std::string> texts_of_list(const json& list) {
  std::vector<std::string> texts;
  for (const auto& each : list)
    if (each.is_string())
      texts.push_back(each.get<std::string>());
  return texts;
}

std::vector<std::string> texts_of_text(const std::string& text) {
  std::vector<std::string> texts;
  const bool has_commas = text.find(',') != std::string::npos;
  for (auto part : words_of(text, has_commas ? "," : white_space, claim_values_max + 1))
    if (auto trimmed = trim(part); !trimmed.empty())
      texts.emplace_back(trimmed);
  return texts;
}

// An object that maps each name to details, as Zitadel's roles.
std::vector<std::string> names_of_members(const json& object) {
  std::vector<std::string> names;
  for (const auto& [name, details] : object.items())
    names.push_back(name);
  return names;
}

bool is_object_of_objects(const json& value) {
  return value.is_object()
    && std::all_of(value.begin(), value.end(), [](const json& each) { return each.is_object(); });
}

bool is_list_of_texts(const json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), [](const json& each) { return each.is_string(); });
}

// Entra tells so, for "groups" and others: {"_claim_names": {"groups": "src1"}}.
bool is_told_elsewhere(const json& claims, std::string_view path) {
  const auto* elsewhere = member(claims, "_claim_names");
  return elsewhere != nullptr
    && (member(*elsewhere, std::string{path}) != nullptr || member(*elsewhere, names_of(path).front()) != nullptr);
}

std::string single_text(const json& claims, std::string_view path) {
  const auto* found = path.empty() ? nullptr : claim_at(claims, path);
  auto text = found != nullptr && found->is_string() ? found->get<std::string>() : std::string{};
  return is_value(text) ? text : std::string{};
}

std::string problem_of(const claim_texts& told, std::string_view key, std::string_view path) {
  using outcome = claim_texts::outcome;
  if (told.what != outcome::overflowed && told.what != outcome::malformed)
    return {};
  return std::string{key} + " = \"" + std::string{path} + "\": "
    + (told.what == outcome::overflowed ? more_than_fit : "what stands there is neither a list of texts nor a text");
}

} // namespace

const json* claim_at(const json& claims, std::string_view path) {
  if (const auto* whole = member(claims, std::string{path}))
    return whole;
  const json* at = &claims;
  for (const auto& name : names_of(path)) {
    at = member(*at, name);
    if (at == nullptr)
      return nullptr;
  }
  return at;
}

claim_texts texts_at(const json& claims, std::string_view path) {
  using outcome = claim_texts::outcome;
  const auto* found = claim_at(claims, path);
  if (found == nullptr || found->is_null())
    return {is_told_elsewhere(claims, path) ? outcome::overflowed : outcome::missing, {}};
  claim_texts result{outcome::told, {}};
  if (is_list_of_texts(*found))
    result.values = texts_of_list(*found);
  else if (found->is_string())
    result.values = texts_of_text(found->get<std::string>());
  else if (is_object_of_objects(*found))
    result.values = names_of_members(*found);
  else
    return {outcome::malformed, {}};
  std::sort(result.values.begin(), result.values.end());
  result.values.erase(std::unique(result.values.begin(), result.values.end()), result.values.end());
  if (result.values.size() > claim_values_max)
    return {outcome::overflowed, {}};
  if (!std::all_of(result.values.begin(), result.values.end(), is_value))
    return {outcome::malformed, {}};
  return result;
}

claimed_identity identity_of(const json& claims, const oidc_config& settings) {
  claimed_identity result;
  auto& who = result.who;
  who.issuer = settings.issuer;
  who.subject = single_text(claims, "sub");
  const auto verified = claims.find("email_verified");
  if (verified == claims.end() || (*verified != false && *verified != "false"))
    who.mail = single_text(claims, settings.mail_claim);
  who.name = single_text(claims, settings.name_claim);
  if (who.name.empty())
    who.name = who.mail;
  auto values = std::vector<std::string>{};
  for (const auto& [key, path] :
       {std::pair{"oidc.groups_claim", &settings.groups_claim}, std::pair{"oidc.role_claim", &settings.role_claim}}) {
    if (path->empty())
      continue;
    auto told = texts_at(claims, *path);
    if (result.problem.empty())
      result.problem = problem_of(told, key, *path);
    if (path == &settings.groups_claim)
      who.groups = told.values;
    values.insert(values.end(), told.values.begin(), told.values.end());
  }
  who.role = role_by(settings.claims, values);
  return result;
}

caf::expected<identity_seen> seen_of(const claimed_identity& who, const claim_rules& rules, const auth_config& limits) {
  auto seen = seen_of(who.who, rules, limits);
  if (!seen && code_of(seen.error()) == errc::unauthorized && !who.problem.empty())
    return fail(errc::unauthorized,
                "Your groups could not be read, so nobody can tell whether you may come in: " + who.problem + ".");
  return seen;
}

bool lacks_claims(const json& claims, const oidc_config& settings) {
  for (const auto* path : {&settings.name_claim, &settings.mail_claim, &settings.groups_claim, &settings.role_claim})
    if (!path->empty() && claim_at(claims, *path) == nullptr && !is_told_elsewhere(claims, *path))
      return true;
  return false;
}

} // namespace varro
