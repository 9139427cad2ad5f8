#include "http/file_types.hpp"

#include "base/text.hpp"

#include <array>
#include <utility>

namespace varro {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 13> media_types{{
  {"png", "image/png"},
  {"jpg", "image/jpeg"},
  {"jpeg", "image/jpeg"},
  {"gif", "image/gif"},
  {"webp", "image/webp"},
  {"svg", "image/svg+xml"},
  {"csv", "text/csv; charset=utf-8"},
  {"txt", "text/plain; charset=utf-8"},
  {"md", "text/markdown; charset=utf-8"},
  {"html", "text/html; charset=utf-8"},
  {"json", "application/json"},
  {"ipynb", "application/x-ipynb+json"},
  {"pdf", "application/pdf"},
}};

} // namespace

std::string_view media_type_of(std::string_view file_name) {
  auto dot = file_name.rfind('.');
  const auto extension = ascii_lower(dot == std::string_view::npos ? "" : file_name.substr(dot + 1));
  for (const auto& [known, type] : media_types)
    if (extension == known)
      return type;
  return "application/octet-stream";
}

bool is_shown_inline(std::string_view media_type) {
  return media_type == "image/png" || media_type == "image/jpeg" || media_type == "image/gif"
    || media_type == "image/webp";
}

std::string content_disposition(std::string_view kind, std::string_view file_name) {
  std::string plain;
  for (char c : file_name)
    plain += c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%' ? c : '_';
  return std::string{kind} + "; filename=\"" + plain + "\"; filename*=UTF-8''" + percent_encode(file_name);
}

} // namespace varro
