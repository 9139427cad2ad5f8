#include "config/limit_origins.hpp"

#include "config/keys.hpp"

#include <optional>
#include <type_traits>
#include <utility>

namespace varro {

namespace {

template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

// What these limits say under the key; nothing where they do not.
std::optional<std::string> said(const key_row<user_limits>& key, user_limits limits) {
  const auto value = key.locate(limits);
  const bool is_said = std::visit(
    [](const auto* target) {
      if constexpr (is_optional<std::remove_cvref_t<decltype(*target)>>)
        return target->has_value();
      else
        return true;
    },
    value);
  return is_said ? std::optional{to_toml(value)} : std::nullopt;
}

struct saying {
  std::string value, who;
};

// As written, else as configured.
std::optional<saying> said_by(const key_row<user_limits>& key, const user_limits* written,
                              const user_limits* configured, const std::string& who) {
  if (auto value = written != nullptr ? said(key, *written) : std::nullopt)
    return saying{std::move(*value), who + " (varro limit)"};
  if (auto value = configured != nullptr ? said(key, *configured) : std::nullopt)
    return saying{std::move(*value), who + " (configuration)"};
  return std::nullopt;
}

const user_limits* configured_of(const limits_config& configured, const std::string& group) {
  for (const auto& each : configured.groups)
    if (each.name == group)
      return &each.limits;
  return nullptr;
}

std::string joined(const std::vector<saying>& all) {
  std::string text;
  for (const auto& each : all)
    text += (text.empty() ? "" : ", ") + each.who;
  return text;
}

// Who says the value that holds; empty: nobody says any.
std::string source_of(const key_row<user_limits>& key, const limits_config& configured, const written_limits& written,
                      const std::vector<std::string>& groups, const std::string& value) {
  if (said(key, written.user))
    return "their own";
  std::vector<saying> all, holding;
  for (const auto& group : groups) {
    const auto found = written.groups.find(group);
    auto one = said_by(key, found == written.groups.end() ? nullptr : &found->second, configured_of(configured, group),
                       "group " + group);
    if (!one)
      continue;
    if (one->value == value)
      holding.push_back(*one);
    all.push_back(std::move(*one));
  }
  if (!all.empty())
    return joined(holding.empty() ? all : holding); // a joined list is nobody's alone
  const auto everybody = said_by(key, &written.everybody, &configured.everybody, "everybody");
  return everybody ? everybody->who : std::string{};
}

} // namespace

std::vector<limit_origin> limit_origins(const limits_config& configured, const written_limits& written,
                                        const std::vector<std::string>& groups) {
  const auto in_force = effective_limits(configured, written, groups);
  std::vector<limit_origin> all;
  for (const auto& key : limit_keys()) {
    auto value = said(key, in_force);
    if (!value)
      continue;
    auto from = source_of(key, configured, written, groups, *value);
    const bool is_none = *value == "0" || *value == "0.0" || *value == "[]";
    all.push_back({std::string{key.path}, is_none ? "no limit" : std::move(*value), std::move(from)});
  }
  return all;
}

} // namespace varro
