#include "render/markup.hpp"

#include "tests/render/html_tags.hpp"

#include <type_traits>
#include <vector>

using namespace varro;
using namespace varro::test;
using html::element;
using html::fragment;
using html::markup;

namespace {

// No string becomes HTML by itself, in whatever form: html::trusted, with a reason, is the one way.
static_assert(!std::is_constructible_v<markup, std::string>);
static_assert(!std::is_constructible_v<markup, std::string_view>);
static_assert(!std::is_constructible_v<markup, const char*>);
static_assert(!std::is_constructible_v<markup, const char (&)[4]>);
static_assert(!std::is_assignable_v<markup&, std::string>);
static_assert(!std::is_assignable_v<markup&, const char*>);
static_assert(!std::is_constructible_v<html::trusted, std::string>);
static_assert(std::is_constructible_v<html::trusted, std::string, html::because>);
static_assert(std::is_convertible_v<html::trusted, markup>);
// It goes out as a string where that is said only, and is copied nowhere.
static_assert(!std::is_convertible_v<markup, std::string>);
static_assert(!std::is_convertible_v<markup, std::string_view>);
static_assert(!std::is_copy_constructible_v<markup> && !std::is_copy_assignable_v<markup>);
static_assert(std::is_nothrow_move_constructible_v<markup> && std::is_nothrow_move_assignable_v<markup>);
// Names are literals, addresses are of their own type. markup_refused.py has what the compiler refuses in calls.
static_assert(!std::is_constructible_v<html::tag, std::string>);
static_assert(!std::is_constructible_v<html::text_name, std::string>);
static_assert(!std::is_convertible_v<std::string, html::url>);
static_assert(!std::is_constructible_v<html::attribute, html::url_name, std::string>);
static_assert(!std::is_constructible_v<html::attribute, html::text_name, html::url>);
// Neither a flag nor a character is taken for a number.
static_assert(!std::is_constructible_v<html::content, bool>);
static_assert(!std::is_constructible_v<html::content, char>);

} // namespace

