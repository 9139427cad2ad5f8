#include "render/html.hpp"

#include "render/blocks.hpp"

#include <cstdio>

namespace varro {

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (char c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    case '\0':
      // Parsers treat NUL differently from state to state; nobody needs it.
      out += "\xEF\xBF\xBD";
      break;
    default:
      out += c;
    }
  }
  return out;
}

} // namespace varro

namespace varro::html {

std::string attribute(std::string_view name, std::string_view value) {
  std::string out = " ";
  out += name;
  out += "=\"";
  out += escape_html(value);
  out += '"';
  return out;
}

std::string attribute(std::string_view name, int64_t value) {
  return attribute(name, std::to_string(value));
}

std::string outside_link(std::string_view url, std::string_view text) {
  return "<a" + attribute("href", url) + " rel=\"noopener noreferrer nofollow\" target=\"_blank\">" + escape_html(text)
    + "</a>";
}

bool is_safe_link(std::string_view url) {
  std::string lower;
  // Browsers drop these inside a scheme: "java\nscript:" must not pass as a relative path.
  for (char c : url.substr(0, 4096)) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return false;
    lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (url.size() > 4096)
    return false;
  for (std::string_view scheme : {"http://", "https://", "mailto:"})
    if (lower.starts_with(scheme))
      return lower.size() > scheme.size();
  if (lower.starts_with('#'))
    return true;
  return lower.starts_with('/') && !lower.starts_with("//") && !lower.starts_with("/\\");
}

std::string byte_count(uint64_t bytes) {
  if (bytes == 1)
    return "1 byte";
  if (bytes < 1024)
    return std::to_string(bytes) + " bytes";
  const char* units[] = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit < 3) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, units[unit]);
  return text;
}

std::string code_block(std::string_view code, std::string_view language) {
  return "<pre><code" + attribute("class", "language-" + std::string(language)) + ">" + escape_html(code)
    + "</code></pre>";
}

std::string pretty_json(const json& value) {
  if (nests_deeper_than(value, json_depth_max))
    return "(nested too deeply to show)";
  return value.dump(2, ' ', false, json::error_handler_t::replace);
}

} // namespace varro::html
