#include "render/workspace_links.hpp"

#include "base/text.hpp"
#include "render/blocks.hpp"

#include <algorithm>
#include <vector>

namespace varro {

namespace {

constexpr size_t target_bytes_max = 2048;
constexpr std::string_view workspace = "/workspace";

// "%20" is a space; a "%" that begins no number stands for itself, as in "100%.csv".
std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool coded
      = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    out += coded ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
    i += coded ? 2 : 0;
  }
  return out;
}

// What models put before an absolute path of their machine. Everything else with a colon may be a scheme.
std::string_view without_scheme(std::string_view target) {
  for (std::string_view scheme : {"sandbox:", "file://", "file:"})
    if (target.starts_with(scheme))
      return target.substr(scheme.size());
  return target;
}

// The path as an absolute one of the sandbox, or nullopt when the link means something else.
std::optional<std::string> sandbox_path(std::string_view target) {
  if (target.empty() || target.size() > target_bytes_max || has_control_characters(target))
    return std::nullopt;
  const auto bare = without_scheme(target);
  if (bare.starts_with(workspace) && (bare.size() == workspace.size() || bare[workspace.size()] == '/'))
    return decoded(bare);
  if (bare.size() != target.size() || target.find(':') < target.find('/') || target.starts_with("www."))
    return std::nullopt;
  if (target.front() == '/' || target.front() == '\\')
    return std::nullopt;
  return std::string{workspace} + "/" + decoded(target);
}

// Where the path ends and a query or an anchor begins.
size_t path_end(std::string_view target) {
  return std::min(target.find_first_of("?#"), target.size());
}

} // namespace

std::optional<std::string> workspace_path(std::string_view target) {
  const auto path = sandbox_path(target.substr(0, path_end(target)));
  if (!path)
    return std::nullopt;
  std::vector<std::string_view> parts;
  bool leads_out = has_control_characters(*path);
  for (size_t at = 0, slash = 0; slash != path->npos; at = slash + 1) {
    slash = path->find('/', at);
    const auto part = std::string_view(*path).substr(at, slash == path->npos ? slash : slash - at);
    if (part == ".." && parts.empty())
      leads_out = true;
    else if (part == "..")
      parts.pop_back();
    else if (!part.empty() && part != ".")
      parts.push_back(part);
  }
  const bool folder = path->ends_with('/') || path->ends_with("/.") || path->ends_with("/..");
  if (leads_out || folder || parts.size() < 2 || parts.front() != workspace.substr(1))
    return std::string{};
  std::string result;
  for (size_t i = 1; i < parts.size(); ++i)
    result += (i > 1 ? "/" : "") + std::string{parts[i]};
  return result;
}

std::optional<std::string> workspace_link(std::string_view target, int64_t chat_id) {
  auto path = workspace_path(target);
  if (!path || path->empty())
    return path;
  auto url = workspace_file_url(chat_id, *path, "/");
  const auto more = target.substr(path_end(target));
  return url + (url.find('?') == url.npos ? percent_encode(more, "?#/&=%:;,+@!$'()*") : "");
}

std::string workspace_file_url(int64_t chat_id, std::string_view path, std::string_view plain) {
  auto url = "/chat/" + std::to_string(chat_id) + "/files/" + percent_encode(path, plain);
  return parse_attachment_name(path) ? url + "?" + std::string{workspace_query} : url;
}

bool is_picture_name(std::string_view path) {
  const auto name = ascii_lower(path);
  for (std::string_view extension : {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"})
    if (name.ends_with(extension))
      return true;
  return false;
}

} // namespace varro