TEST_CASE("each character that means something in HTML is escaped, in text and in attributes") {
  const std::vector<std::pair<std::string, std::string>> escapes{
    {"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}, {{"\0", 1}, "\xEF\xBF\xBD"}};
  for (const auto& escape : escapes) {
    const auto& written = escape.first;
    const auto& escaped = escape.second;
    CAPTURE(written);
    for (const std::string around : {"", "a", "ü"}) {
      const auto text = around + written + around;
      const auto safe = around + escaped + around;
      CHECK(escape_html(text) == safe);
      CHECK(fragment(text).str() == safe);
      CHECK(fragment(std::string_view{text}).str() == safe);
      CHECK(element("p", text).str() == "<p>" + safe + "</p>");
      CHECK(element("p", {{"title", text}}).str() == "<p title=\"" + safe + "\"></p>");
      CHECK(html::void_element("img", {{"alt", text}}).str() == "<img alt=\"" + safe + "\">");
      markup more;
      more += text;
      CHECK(more.str() == safe);
    }
  }
  CHECK(fragment("<'\"&>").str() == "&lt;&#39;&quot;&amp;&gt;");
  const char* variable = "<b>";
  CHECK(fragment(variable).str() == "&lt;b&gt;");
}

TEST_CASE("what was escaped is not escaped again where it is put into another element") {
  auto inner = element("b", "1 < 2");
  CHECK(element("p", "a & ", inner, " & b").str() == "<p>a &amp; <b>1 &lt; 2</b> &amp; b</p>");
  markup out;
  out += "x < ";
  out += inner;
  out += std::move(inner);
  CHECK(out.str() == "x &lt; <b>1 &lt; 2</b><b>1 &lt; 2</b>");
}

TEST_CASE("elements nest, each with its end tag, attributes in the order in which they are written") {
  CHECK(element("p").str() == "<p></p>");
  CHECK(element("ul", {{"id", "l"}, {"class", "a b"}}, element("li", 1), element("li", {{"data-n", -2}}, "two")).str()
        == "<ul id=\"l\" class=\"a b\"><li>1</li><li data-n=\"-2\">two</li></ul>");
  const std::vector<std::string> names{"a", "<b>"};
  CHECK(element("ol", html::each(names, [](const auto& name) { return element("li", name); })).str()
        == "<ol><li>a</li><li>&lt;b&gt;</li></ol>");
  CHECK(html::each(std::vector<int>{}, [](int) { return element("li"); }).empty());
  CHECK(fragment(html::doctype(), "\n", element("title", "x")).str() == "<!doctype html>\n<title>x</title>");
}

TEST_CASE("an open element holds what is added while it lasts, and ends with its scope, inner ones first") {
  markup out;
  {
    html::open_element list{out, "ul", {{"class", "a < b"}}};
    out += "1 < 2";
    for (int i : {1, 2}) {
      html::open_element item{out, "li"};
      out += i;
    }
  }
  out += "after";
  CHECK(out.str() == "<ul class=\"a &lt; b\">1 &lt; 2<li>1</li><li>2</li></ul>after");
}

TEST_CASE("void elements have no end tag; a path of SVG, where there are none, closes itself") {
  CHECK(html::void_element("br").str() == "<br>");
  CHECK(html::void_element("input", {{"name", "q"}, {"required", true}}).str() == "<input name=\"q\" required>");
  CHECK(element("svg", html::void_element("path", {{"d", "M0 0"}})).str() == "<svg><path d=\"M0 0\"/></svg>");
}

TEST_CASE("attributes without a value, and such as are not there") {
  for (bool on : {true, false}) {
    CHECK(element("p", {{"hidden", on}}).str() == (on ? "<p hidden></p>" : "<p></p>"));
    CHECK(element("a", {{"aria-current", "page", on}}).str() == (on ? "<a aria-current=\"page\"></a>" : "<a></a>"));
  }
  CHECK(element("p", {{"data-x", ""}}).str() == "<p data-x=\"\"></p>");
}

TEST_CASE("attributes that were put together before stand where they are named") {
  const html::attributes swap{{"hx-swap-oob", "true"}};
  const html::attributes more{swap, {"title", "a \"b\""}};
  CHECK(element("p", {{"id", "x"}, more, {"hidden", true}}).str()
        == "<p id=\"x\" hx-swap-oob=\"true\" title=\"a &quot;b&quot;\" hidden></p>");
  CHECK(element("p", {html::attributes{}}).str() == "<p></p>");
}

TEST_CASE("an address leads to the web, to mail or into this origin, or nowhere") {
  auto href_of
    = [](std::string address) { return tags_of(element("a", {{"href", html::url(address)}}).str()).at(0).get("href"); };
  for (const std::string good : {"http://a.example/", "https://a.example/?q=1", "HTTPS://a.example",
                                 "mailto:ada@a.example", "/", "/chat/1", "/?before=1", "#", "#main", "/a:b"}) {
    CAPTURE(good);
    CHECK(html::url::allows(good));
    CHECK(href_of(good) == good);
  }
  for (const std::string bad : {"",
                                "javascript:alert(1)",
                                "JavaScript:alert(1)",
                                "java\nscript:alert(1)",
                                " javascript:alert(1)",
                                "\x01javascript:alert(1)",
                                "data:text/html,x",
                                "vbscript:x",
                                "file:///etc/passwd",
                                "//evil.example",
                                "/\\evil.example",
                                "\\\\evil.example",
                                "/a b",
                                "relative",
                                "a:b",
                                "http://",
                                "https://",
                                "mailto:",
                                "blob:x",
                                "/\t/evil.example"}) {
    CAPTURE(bad);
    CHECK_FALSE(html::url::allows(bad));
    CHECK(href_of(bad) == "#");
  }
  CHECK(element("a", {{"href", html::url("/?a=\"&b='<")}}).str() == "<a href=\"/?a=&quot;&amp;b=&#39;&lt;\"></a>");
}

TEST_CASE("what is trusted is written as it is") {
  CHECK(element("p", html::trusted("<b>&</b>", html::because::formatted_markdown)).str() == "<p><b>&</b></p>");
  CHECK(html::raw_element("style", {}, html::trusted("p > b {}", html::because::embedded_asset)).str()
        == "<style>p > b {}</style>");
  CHECK(html::raw_element("script", {{"src", html::url("/a.js")}, {"defer", true}}).str()
        == "<script src=\"/a.js\" defer></script>");
}
