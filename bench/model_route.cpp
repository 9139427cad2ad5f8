#include "bench/model_route.hpp"

#include "bench/http_reader.hpp"

#include <charconv>

namespace varro::bench {

namespace {

std::string decoded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size()
        && std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3) {
      result += static_cast<char>(value);
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

// Where the value of this parameter stands in the target; empty if it is not there.
std::string_view raw_value(std::string_view target, std::string_view name) {
  auto question = target.find('?');
  for (auto at = question; at != std::string_view::npos;) {
    auto begin = at + 1;
    at = target.find('&', begin);
    auto one = target.substr(begin, at == std::string_view::npos ? at : at - begin);
    if (one.starts_with(name) && one.substr(name.size()).starts_with('='))
      return one.substr(name.size() + 1);
  }
  return {};
}

} // namespace

std::string query_value(std::string_view target, std::string_view name) {
  return decoded(raw_value(target, name));
}

std::string without_key(std::string_view target) {
  std::string result{target};
  if (auto value = raw_value(target, "key"); !value.empty())
    result.replace(static_cast<size_t>(value.data() - target.data()), value.size(), "***");
  return result;
}

bool is_google_path(std::string_view path) {
  return path.starts_with("/v1beta/");
}

bool is_model_list(std::string_view path) {
  if (path == "/models" || path == "/api/tags")
    return true;
  return (path.starts_with("/v1/models") || path.starts_with("/v1beta/models"))
    && path.find(':') == std::string_view::npos;
}

std::optional<model_route> route_of(std::string_view target) {
  auto path = path_of(target);
  model_route route;
  if (path == "/v1/messages")
    return route;
  route.api = vendor::openai;
  if (path == "/v1/chat/completions" || path == "/chat/completions" || path == "/v1beta/openai/chat/completions")
    return route;
  route.api = vendor::openai_responses;
  if (path == "/v1/responses" || path == "/responses")
    return route;
  constexpr std::string_view models = "/v1beta/models/";
  auto colon = path.rfind(':');
  if (!path.starts_with(models) || colon == std::string_view::npos)
    return std::nullopt;
  auto method = path.substr(colon + 1);
  if (method != "generateContent" && method != "streamGenerateContent")
    return std::nullopt;
  route.api = vendor::google;
  route.model = decoded(path.substr(models.size(), colon - models.size()));
  route.streams = method == "streamGenerateContent";
  route.in_array = route.streams && raw_value(target, "alt") != "sse";
  return route;
}

} // namespace varro::bench
