#include "config/providers.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

namespace varro {

namespace {

constexpr std::string_view offline_id = "offline";
constexpr size_t key_file_bytes_max = 16u << 10;
constexpr size_t provider_name_bytes_max = 64;

// Providers that need no section. `home` is the vendor's own address: there, a key is needed.
struct known_provider {
  const char* name;
  provider_kind kind;
  const char* base_url;
  const char* key_variable;
  const char* url_variable;
  bool home;
  bool either_openai_api = false;
};
constexpr known_provider known_providers[]{
  {"anthropic", provider_kind::anthropic, "https://api.anthropic.com", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", true},
  {"openai", provider_kind::openai_responses, "https://api.openai.com/v1", "OPENAI_API_KEY", "OPENAI_BASE_URL", true,
   true},
  {"google", provider_kind::google, "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY",
   "GOOGLE_GEMINI_BASE_URL", true},
  {"ollama", provider_kind::openai, "http://127.0.0.1:11434/v1", "", "", false},
  {"llamacpp", provider_kind::openai, "http://127.0.0.1:8080/v1", "", "", false},
};

struct provider {
  std::string name;
  provider_kind kind = provider_kind::openai;
  std::string base_url;
  std::string api_key;
  std::string key_hint; // how to give it a key
  bool home = false;
  bool asked_for = false; // a section, a key or an address names it
  bool either_openai_api = false;

  bool usable() const {
    return !home || !api_key.empty();
  }
};

const std::string* variable(const load_sources& sources, const std::string& name) {
  auto found = sources.environment.find(name);
  return found == sources.environment.end() || found->second.empty() ? nullptr : &found->second;
}

caf::error refuse(const std::string& where, const std::string& what) {
  return fail(errc::config_invalid, where + ": " + what);
}

// A key goes into an HTTP header: anything but visible ASCII would end or split it.
bool is_key(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_provider_name(std::string_view name) {
  return !name.empty() && name.size() <= provider_name_bytes_max && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

provider_kind kind_called(std::string_view name) {
  if (name == "anthropic")
    return provider_kind::anthropic;
  if (name == "google")
    return provider_kind::google;
  return name == "openai-responses" ? provider_kind::openai_responses : provider_kind::openai;
}

caf::expected<std::string> read_key_file(const std::filesystem::path& path) {
  std::error_code status;
  std::ifstream stream{path, std::ios::binary};
  if (!std::filesystem::is_regular_file(path, status) || !stream)
    return fail(errc::config_invalid, path.string() + " cannot be read; it must be a file that holds only the key");
  std::string text(key_file_bytes_max, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  if (!is_key(text))
    return fail(errc::config_invalid, path.string() + " must hold only the key: one line of visible ASCII characters");
  return text;
}

caf::expected<std::string> read_key(const provider_entry& entry, const load_sources& sources) {
  if (!entry.api_key_file.empty())
    return read_key_file(entry.api_key_file);
  auto value = variable(sources, entry.api_key_env);
  if (!value)
    return fail(errc::config_invalid,
                "the environment variable " + entry.api_key_env
                  + " is not set; set it, or take this provider out of the file");
  if (!is_key(*value))
    return fail(errc::config_invalid,
                "the environment variable " + entry.api_key_env
                  + " does not hold a key: only visible ASCII characters are allowed");
  return *value;
}

// The providers of this start, by name.
struct provider_set {
  const load_sources& sources;
  std::vector<provider> all;

  provider* find(std::string_view name) {
    auto found = std::find_if(all.begin(), all.end(), [name](const provider& x) { return x.name == name; });
    return found == all.end() ? nullptr : &*found;
  }

  std::string names() const {
    std::string text;
    for (const auto& x : all)
      text += x.name + ", ";
    return text + std::string{offline_id};
  }

  caf::error set_base_url(provider& target, const std::string& url, const std::string& where) {
    auto normalised = normalised_base_url(url, target.kind);
    if (!normalised)
      return refuse(where, text_of(normalised.error()));
    // The vendor's own address still needs its key, whoever wrote it down.
    target.home = target.home && *normalised == target.base_url;
    // Elsewhere than at OpenAI, chat completions is what a server is likely to know.
    if (target.either_openai_api && !target.home)
      target.kind = provider_kind::openai;
    target.base_url = *normalised;
    target.asked_for = true;
    return caf::none;
  }

  caf::error add_known() {
    for (const auto& known : known_providers) {
      provider added{known.name, known.kind, known.base_url, "", "", known.home, false, known.either_openai_api};
      if (*known.key_variable)
        added.key_hint = "set the environment variable " + std::string{known.key_variable};
      if (auto key = variable(sources, known.key_variable)) {
        if (!is_key(*key))
          return refuse("environment variable " + std::string{known.key_variable},
                        "does not hold a key: only visible ASCII characters are allowed");
        added.api_key = *key;
        added.asked_for = true;
      }
      all.push_back(added);
    }
    return caf::none;
  }

  caf::error add_entry(const provider_entry& entry) {
    auto where = entry.origin + ": provider." + entry.name;
    if (!is_provider_name(entry.name) || entry.name == offline_id)
      return refuse(where, "a provider's name is 1 to 64 of a-z, 0-9, '-', '_' and '.', and not offline");
    auto known = find(entry.name);
    if (!known && (entry.kind.empty() || entry.base_url.empty()))
      return refuse(where, "needs kind (anthropic, openai, openai-responses or google) and base_url");
    auto kind = kind_called(entry.kind);
    if (known && !entry.kind.empty()) {
      auto speaks_openai = kind == provider_kind::openai || kind == provider_kind::openai_responses;
      if (kind != known->kind && !(known->either_openai_api && speaks_openai))
        return refuse(where + ".kind", "is fixed for the provider " + entry.name + "; use another name");
      // A kind that somebody wrote is meant.
      known->kind = kind;
      known->either_openai_api = false;
    }
    if (!entry.api_key_env.empty() && !entry.api_key_file.empty())
      return refuse(where, "has both api_key_env and api_key_file; keep one");
    if (!known) {
      all.push_back(provider{entry.name, kind, "", "", "", false, true});
      known = &all.back();
    }
    known->asked_for = true;
    if (!entry.base_url.empty())
      if (auto problem = set_base_url(*known, entry.base_url, where + ".base_url"))
        return problem;
    if (entry.api_key_env.empty() && entry.api_key_file.empty())
      return caf::none;
    auto key = read_key(entry, sources);
    if (!key)
      return refuse(where + (entry.api_key_file.empty() ? ".api_key_env" : ".api_key_file"), text_of(key.error()));
    known->api_key = *key;
    return caf::none;
  }

  // After the file: the environment has the last word.
  caf::error add_environment() {
    for (const auto& known : known_providers)
      if (auto url = variable(sources, known.url_variable))
        if (auto problem
            = set_base_url(*find(known.name), *url, "environment variable " + std::string{known.url_variable}))
          return problem;
    return caf::none;
  }
};

// Completes a model with what its provider knows.
caf::error add_model(config& settings, model_config model, provider_set& providers, const std::string& where) {
  auto from = providers.find(model.provider);
  if (!from)
    return refuse(where, "no provider is called " + model.provider + "; known are: " + providers.names());
  if (!from->usable())
    return refuse(where,
                  "the provider " + from->name + " needs a key: " + from->key_hint
                    + ", or name one by api_key_env or api_key_file in [provider." + from->name + "]");
  take_provider(model, {from->name, from->kind, from->base_url, from->api_key, from->either_openai_api});
  if (model.id.empty())
    model.id = model.provider + ":" + model.name;
  if (model.label.empty())
    model.label = model.id;
  if (model.id == offline_id || settings.find_model(model.id))
    return refuse(where, "there is another model with the id " + model.id + "; ids are unique");
  if (model.thinking == "budget" && model.thinking_budget_tokens >= model.output_tokens_max)
    return refuse(where, "thinking_budget_tokens must be less than output_tokens_max, which counts thinking too");
  settings.models.push_back(std::move(model));
  return caf::none;
}

caf::error add_written(config& settings, const model_sources& written, provider_set& providers) {
  for (const auto& entry : written.models) {
    auto where = entry.origin + ": model";
    if (entry.model.provider.empty() || entry.model.name.empty())
      return refuse(where, "needs provider and name");
    if (auto problem = add_model(settings, entry.model, providers, where))
      return problem;
  }
  return caf::none;
}

// Those whose lists are worth asking for: somebody named them, and they can be asked.
std::vector<provider_config> asked_for(const provider_set& providers) {
  std::vector<provider_config> asked;
  for (const auto& from : providers.all)
    if (from.asked_for && from.usable())
      asked.push_back({from.name, from.kind, from.base_url, from.api_key, from.either_openai_api});
  return asked;
}

// The default model, added to the choices when it is not among them.
caf::error add_default(config& settings, const std::string& where, provider_set& providers) {
  const auto& id = settings.default_model;
  if (id.empty() || id == offline_id || settings.find_model(id))
    return caf::none;
  auto colon = id.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == id.size()) {
    std::string ids;
    for (const auto& model : settings.models)
      ids += model.id + ", ";
    return refuse(where,
                  "no model is called " + id + "; write PROVIDER:NAME with one of the providers " + providers.names()
                    + ", or one of the models " + ids + std::string{offline_id});
  }
  model_config model;
  model.provider = id.substr(0, colon);
  model.name = id.substr(colon + 1);
  return add_model(settings, model, providers, where);
}

} // namespace

caf::error choose_models(config& settings, const model_sources& written, const load_sources& sources) {
  provider_set providers{sources, {}};
  if (auto problem = providers.add_known())
    return problem;
  for (const auto& entry : written.providers)
    if (auto problem = providers.add_entry(entry))
      return problem;
  if (auto problem = providers.add_environment())
    return problem;
  if (auto problem = add_written(settings, written, providers))
    return problem;
  settings.offer_lists = written.models.empty();
  settings.providers = asked_for(providers);
  if (auto problem = add_default(settings, written.default_origin, providers))
    return problem;
  if (settings.models.empty() && settings.providers.empty() && settings.default_model.empty()
      && settings.discover_local_models && sources.discover)
    for (auto& found : sources.discover())
      if (found.id != offline_id && !settings.find_model(found.id))
        settings.models.push_back(std::move(found));
  model_config offline;
  offline.id = offline.provider = offline.name = offline_id;
  offline.label = "Offline: runs Python, no model";
  settings.models.push_back(std::move(offline));
  if (settings.default_model.empty() && (!settings.offer_lists || settings.providers.empty()))
    settings.default_model = settings.models.front().id;
  return caf::none;
}

void take_provider(model_config& model, const provider_config& from) {
  model.provider = from.name;
  model.kind = from.kind;
  model.either_openai_api = from.either_openai_api;
  model.base_url = from.base_url;
  model.api_key = from.api_key;
}

namespace {

// Whether a part of the path is "v1", "v1beta"…
bool names_version(std::string_view address) {
  for (auto at = address.find("/v"); at != address.npos; at = address.find("/v", at + 1))
    if (at + 2 < address.size() && address[at + 2] >= '0' && address[at + 2] <= '9')
      return true;
  return false;
}

} // namespace

caf::expected<std::string> normalised_base_url(std::string_view url, provider_kind kind) {
  auto problem = [](const char* what) {
    return fail(errc::config_invalid,
                "not a base URL: " + std::string{what}
                  + "; expected http://HOST or https://HOST with an optional port and path");
  };
  auto scheme_bytes = url.starts_with("https://") ? 8u : url.starts_with("http://") ? 7u : 0u;
  if (scheme_bytes == 0)
    return problem("it must begin with http:// or https://");
  for (auto c : url)
    if (c <= 0x20 || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\')
      return problem("it holds a character that a URL has not");
  if (url.find_first_of("?#") != std::string_view::npos)
    return problem("it must not have a query or fragment");
  if (url.find('@') != std::string_view::npos)
    return problem("it must not hold a user name or password");
  while (url.ends_with('/'))
    url.remove_suffix(1);
  if (kind == provider_kind::anthropic && url.ends_with("/v1"))
    url.remove_suffix(3);
  while (url.ends_with('/'))
    url.remove_suffix(1);
  // Google's own clients put the version behind the address that they are given.
  const bool whole = kind != provider_kind::google || names_version(url.substr(scheme_bytes));
  if (url.size() <= scheme_bytes || url[scheme_bytes] == '/' || url[scheme_bytes] == ':')
    return problem("it has no host");
  return std::string{url} + (whole ? "" : "/v1beta");
}

} // namespace varro
