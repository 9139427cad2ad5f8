#include "storage/search_text.hpp"

#include "base/utf8.hpp"
#include "models/history.hpp"
#include "models/tool_arguments.hpp"
#include "storage/limits.hpp"

#include <algorithm>
#include <array>
#include <clocale>
#include <cwctype>

namespace varro {

namespace {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

// glibc's tables, whatever the process's own locale is; nullptr leaves ASCII.
locale_t unicode_locale() {
  static auto locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

// Upper before lower case joins what has two lower-case forms, such as the two sigmas.
char32_t fold(char32_t c) {
  auto locale = unicode_locale();
  if (locale == nullptr)
    return c;
  return static_cast<char32_t>(::towlower_l(::towupper_l(static_cast<wint_t>(c), locale), locale));
}

void add_line(std::string& out, std::string_view text, size_t bytes_max) {
  if (out.size() >= search_row_bytes_max || text.empty())
    return;
  if (!out.empty())
    out += '\n';
  out += text.substr(0, std::min(bytes_max, search_row_bytes_max - out.size()));
}

void add_prompt(std::string& out, const user_prompt_part& part) {
  if (auto text = std::get_if<std::string>(&part.content)) {
    add_line(out, *text, search_row_bytes_max);
    return;
  }
  for (auto& item : std::get<std::vector<user_content>>(part.content)) {
    if (auto plain = std::get_if<std::string>(&item))
      add_line(out, *plain, search_row_bytes_max);
    else if (auto rich = std::get_if<text_content>(&item))
      add_line(out, rich->content, search_row_bytes_max);
  }
}

// Code is searched as it was written, not with the escapes of its JSON; so is any other argument that is a text.
void add_call(std::string& out, const tool_call_part& call) {
  auto arguments = read_arguments(call.args);
  if (!arguments || !arguments->is_object())
    return;
  for (auto& [name, value] : arguments->items())
    if (auto* text = value.get_ptr<const std::string*>())
      add_line(out, *text, search_tool_bytes_max);
}

struct text_of_part {
  std::string& out;

  void operator()(const user_prompt_part& part) const {
    add_prompt(out, part);
  }
  void operator()(const tool_return_part& part) const {
    add_line(out, split_tool_content(part.content).text, search_tool_bytes_max);
  }
  void operator()(const text_part& part) const {
    add_line(out, part.content, search_row_bytes_max);
  }
  void operator()(const tool_call_part& part) const {
    add_call(out, part);
  }
  template <class Other>
  void operator()(const Other&) const {}
};

} // namespace

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      out += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
      ++at;
      continue;
    }
    char32_t character = 0;
    auto length = decode_utf8(text.substr(at), character);
    if (length == 0) {
      out += text[at++];
      continue;
    }
    append_utf8(out, fold(character));
    at += length;
  }
  return out;
}

std::string searchable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    char32_t character = 0;
    auto length = decode_utf8(text.substr(at), character);
    if (length == 0 || character == 0)
      out += replacement_character;
    else
      out += text.substr(at, length);
    at += std::max<size_t>(length, 1);
  }
  return out;
}

std::string searchable_text(const message& value) {
  std::string text;
  if (auto request = std::get_if<model_request>(&value))
    for (auto& part : request->parts)
      std::visit(text_of_part{text}, part);
  else
    for (auto& part : std::get<model_response>(value).parts)
      std::visit(text_of_part{text}, part);
  return searchable(text);
}

std::vector<size_t> character_starts(std::string_view text) {
  std::vector<size_t> starts;
  for (size_t at = 0; at < text.size(); ++at)
    if (!is_continuation(text[at]))
      starts.push_back(at);
  starts.push_back(text.size());
  return starts;
}

found_text excerpt(std::string_view text, std::string_view query) {
  auto small = folded(text);
  auto at = small.find(query);
  if (at == std::string::npos)
    return {};
  // Folding keeps the number of characters, though not that of bytes.
  auto folded_starts = character_starts(small), starts = character_starts(text);
  auto index = [&](size_t byte) {
    return static_cast<size_t>(std::lower_bound(folded_starts.begin(), folded_starts.end(), byte)
                               - folded_starts.begin());
  };
  auto first = std::min(index(at), starts.size() - 1);
  auto last = std::min(index(at + query.size()), starts.size() - 1);
  auto begin = first - std::min(first, excerpt_characters_around);
  auto end = std::min(last + excerpt_characters_around, starts.size() - 1);
  auto piece
    = [&](size_t from, size_t to) { return std::string{text.substr(starts[from], starts[to] - starts[from])}; };
  return {(begin > 0 ? "…" : "") + piece(begin, first), piece(first, last),
          piece(last, end) + (end < starts.size() - 1 ? "…" : "")};
}

} // namespace varro
