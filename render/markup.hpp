// HTML that escapes by construction. Text and values of attributes are escaped as they are written; names of elements
// and attributes are literals that the compiler checks; an end tag is written with its element. A string becomes HTML
// in one way only, `trusted`, which names why. Pure functions and values, any thread.
//
//   html::element("li", {{"class", "chat"}, {"data-chat", chat.id}}, chat.title, icon("dots"))
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace varro {

// For text and quoted attributes. What makes HTML escapes by itself.
std::string escape_html(std::string_view text);

} // namespace varro

namespace varro::html {

// Why a string is HTML already.
enum class because {
  formatted_markdown, // libcmark-gfm wrote it in safe mode, and links and formulas were put in (markdown.hpp)
  embedded_asset,     // a file of web/, or a piece of CSS beside the call
  inert_json,         // data for a script: no "<" or ">" is left in it
};

// The one way from a string to HTML. Each use names it, so that it can be found.
class trusted {
public:
  explicit trusted(std::string html, because why) : html_(std::move(html)) {
    static_cast<void>(why); // for who reads the call
  }
  const std::string& str() const noexcept {
    return html_;
  }

private:
  friend class markup;
  std::string html_;
};

// HTML that may stand between tags.
class markup {
public:
  markup() = default;
  markup(trusted html) : html_(std::move(html.html_)) {}
  markup(markup&&) noexcept = default;
  markup& operator=(markup&&) noexcept = default;
  markup(const markup&) = delete;
  markup& operator=(const markup&) = delete;

  // A string, a number or other markup.
  markup& operator+=(const class content& more);
  markup& operator+=(markup&& more);

  bool empty() const noexcept {
    return html_.empty();
  }
  // For who sends it away.
  const std::string& str() const& noexcept {
    return html_;
  }
  std::string str() && noexcept {
    return std::move(html_);
  }

private:
  friend struct writer;
  std::string html_;
};

// Where a browser may go: http, https, mailto, or a path or fragment of this origin. Anything else (javascript:, data:,
// //host…) becomes "#", which leads nowhere.
class url {
public:
  explicit url(std::string address);
  const std::string& str() const noexcept {
    return address_;
  }

  static bool allows(std::string_view address);

private:
  std::string address_;
};

// --- names and literals: known when it is compiled -------------------------------------------------------------------

namespace check {

constexpr bool any_of(std::string_view name, std::initializer_list<std::string_view> names) {
  for (auto each : names)
    if (name == each)
      return true;
  return false;
}

// Letters, digits and "-". SVG has names with capitals.
constexpr bool is_name(std::string_view name) {
  for (char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'))
      return false;
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z';
}

constexpr bool is_void(std::string_view name) {
  return any_of(
    name,
    {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "path"}); // "path" is SVG's
}

// Their content is not HTML: escaping means nothing there.
constexpr bool is_raw(std::string_view name) {
  return any_of(name, {"script", "style"});
}

// Addresses, for which browsers or htmx ask.
constexpr bool is_address(std::string_view name) {
  return any_of(name,
                {"action", "background", "cite", "data", "data-stream-url", "formaction", "href", "hx-delete", "hx-get",
                 "hx-patch", "hx-post", "hx-push-url", "hx-put", "manifest", "ping", "poster", "src"});
}

// Values that are code, documents or settings of the page, in whatever spelling.
constexpr bool is_active(std::string_view name) {
  auto starts_with = [name](std::string_view start) {
    for (size_t i = 0; i < start.size(); ++i)
      if (i >= name.size() || (name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]) != start[i])
        return false;
    return true;
  };
  for (std::string_view start : {"on", "hx-on", "hx-vars", "style", "srcdoc", "srcset", "http-equiv"})
    if (starts_with(start))
      return true;
  return false;
}

} // namespace check

class tag {
public:
  consteval tag(const char* name) : name_(name) {
    if (!check::is_name(name_))
      throw "this is no name of an element";
    if (check::is_void(name_))
      throw "this element has no content: use void_element()";
    if (check::is_raw(name_))
      throw "the content of this element is no HTML: use raw_element()";
    if (check::any_of(
          name_,
          {"base", "embed", "iframe", "noembed", "noframes", "noscript", "object", "plaintext", "template", "xmp"}))
      throw "this element does more than to hold its content";
  }
  constexpr std::string_view name() const noexcept {
    return name_;
  }

private:
  std::string_view name_;
};

// Elements that have no content and no end tag.
class void_tag {
public:
  consteval void_tag(const char* name) : name_(name) {
    if (!check::is_void(name_))
      throw "this element has content: use element()";
  }
  constexpr std::string_view name() const noexcept {
    return name_;
  }

private:
  std::string_view name_;
};

// Elements whose content is not HTML or is not shown: "script", "style", "iframe".
class raw_tag {
public:
  consteval raw_tag(const char* name) : name_(name) {
    if (!check::is_raw(name_) && name_ != "iframe")
      throw "the content of this element is HTML: use element()";
  }
  constexpr std::string_view name() const noexcept {
    return name_;
  }

private:
  std::string_view name_;
};

// Of an attribute whose value is text.
class text_name {
public:
  consteval text_name(const char* name) : name_(name) {
    if (!check::is_name(name_))
      throw "this is no name of an attribute";
    if (check::is_address(name_))
      throw "the value of this attribute is an address: give it a url";
    if (check::is_active(name_))
      throw "the value of this attribute is more than text";
  }
  constexpr std::string_view name() const noexcept {
    return name_;
  }

private:
  std::string_view name_;
};

// Of an attribute whose value is a literal only.
class fixed_name {
public:
  consteval fixed_name(const char* name) : name_(name) {
    if (name_ != "style")
      throw "the value of this attribute is text";
  }
  constexpr std::string_view name() const noexcept {
    return name_;
  }

private:
  std::string_view name_;
};

// A literal.
class fixed {
public:
  consteval explicit fixed(const char* value) : value_(value) {}
  constexpr std::string_view value() const noexcept {
    return value_;
  }

private:
  std::string_view value_;
};

// Of an attribute whose value is an address.
class url_name {
public:
  consteval url_name(const char* name) : name_(name) {
    if (!check::is_address(name_))
      throw "the value of this attribute is no address";
  }
  constexpr std::string_view name() const noexcept {
    return name_;
  }

private:
  std::string_view name_;
};

// --- attributes ------------------------------------------------------------------------------------------------------

template <class T>
concept text_like = std::convertible_to<const T&, std::string_view>;
template <class T>
concept number_like = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

// One attribute, or several that were put together before. Refers to its value: it is for the list of arguments of one
// call.
class attribute {
public:
  // Written only where `present`.
  template <text_like Text>
  attribute(text_name name, const Text& value, bool present = true)
    : name_(name.name()), value_(value), kind_(present ? kind::text : kind::absent) {}
  template <number_like Number>
  attribute(text_name name, Number value) : name_(name.name()), number_(value), kind_(kind::number) {}
  attribute(url_name name, const url& value) : name_(name.name()), value_(value.str()), kind_(kind::text) {}
  attribute(fixed_name name, fixed value) : name_(name.name()), value_(value.value()), kind_(kind::text) {}
  // Without a value.
  template <std::same_as<bool> Flag>
  attribute(text_name name, Flag present) : name_(name.name()), kind_(present ? kind::flag : kind::absent) {}
  attribute(const class attributes& several);

