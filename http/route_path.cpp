#include "http/route.hpp"

#include <algorithm>
#include <stdexcept>

namespace varro {

namespace {

path_segment segment_of(std::string_view inside) {
  if (inside.ends_with('*'))
    return {std::string{inside.substr(0, inside.size() - 1)}, ".+"};
  const auto colon = inside.find(':');
  if (colon != std::string_view::npos)
    return {std::string{inside.substr(0, colon)}, std::string{inside.substr(colon + 1)}};
  return {std::string{inside}, inside == "chat" ? "[0-9]+" : "[^/]+"};
}

// How many bytes at the path's beginning a segment takes; 0: it does not match.
size_t taken_by(std::string_view inside, std::string_view path) noexcept {
  if (inside.ends_with('*'))
    return path.size();
  if (inside == "chat")
    return std::min(path.find_first_not_of("0123456789"), path.size());
  const auto end = std::min(path.find('/'), path.size());
  const auto colon = inside.find(':');
  if (colon == std::string_view::npos)
    return end;
  auto words = inside.substr(colon + 1);
  while (!words.empty()) {
    const auto word = words.substr(0, words.find('|'));
    if (path.substr(0, end) == word)
      return end;
    words.remove_prefix(std::min(word.size() + 1, words.size()));
  }
  return 0;
}

} // namespace

const std::string& route_call::segment(std::string_view name) const {
  auto is_named = [name](const auto& segment) { return segment.first == name; };
  const auto found = std::find_if(segments.begin(), segments.end(), is_named);
  if (found == segments.end())
    throw std::logic_error("the route's path has no segment " + std::string{name});
  return found->second;
}

path_pattern pattern_of(std::string_view path) {
  path_pattern result;
  while (!path.empty()) {
    if (path.front() == '{') {
      const auto end = std::min(path.find('}'), path.size());
      auto segment = segment_of(path.substr(1, end - 1));
      result.expression += "(" + segment.pattern + ")";
      result.segments.push_back(std::move(segment));
      path.remove_prefix(std::min(end + 1, path.size()));
      continue;
    }
    if (path.front() == '.')
      result.expression += '\\';
    result.expression += path.front();
    path.remove_prefix(1);
  }
  return result;
}

bool matches(std::string_view pattern, std::string_view path) noexcept {
  while (!pattern.empty()) {
    if (path.empty())
      return false;
    if (pattern.front() != '{') {
      if (pattern.front() != path.front())
        return false;
      pattern.remove_prefix(1);
      path.remove_prefix(1);
      continue;
    }
    const auto end = std::min(pattern.find('}'), pattern.size());
    const auto taken = taken_by(pattern.substr(1, end - 1), path);
    if (taken == 0)
      return false;
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
    path.remove_prefix(taken);
  }
  return path.empty();
}

} // namespace varro
