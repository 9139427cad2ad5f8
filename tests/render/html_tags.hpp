// Reads HTML as a browser would, as far as tests of escaping need it: which tags there are, with which attributes.
#pragma once

#include <doctest/doctest.h>

#include <cctype>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varro::test {

struct tag {
  std::string name; // lower case; closing tags are left out
  std::vector<std::pair<std::string, std::string>> attributes;

  std::string get(std::string_view name_wanted) const {
    for (const auto& [name, value] : attributes)
      if (name == name_wanted)
        return value;
    return {};
  }
  bool has(std::string_view name_wanted) const {
    for (const auto& attribute : attributes)
      if (attribute.first == name_wanted)
        return true;
    return false;
  }
};

inline std::string lower(std::string_view text) {
  std::string out;
  for (char c : text)
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

inline size_t read_attributes(std::string_view html, size_t i, tag& into) {
  auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '/'; };
  while (i < html.size() && html[i] != '>') {
    if (is_space(html[i])) {
      ++i;
      continue;
    }
    std::string name;
    while (i < html.size() && !is_space(html[i]) && html[i] != '=' && html[i] != '>')
      name += html[i++];
    std::string value;
    if (i < html.size() && html[i] == '=') {
      ++i;
      char quote = i < html.size() && (html[i] == '"' || html[i] == '\'') ? html[i++] : '\0';
      while (i < html.size() && (quote ? html[i] != quote : !is_space(html[i]) && html[i] != '>'))
        value += html[i++];
      i += quote ? 1 : 0;
    }
    into.attributes.emplace_back(lower(name), value);
  }
  return i;
}

inline std::vector<tag> tags_of(std::string_view html) {
  std::vector<tag> result;
  for (size_t i = 0; i + 1 < html.size(); ++i) {
    if (html[i] != '<' || !std::isalpha(static_cast<unsigned char>(html[i + 1])))
      continue;
    tag next;
    ++i;
    while (i < html.size() && !std::isspace(static_cast<unsigned char>(html[i])) && html[i] != '>' && html[i] != '/')
      next.name += html[i++];
    next.name = lower(next.name);
    i = read_attributes(html, i, next);
    result.push_back(std::move(next));
  }
  return result;
}

inline bool is_active_url(std::string_view url) {
  auto text = lower(url);
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  return text.starts_with("javascript:") || text.starts_with("data:") || text.starts_with("vbscript:")
    || text.starts_with("//") || text.starts_with("&#");
}

// A frame for what a cell displayed: a file of the chat, which may run scripts but as a stranger.
inline bool is_display_frame(const tag& frame) {
  return frame.name == "iframe" && frame.get("src").starts_with("/chat/") && frame.get("sandbox") == "allow-scripts";
}

// Everything in it that could run or load something from elsewhere; empty when all is well.
inline std::string active_content(std::string_view html) {
  std::string found;
  for (const auto& next : tags_of(html)) {
    for (std::string_view name : {"iframe", "object", "embed", "style", "base", "applet", "frame", "template",
                                  "noscript", "math", "marquee", "video", "audio", "foreignobject", "x"})
      if (next.name == name && !is_display_frame(next))
        found += "<" + next.name + "> ";
    if (next.name == "script" && !next.get("src").starts_with("/assets/"))
      found += "<script> ";
    if (next.has("http-equiv"))
      found += "http-equiv ";
    for (const auto& [name, value] : next.attributes) {
      if (name.starts_with("on") || name == "style" || name == "srcdoc" || name.starts_with("hx-on"))
        found += next.name + " " + name + "=… ";
      if ((name == "href" || name == "src" || name == "action" || name == "formaction") && is_active_url(value))
        found += next.name + " " + name + "=" + value + " ";
      if (name == "src" && !value.starts_with("/"))
        found += next.name + " loads " + value + " ";
    }
  }
  return found;
}

inline size_t count_of(std::string_view text, std::string_view what) {
  size_t count = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size()))
    ++count;
  return count;
}

inline bool contains(std::string_view text, std::string_view what) {
  return text.find(what) != text.npos;
}

} // namespace varro::test