  void append_to(std::string& html) const;

private:
  enum class kind { absent, flag, text, number, several };
  std::string_view name_;
  std::string_view value_;
  int64_t number_ = 0;
  kind kind_ = kind::absent;
};

class attributes {
public:
  attributes() = default;
  attributes(std::initializer_list<attribute> list);

private:
  friend class attribute;
  std::string html_;
};

// --- elements --------------------------------------------------------------------------------------------------------

// What stands in an element: text, a number or markup. Refers to it, as `attribute` does.
class content {
public:
  content(const markup& html) : bytes_(html.str()), kind_(kind::html) {}
  template <text_like Text>
  content(const Text& text) : bytes_(text), kind_(kind::text) {}
  template <number_like Number>
  content(Number number) : number_(number), kind_(kind::number) {}

  void append_to(std::string& html) const;
  size_t size() const noexcept { // about
    return bytes_.size();
  }

private:
  enum class kind { html, text, number };
  std::string_view bytes_;
  int64_t number_ = 0;
  kind kind_;
};

namespace detail {
markup element(std::string_view name, std::initializer_list<attribute> attributes,
               std::initializer_list<content> contents);
markup fragment(std::initializer_list<content> contents);
} // namespace detail

template <class... Contents>
markup element(tag name, std::initializer_list<attribute> attributes, const Contents&... contents) {
  return detail::element(name.name(), attributes, {content(contents)...});
}

template <class... Contents>
markup element(tag name, const Contents&... contents) {
  return detail::element(name.name(), {}, {content(contents)...});
}

// An element that lasts as long as this object: what is added to `out` meanwhile stands in it. For what is large,
// because element() copies its content. REQUIRES: `out` outlives it.
class open_element {
public:
  open_element(markup& out, tag name, std::initializer_list<attribute> attributes = {});
  ~open_element();
  open_element(const open_element&) = delete;
  open_element& operator=(const open_element&) = delete;

private:
  markup& out_;
  tag name_;
};

markup void_element(void_tag name, std::initializer_list<attribute> attributes = {});

// A script, a style sheet, or a frame with a document of its own.
markup raw_element(raw_tag name, std::initializer_list<attribute> attributes);
markup raw_element(raw_tag name, std::initializer_list<attribute> attributes, trusted source);

// <!doctype html>
markup doctype();

// One after the other, without an element around them.
template <class... Contents>
markup fragment(const Contents&... contents) {
  return detail::fragment({content(contents)...});
}

// What `make` makes of each, one after the other.
template <class Range, class Make>
markup each(const Range& range, Make make) {
  markup all;
  for (const auto& one : range)
    all += make(one);
  return all;
}

} // namespace varro::html
