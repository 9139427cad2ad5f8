// Where traces go, read and checked. Pure functions, any thread.
#pragma once

#include "base/errors.hpp"
#include "config/proxy_checks.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro {

inline constexpr std::string_view trace_headers_variable = "VARRO_TRACE_OTLP_HEADERS";
inline constexpr std::string_view trace_headers_file_variable = "VARRO_TRACE_OTLP_HEADERS_FILE";

// trace.otlp_headers: "name=value,…" as in OpenTelemetry's OTEL_EXPORTER_OTLP_HEADERS, with values percent-encoded
// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/). errc::config_invalid: it is something else; the error
// does not say what it holds.
caf::expected<std::vector<std::pair<std::string, std::string>>> otlp_headers(std::string_view written);

std::optional<key_problem> trace_problem(const trace_config& settings);

} // namespace varro
