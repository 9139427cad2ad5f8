#include "storage/search_text.hpp"

#include <clocale>
#include <cwctype>

namespace varro {

namespace {

// glibc's tables, whatever the process's own locale is; nullptr leaves ASCII.
locale_t unicode_locale() {
  static auto locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

// Length of the well-formed UTF-8 sequence at the start of `text`, with its character; 0 for anything else.
size_t decode(std::string_view text, char32_t& character) {
  auto byte = [&](size_t index) { return static_cast<unsigned char>(text[index]); };
  auto first = byte(0);
  size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size())
    return 0;
  if (length == 1) {
    character = first;
    return 1;
  }
  character = first & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
    character = (character << 6) | (byte(i) & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  auto surrogate = character >= 0xD800 && character < 0xE000;
  return character < least[length] || surrogate || character > 0x10FFFF ? 0 : length;
}

void append(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

// Upper before lower case joins what has two lower-case forms, such as the two sigmas.
char32_t fold(char32_t c) {
  auto locale = unicode_locale();
  if (locale == nullptr)
    return c;
  return static_cast<char32_t>(::towlower_l(::towupper_l(static_cast<wint_t>(c), locale), locale));
}

void add_line(std::string& out, std::string_view text) {
  if (!out.empty())
    out += '\n';
  out += text;
}

void add_prompt(std::string& out, const user_prompt_part& part) {
  if (auto text = std::get_if<std::string>(&part.content)) {
    add_line(out, *text);
    return;
  }
  for (auto& item : std::get<std::vector<user_content>>(part.content)) {
    if (auto plain = std::get_if<std::string>(&item))
      add_line(out, *plain);
    else if (auto rich = std::get_if<text_content>(&item))
      add_line(out, rich->content);
  }
}

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
    auto length = decode(text.substr(at), character);
    if (length == 0) {
      out += text[at++];
      continue;
    }
    append(out, fold(character));
    at += length;
  }
  return out;
}

std::string searchable_text(const message& value) {
  std::string text;
  if (auto request = std::get_if<model_request>(&value)) {
    for (auto& part : request->parts)
      if (auto prompt = std::get_if<user_prompt_part>(&part))
        add_prompt(text, *prompt);
  } else {
    for (auto& part : std::get<model_response>(value).parts)
      if (auto answer = std::get_if<text_part>(&part))
        add_line(text, answer->content);
  }
  return folded(text);
}

} // namespace varro
