#include "accounts/identity.hpp"

#include "accounts/accounts.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "storage/limits.hpp"

#include <algorithm>

namespace varro {

namespace {

constexpr size_t account_name_bytes_max = 64; // of normalised_user_name

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  if (first == text.npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool has_any(const std::vector<std::string>& told, const std::vector<std::string>& looked_for) {
  return std::any_of(told.begin(), told.end(), [&](const std::string& each) {
    return std::find(looked_for.begin(), looked_for.end(), each) != looked_for.end();
  });
}

bool is_sound(std::string_view text, size_t bytes_max) {
  return text.size() <= bytes_max && is_utf8(text) && !has_control_characters(text);
}

bool fits_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '@';
}

// So that no two lists of texts have the same digest.
void append(std::string& to, std::string_view part) {
  to += std::to_string(part.size()) + ":";
  to += part;
}

} // namespace

std::vector<std::string> split_claim(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    auto end = separator.empty() ? text.npos : text.find(separator);
    if (auto part = trimmed(text.substr(0, end)); !part.empty())
      parts.emplace_back(part);
    text = end == text.npos ? std::string_view{} : text.substr(end + separator.size());
  }
  return parts;
}

std::optional<std::string> role_by(const claim_rules& rules, const std::vector<std::string>& groups_and_roles) {
  if (rules.admin_values.empty())
    return std::nullopt;
  return has_any(groups_and_roles, rules.admin_values) ? user_role::admin : user_role::user;
}

bool is_let_in(const claim_rules& rules, const std::vector<std::string>& groups) {
  return rules.allowed_groups.empty() || has_any(groups, rules.allowed_groups);
}

std::string account_name_for(std::string_view told) {
  std::string name;
  for (char c : told) {
    if (name.size() == account_name_bytes_max)
      break;
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + ('a' - 'A'));
    if (fits_name(c))
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (!name.empty() && name.back() == '-')
    name.pop_back();
  return name.empty() ? "user" : name;
}

std::vector<std::string> stored_groups(const std::vector<std::string>& told) {
  std::vector<std::string> names;
  for (const auto& each : told)
    if (auto name = normalised_user_name(each))
      names.push_back(std::move(*name));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  names.resize(std::min(names.size(), static_cast<size_t>(user_groups_max)));
  return names;
}

caf::expected<identity_seen> seen_of(const identity& who, const claim_rules& rules, const auth_config& limits) {
  if (who.subject.empty() || !is_sound(who.subject, identity_subject_bytes_max)
      || !is_sound(who.issuer, identity_issuer_bytes_max) || !is_sound(who.mail, identity_mail_bytes_max))
    return fail(errc::invalid_input, "Who you are was told in a form that cannot be read.");
  if (!is_let_in(rules, who.groups))
    return fail(errc::unauthorized,
                "You are logged in, but in none of the groups that may use this server. Ask whoever looks after it.");
  identity_seen seen;
  seen.key = {who.issuer, who.subject};
  seen.name = account_name_for(who.name.empty() ? who.subject : who.name);
  seen.mail = who.mail;
  seen.groups = stored_groups(who.groups);
  seen.role = who.role;
  seen.at = now_us();
  seen.users_max = limits.users_max;
  return seen;
}

std::string identity_login(const identity_seen& seen) {
  std::string told;
  for (const auto& part : {seen.key.issuer, seen.key.subject, seen.mail, seen.role.value_or("")})
    append(told, part);
  for (const auto& group : seen.groups)
    append(told, group);
  return identity_login_prefix + hash_session_token(told);
}

} // namespace varro
