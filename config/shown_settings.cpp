#include "config/shown_settings.hpp"

#include "config/keys.hpp"

#include <algorithm>
#include <array>

namespace varro {

namespace {

// By its last word: "oidc.client_secret", "api_key".
bool is_secret(std::string_view path) {
  constexpr std::array<std::string_view, 5> words{"secret", "password", "api_key", "token", "private_key"};
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return path.ends_with(word); });
}

bool is_empty(const setting& value) {
  const auto* text = std::get_if<std::string*>(&value);
  return text != nullptr && (*text)->empty();
}

// What somebody may have put into an address besides a host: "https://name:password@host".
std::string without_credentials(const std::string& address) {
  const auto scheme = address.find("://");
  const auto at = scheme == std::string::npos ? std::string::npos : address.find('@', scheme);
  const auto slash = scheme == std::string::npos ? std::string::npos : address.find('/', scheme + 3);
  if (at == std::string::npos || (slash != std::string::npos && at > slash))
    return address;
  return address.substr(0, scheme + 3) + "…" + address.substr(at);
}

std::string key_state(const std::string& key) {
  return key.empty() ? ", without a key" : ", key set";
}

} // namespace

std::vector<shown_setting> shown_settings(const config& settings, const std::map<std::string, std::string>& origins) {
  auto copy = settings; // rows lead to what can be changed
  std::vector<shown_setting> all;
  for (const auto& row : config_keys()) {
    const auto value = row.locate(copy);
    const std::string key{row.path};
    const auto origin = origins.find(key);
    all.push_back({key, is_secret(key) ? (is_empty(value) ? "not set" : "set") : without_credentials(to_toml(value)),
                   origin == origins.end() ? std::string{} : origin->second, row.when == takes_force::at_reload});
  }
  for (const auto& each : settings.providers)
    all.push_back({"provider." + each.name, without_credentials(each.base_url) + key_state(each.api_key), "", true});
  for (const auto& each : settings.models)
    all.push_back({"model " + each.id, without_credentials(each.base_url) + key_state(each.api_key), "", true});
  return all;
}

} // namespace varro
