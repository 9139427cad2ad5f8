#include "config/trace_checks.hpp"

#include "base/text.hpp"
#include "config/oidc_checks.hpp"

#include <algorithm>

namespace varro {

namespace {

bool is_address(std::string_view url) {
  const size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  return scheme != 0 && url.size() > scheme && url[scheme] != '/'
    && std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '@' && c != '#'; });
}

} // namespace

caf::expected<std::vector<std::pair<std::string, std::string>>> otlp_headers(std::string_view written) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (const auto part : words_of(written, ",")) {
    const auto equals = std::min(part.find('='), part.size());
    const auto name = trim(part.substr(0, equals));
    auto value = equals == part.size() ? std::nullopt : percent_decode(trim(part.substr(equals + 1)), false);
    if (!is_http_token(name) || !value || has_control_characters(*value))
      return fail(errc::config_invalid, "expected name=value, with further ones after a comma, values percent-encoded");
    fields.emplace_back(name, std::move(*value));
  }
  return fields;
}

std::optional<key_problem> trace_problem(const trace_config& settings) {
  const auto& url = settings.otlp_url;
  if (!url.empty() && !is_address(url))
    return key_problem{"trace.otlp_url",
                       "expected http:// or https:// with a host and a path such as /v1/traces, "
                       "without a password"};
  if (!url.empty() && !settings.otlp_headers.empty() && !is_provider_url(url))
    return key_problem{"trace.otlp_url",
                       "expected https:// where trace.otlp_headers are sent, or http:// on this machine"};
  if (auto fields = otlp_headers(settings.otlp_headers); !fields)
    return key_problem{"trace.otlp_headers", text_of(fields.error())};
  return std::nullopt;
}

} // namespace varro
