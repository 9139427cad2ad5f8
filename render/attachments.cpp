#include "base/text.hpp"
#include "models/cell.hpp"
#include "models/history.hpp"
#include "render/html.hpp"
#include "render/parts.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace varro {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 18> extensions{{
  {"image/png", "png"},
  {"image/jpeg", "jpg"},
  {"image/gif", "gif"},
  {"image/webp", "webp"},
  {"image/svg+xml", "svg"},
  {"application/pdf", "pdf"},
  {"application/json", "json"},
  {"application/vnd.plotly.v1+json", "json"},
  {"application/vnd.vegalite.v4+json", "json"},
  {"application/vnd.vegalite.v5+json", "json"},
  {"application/vnd.vegalite.v6+json", "json"},
  {"text/csv", "csv"},
  {"text/html", "html"},
  {"text/markdown", "md"},
  {"text/plain", "txt"},
  {"audio/wav", "wav"},
  {"audio/mpeg", "mp3"},
  {"video/mp4", "mp4"},
}};

void add_binaries(const std::vector<user_content>& from, std::vector<binary_content>& to) {
  for (const auto& item : from)
    if (auto* binary = std::get_if<binary_content>(&item))
      to.push_back(*binary);
}

bool is_inline_image(std::string_view media_type) {
  for (std::string_view type : {"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
    if (media_type == type)
      return true;
  return false;
}

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (char c : bytes.substr(0, 4))
    value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// With the size known the page does not jump when the image arrives.
html::attributes png_size(std::string_view data) {
  if (data.size() < 24 || !data.starts_with("\x89PNG\r\n\x1a\n"))
    return {};
  auto width = big_endian(data.substr(16));
  auto height = big_endian(data.substr(20));
  if (width == 0 || height == 0 || width > 20'000 || height > 20'000)
    return {};
  return {{"width", width}, {"height", height}};
}

template <class Int>
bool read_number(std::string_view text, Int& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // One spelling per file: no leading zeros or signs.
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() && text[0] != '-'
    && (text[0] != '0' || text.size() == 1);
}

} // namespace

std::vector<binary_content> attachments_of(const message& content) {
  std::vector<binary_content> files;
  if (auto* request = std::get_if<model_request>(&content)) {
    for (const auto& part : request->parts) {
      if (auto* prompt = std::get_if<user_prompt_part>(&part)) {
        if (auto* items = std::get_if<std::vector<user_content>>(&prompt->content))
          add_binaries(*items, files);
      } else if (auto* result = std::get_if<tool_return_part>(&part)) {
        add_binaries(split_tool_content(result->content).files, files);
        for (auto& file : cell_display_files(result->metadata))
          files.push_back(std::move(file));
      }
    }
  } else if (auto* response = std::get_if<model_response>(&content)) {
    for (const auto& part : response->parts) {
      if (auto* file = std::get_if<file_part>(&part))
        files.push_back(file->content);
      else if (auto* result = std::get_if<builtin_tool_return_part>(&part))
        add_binaries(split_tool_content(result->content).files, files);
    }
  }
  return files;
}

std::string attachment_url(int64_t chat_id, int64_t seq, size_t index, std::string_view media_type,
                           chat_audience audience) {
  std::string_view extension = "bin";
  for (const auto& [type, name] : extensions)
    if (type == media_type)
      extension = name;
  return chat_path(chat_id, audience) + "/files/m" + std::to_string(seq) + "-" + std::to_string(index) + "."
    + std::string(extension);
}

std::optional<attachment_name> parse_attachment_name(std::string_view name) {
  auto dash = name.find('-');
  auto dot = name.find('.');
  if (!name.starts_with('m') || dash == name.npos || dot == name.npos || dash > dot)
    return std::nullopt;
  attachment_name result;
  if (!read_number(name.substr(1, dash - 1), result.seq)
      || !read_number(name.substr(dash + 1, dot - dash - 1), result.index))
    return std::nullopt;
  auto extension = name.substr(dot + 1);
  if (extension == "bin")
    return result;
  for (const auto& entry : extensions)
    if (entry.second == extension)
      return result;
  return std::nullopt;
}

html::markup file_html(const block_place& place, size_t index, const binary_content& file, std::string_view label) {
  using html::element;
  const html::url address{attachment_url(place.chat_id, place.seq, index, file.media_type, place.audience)};
  if (is_inline_image(file.media_type))
    return element(
      "figure", {{"class", "image-output"}},
      element("a", {{"href", address}, {"target", "_blank"}},
              html::void_element("img", {{"src", address}, {"alt", label}, png_size(file.data), {"loading", "lazy"}})));
  return element("p", {{"class", "file-output"}},
                 element("a", {{"class", "file"}, {"href", address}, {"download", true}}, label), " ",
                 element("span", {{"class", "file-size"}}, file.media_type, ", ", byte_count(file.data.size())));
}

html::markup url_html(const url_content& content) {
  return html::element("p", {{"class", "file-output"}},
                       html::is_safe_link(content.url) ? html::outside_link(content.url, content.url)
                                                       : html::fragment(content.kind));
}

} // namespace varro
