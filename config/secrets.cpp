#include "config/secrets.hpp"

#include "base/text.hpp"
#include "config/metrics_checks.hpp"
#include "config/oidc_checks.hpp"
#include "config/trace_checks.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

namespace varro {

namespace {

constexpr std::array secrets{
  secret_names{"oidc.client_secret", oidc_secret_variable, oidc_secret_file_variable},
  secret_names{"trace.otlp_headers", trace_headers_variable, trace_headers_file_variable},
  secret_names{"metrics.token", metrics_token_variable, metrics_token_file_variable},
};

caf::error refuse(const std::string& what) {
  return fail(errc::config_invalid, what);
}

} // namespace

std::span<const secret_names> all_secrets() {
  return secrets;
}

const secret_names* secret_of_key(std::string_view key) {
  auto found = std::find_if(secrets.begin(), secrets.end(), [&](const auto& each) { return each.key == key; });
  return found == secrets.end() ? nullptr : &*found;
}

bool is_secret_variable(std::string_view variable) {
  return std::any_of(secrets.begin(), secrets.end(),
                     [&](const auto& each) { return each.variable == variable || each.file_variable == variable; });
}

caf::expected<std::string> read_secret(const secret_names& names,
                                       const std::map<std::string, std::string>& environment) {
  auto value_of = [&](std::string_view name) {
    const auto found = environment.find(std::string{name});
    return found == environment.end() ? std::string{} : found->second;
  };
  auto secret = value_of(names.variable);
  const auto file = value_of(names.file_variable);
  if (!secret.empty() && !file.empty())
    return refuse("both " + std::string{names.variable} + " and " + std::string{names.file_variable}
                  + " are set; keep one");
  if (!file.empty()) {
    std::error_code status;
    std::ifstream stream{file, std::ios::binary};
    const auto where = "the file " + file + " that " + std::string{names.file_variable} + " names ";
    if (!std::filesystem::is_regular_file(file, status) || !stream)
      return refuse(where + "cannot be read; it must be one that holds only the secret");
    secret.resize(secret_bytes_max + 1);
    stream.read(secret.data(), static_cast<std::streamsize>(secret.size()));
    secret.resize(static_cast<size_t>(stream.gcount()));
    secret = trim(secret);
    if (secret.empty())
      return refuse(where + "is empty");
  }
  auto is_visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (secret.size() > secret_bytes_max || !std::all_of(secret.begin(), secret.end(), is_visible))
    return refuse("the secret " + std::string{names.key} + ": expected one line of at most "
                  + std::to_string(secret_bytes_max) + " visible ASCII characters");
  return secret;
}

} // namespace varro
