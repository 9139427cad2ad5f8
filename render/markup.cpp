#include "render/markup.hpp"

#include <array>
#include <charconv>

namespace varro {

namespace {

// Parsers treat NUL differently from state to state; nobody needs it.
constexpr std::string_view instead_of_nul = "\xEF\xBF\xBD";

constexpr std::string_view escape_of(char c) {
  switch (c) {
  case '&':
    return "&amp;";
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '"':
    return "&quot;";
  case '\'':
    return "&#39;";
  case '\0':
    return instead_of_nul;
  default:
    return {};
  }
}

constexpr auto escaped_bytes = [] {
  std::array<bool, 256> table{};
  for (char c : {'&', '<', '>', '"', '\'', '\0'})
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

void append_escaped(std::string& html, std::string_view text) {
  size_t written = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!escaped_bytes[static_cast<unsigned char>(text[i])])
      continue;
    html += text.substr(written, i - written);
    html += escape_of(text[i]);
    written = i + 1;
  }
  html += text.substr(written);
}

void append_number(std::string& html, int64_t number) {
  std::array<char, 24> digits;
  html.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append_tag(std::string& html, std::string_view name, std::initializer_list<html::attribute> attributes) {
  html += '<';
  html += name;
  for (const auto& each : attributes)
    each.append_to(html);
}

void append_end(std::string& html, std::string_view name) {
  html += "</";
  html += name;
  html += '>';
}

} // namespace

std::string escape_html(std::string_view text) {
  std::string html;
  html.reserve(text.size() + text.size() / 8);
  append_escaped(html, text);
  return html;
}

} // namespace varro

namespace varro::html {

// Browsers drop white space and control characters inside a scheme: "java\nscript:" must not pass as a relative path.
bool url::allows(std::string_view address) {
  for (char c : address)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return false;
  for (std::string_view scheme : {"http://", "https://", "mailto:"}) {
    if (address.size() <= scheme.size())
      continue;
    bool same = true;
    for (size_t i = 0; i < scheme.size(); ++i)
      same = same && (address[i] >= 'A' && address[i] <= 'Z' ? address[i] - 'A' + 'a' : address[i]) == scheme[i];
    if (same)
      return true;
  }
  return address.starts_with('#')
    || (address.starts_with('/') && !address.starts_with("//") && !address.starts_with("/\\"));
}

url::url(std::string address) : address_(allows(address) ? std::move(address) : "#") {}

markup& markup::operator+=(const content& more) {
  more.append_to(html_);
  return *this;
}

markup& markup::operator+=(markup&& more) {
  if (html_.empty())
    html_ = std::move(more.html_);
  else
    html_ += more.html_;
  return *this;
}

attribute::attribute(const attributes& several) : value_(several.html_), kind_(kind::several) {}

void attribute::append_to(std::string& html) const {
  if (kind_ == kind::absent)
    return;
  if (kind_ == kind::several) {
    html += value_;
    return;
  }
  html += ' ';
  html += name_;
  if (kind_ == kind::flag)
    return;
  html += "=\"";
  if (kind_ == kind::number)
    append_number(html, number_);
  else
    append_escaped(html, value_);
  html += '"';
}

attributes::attributes(std::initializer_list<attribute> list) {
  for (const auto& each : list)
    each.append_to(html_);
}

void content::append_to(std::string& html) const {
  if (kind_ == kind::number)
    append_number(html, number_);
  else if (kind_ == kind::text)
    append_escaped(html, bytes_);
  else
    html += bytes_;
}

// What only this file may do.
struct writer {
  static markup done(std::string html) {
    markup result;
    result.html_ = std::move(html);
    return result;
  }
  static std::string& html_of(markup& of) {
    return of.html_;
  }
};

namespace {

size_t bytes_of(std::initializer_list<content> contents) {
  size_t bytes = 0;
  for (const auto& each : contents)
    bytes += each.size();
  return bytes;
}

} // namespace

markup detail::element(std::string_view name, std::initializer_list<attribute> attributes,
                       std::initializer_list<content> contents) {
  constexpr size_t bytes_of_tags = 64;
  std::string html;
  html.reserve(bytes_of(contents) + bytes_of_tags);
  append_tag(html, name, attributes);
  html += '>';
  for (const auto& each : contents)
    each.append_to(html);
  append_end(html, name);
  return writer::done(std::move(html));
}

markup detail::fragment(std::initializer_list<content> contents) {
  std::string html;
  html.reserve(bytes_of(contents));
  for (const auto& each : contents)
    each.append_to(html);
  return writer::done(std::move(html));
}

open_element::open_element(markup& out, tag name, std::initializer_list<attribute> attributes)
  : out_(out), name_(name) {
  append_tag(writer::html_of(out_), name_.name(), attributes);
  writer::html_of(out_) += '>';
}

open_element::~open_element() {
  append_end(writer::html_of(out_), name_.name());
}

markup void_element(void_tag name, std::initializer_list<attribute> attributes) {
  std::string html;
  append_tag(html, name.name(), attributes);
  html += name.name() == "path" ? "/>" : ">"; // SVG has no void elements
  return writer::done(std::move(html));
}

markup raw_element(raw_tag name, std::initializer_list<attribute> attributes) {
  return detail::element(name.name(), attributes, {});
}

markup raw_element(raw_tag name, std::initializer_list<attribute> attributes, trusted source) {
  const markup content{std::move(source)};
  return detail::element(name.name(), attributes, {content});
}

markup doctype() {
  return writer::done("<!doctype html>");
}

} // namespace varro::html
