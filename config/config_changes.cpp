#include "config/config_changes.hpp"

#include "config/keys.hpp"

#include <algorithm>
#include <utility>

namespace varro {

namespace {

// Both lead to the same member of two configurations.
bool are_equal(const setting& one, const setting& other) {
  return std::visit([&](auto* value) { return *value == *std::get<decltype(value)>(other); }, one);
}

void copy(const setting& from, const setting& to) {
  std::visit([&](auto* value) { *value = *std::get<decltype(value)>(from); }, to);
}

// The names under which the two lists have different things, in order.
template <class T, class NameOf>
std::vector<std::string> different_names(const std::vector<T>& before, const std::vector<T>& after, NameOf name_of) {
  std::map<std::string, std::pair<std::vector<T>, std::vector<T>>> by_name;
  for (const auto& each : before)
    by_name[name_of(each)].first.push_back(each);
  for (const auto& each : after)
    by_name[name_of(each)].second.push_back(each);
  std::vector<std::string> names;
  for (const auto& [name, both] : by_name)
    if (both.first != both.second)
      names.push_back(name);
  return names;
}

void append(std::vector<std::string>& names, std::vector<std::string>&& more) {
  for (auto& name : more)
    names.push_back(std::move(name));
}

void take_keys(config_changes& changes, config& read) {
  for (const auto& row : config_keys()) {
    const auto here = row.locate(changes.next);
    const auto there = row.locate(read);
    if (are_equal(here, there))
      continue;
    const bool takes = row.when == takes_force::at_reload;
    (takes ? changes.taken : changes.waiting).emplace_back(row.path);
    if (takes)
      copy(there, here);
  }
}

// Ollama and llama.cpp are looked for in a moment that one of them may miss, as while it loads a model: what was found
// before stays then.
bool missed_local_models(const config& in_force, const config& read) {
  const auto is_offline = [](const auto& model) { return model.kind == provider_kind::offline; };
  const auto is_local = [&](const auto& model) {
    return is_offline(model) || model.provider == "ollama" || model.provider == "llamacpp";
  };
  return read.discover_local_models && read.providers.empty() && in_force.providers.empty()
    && std::all_of(read.models.begin(), read.models.end(), is_offline)
    && !std::all_of(in_force.models.begin(), in_force.models.end(), is_offline)
    && std::all_of(in_force.models.begin(), in_force.models.end(), is_local);
}

void take_models(config_changes& changes, const config& read) {
  auto& next = changes.next;
  append(changes.taken,
         different_names(next.providers, read.providers, [](const auto& each) { return "provider." + each.name; }));
  auto models = different_names(next.models, read.models, [](const auto& each) { return "model " + each.id; });
  if (models.empty() && next.models != read.models)
    models.emplace_back("the order of models");
  append(changes.taken, std::move(models));
  next.providers = read.providers;
  next.models = read.models;
  next.offer_lists = read.offer_lists;
}

void take_groups_and_prices(config_changes& changes, const config& read) {
  auto& next = changes.next;
  append(changes.taken, different_names(next.limits.groups, read.limits.groups, [](const auto& each) {
           return "limits.group." + each.name;
         }));
  append(changes.taken, different_names(next.retention.groups, read.retention.groups, [](const auto& each) {
           return "retention.group." + each.name;
         }));
  append(changes.taken,
         different_names(next.prices.rows, read.prices.rows, [](const auto& each) { return "price " + each.model; }));
  next.limits.groups = read.limits.groups;
  next.retention.groups = read.retention.groups;
  next.prices.rows = read.prices.rows;
}

void take_secrets(config_changes& changes, const config& read) {
  auto& next = changes.next;
  if (next.metrics.token != read.metrics.token)
    changes.taken.emplace_back("metrics.token");
  next.metrics.token = read.metrics.token;
  if (next.oidc.client_secret != read.oidc.client_secret)
    changes.waiting.emplace_back("oidc.client_secret");
  if (next.trace.otlp_headers != read.trace.otlp_headers)
    changes.waiting.emplace_back("trace.otlp_headers");
}

} // namespace

config_changes changes_between(const config& in_force, const config& read) {
  config_changes changes{in_force, {}, {}};
  auto copy_of_read = read; // rows lead to what can be changed
  if (missed_local_models(in_force, read)) {
    copy_of_read.models = in_force.models;
    copy_of_read.default_model = in_force.default_model;
  }
  take_keys(changes, copy_of_read);
  take_models(changes, copy_of_read);
  take_groups_and_prices(changes, read);
  take_secrets(changes, read);
  append(changes.waiting, different_names(in_force.shell.interpreters, read.shell.interpreters, [](const auto& each) {
           return "shell.python." + each.name;
         }));
  changes.next.file = read.file;
  return changes;
}

caf::expected<config_changes> read_changes(const load_sources& sources, const config& in_force,
                                           std::map<std::string, std::string>& origins) {
  // A start does without the file of the data directory; one that was there is missed, not gone without.
  std::error_code unknown;
  if (!in_force.file.empty() && !std::filesystem::exists(in_force.file, unknown))
    return fail(errc::config_invalid,
                in_force.file.string()
                  + ": cannot be read as a configuration file; check that it exists and that you may read it");
  auto read = load_config(sources, &origins);
  if (!read)
    return std::move(read.error());
  return changes_between(in_force, *read);
}

std::string names_in_words(const std::vector<std::string>& names) {
  std::string text;
  size_t told = 0;
  for (const auto& name : names) {
    const std::string separator = text.empty() ? "" : ", ";
    if (text.size() + separator.size() + name.size() > changed_names_bytes_max)
      break;
    text += separator + name;
    ++told;
  }
  if (told < names.size())
    text += (text.empty() ? "" : " and ") + std::to_string(names.size() - told) + " more";
  return text;
}

} // namespace varro
