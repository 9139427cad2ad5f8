#include "render/markdown.hpp"
#include "render/math.hpp"

#include "tests/render/html_tags.hpp"

using namespace varro;
using namespace varro::test;

namespace {

std::string repeated(std::string_view text, size_t bytes) {
  std::string out;
  while (out.size() + text.size() <= bytes)
    out += text;
  return out;
}

} // namespace

TEST_CASE("Markdown of GitHub's kind becomes HTML") {
  CHECK(contains(markdown_to_html("**b** *i* ~~s~~ `c`").str(),
                 "<strong>b</strong> <em>i</em> <del>s</del> <code>c</code>"));
  CHECK(contains(markdown_to_html("|a|b|\n|:-|-:|\n|1|2|").str(), "<td align=\"right\">2</td>"));
  CHECK(contains(markdown_to_html("- [x] done").str(), "type=\"checkbox\""));
  CHECK(contains(markdown_to_html("```python\nx<1\n```").str(), "<code class=\"language-python\">x&lt;1"));
  CHECK(contains(markdown_to_html("|a|\n|-|\n|1<br>2|").str(), "1<br>2"));
}

TEST_CASE("links leave the page without handing it over") {
  for (auto text : {"[a](https://example.org/x)", "<https://example.org/x>", "see https://example.org/x there"}) {
    CAPTURE(text);
    auto html = markdown_to_html(text).str();
    CHECK(contains(html, "href=\"https://example.org/x\""));
    CHECK(contains(html, "rel=\"noopener noreferrer nofollow\""));
    CHECK(contains(html, "target=\"_blank\""));
  }
}

TEST_CASE("links that would run something or leave out the host are not links") {
  for (auto text :
       {"[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))", "[a](java&#10;script:alert(1))", "[a](<java script:x>)",
        "[a](data:text/html;base64,PHNjcmlwdD4=)", "[a](data:image/png;base64,AAAA)", "[a](vbscript:x)",
        "[a](file:///etc/passwd)", "[a](//evil.example/x)", "[a](/\\evil.example)", "<javascript:alert(1)>",
        "[a][r]\n\n[r]: javascript:alert(1)", "![a](javascript:alert(1))", "[a](&#x6A;avascript:alert(1))",
        "[a](\x01javascript:alert(1))", "[a](blob:x)"}) {
    CAPTURE(text);
    auto html = markdown_to_html(text).str();
    CHECK(!contains(html, "href="));
    CHECK(!contains(html, "src="));
  }
}

TEST_CASE("images of other sites become links, images of the chat are shown") {
  auto html = markdown_to_html("![a plot](https://example.org/t.png \"t\")").str();
  CHECK(!contains(html, "<img"));
  CHECK(contains(html, "href=\"https://example.org/t.png\""));
  CHECK(contains(html, ">a plot</a>"));
  CHECK(contains(markdown_to_html("![](https://example.org/t.png)").str(), ">https://example.org/t.png</a>"));
  CHECK(contains(markdown_to_html("![x](/chat/1/files/m1-0.png)").str(),
                 "<img loading=\"lazy\" src=\"/chat/1/files/m1-0.png\""));
  CHECK(!contains(markdown_to_html("![x](/logout)").str(), "<img"));
  CHECK(!contains(markdown_to_html("![x](/chat/1/files/../../../logout)").str(), "<img"));
  // A link around an image stays one link.
  CHECK(count_of(markdown_to_html("[![x](https://a.example/i.png)](https://b.example)").str(), "<a ") == 1);
}

TEST_CASE("HTML of the model is shown, never obeyed") {
  for (auto text : {"<script>alert(1)</script>",
                    "a <img src=x onerror=alert(1)> b",
                    "<div onclick=x>\n\n# t\n\n</div>",
                    "<iframe src=//evil></iframe>",
                    "<style>*{}</style>",
                    "<svg><script>x</script></svg>",
                    "<x:y a=b>",
                    "<!-- <script> -->",
                    "<?php x ?>",
                    "<![CDATA[<script>]]>",
                    "|a|\n|-|\n|<img src=x onerror=y>|",
                    "> <script>x</script>",
                    "- <base href=//evil>",
                    "[<img src=x onerror=y>](https://a.example)",
                    "```\"onload=x\n</code><script>x</script>\n```",
                    "# <form action=//evil>",
                    "[a](https://a.example \"\\\" onclick=x\")",
                    "[a](https://a.example/\"onclick=x)",
                    "![<b>\" onerror=x](/chat/1/files/a.png)",
                    "\\<script\\>",
                    "&lt;script&gt;x",
                    "&#60;script&#62;"}) {
    CAPTURE(text);
    CHECK(active_content(markdown_to_html(text).str()) == "");
  }
  CHECK(contains(markdown_to_html("a <b>bold</b>").str(), "&lt;b&gt;bold&lt;/b&gt;"));
}

TEST_CASE("formulas reach the browser as they were written") {
  CHECK(markdown_to_html("so $a_1 + b_2 * c^*$ holds").str()
        == "<p>so <span class=\"math inline\">a_1 + b_2 * c^*</span> holds</p>\n");
  CHECK(contains(markdown_to_html("$$\nx < y \\\\\n\\frac{1}{2}\n$$").str(),
                 "<span class=\"math block\">\nx &lt; y \\\\\n\\frac{1}{2}\n</span>"));
  CHECK(contains(markdown_to_html("\\(a_i\\) and \\[b_i\\]").str(),
                 "<span class=\"math inline\">a_i</span> and <span class=\"math block\">b_i</span>"));
  CHECK(contains(markdown_to_html("|f|\n|-|\n|$x_1$|").str(), "<span class=\"math inline\">x_1</span>"));
}

TEST_CASE("money, code and escapes are not formulas") {
  for (auto text : {"it costs $5 and $10", "`$x$`", "```\n$x$\n```", "    $x$", "\\$x\\$", "$ x $", "$20-$30", "a $x",
                    "~~~\n\\(x\\)\n~~~", "$$\n\nnot this\n\n$$", "``$x$ ` $y$``"}) {
    CAPTURE(text);
    CHECK(!contains(markdown_to_html(text).str(), "math"));
  }
  CHECK(contains(markdown_to_html("`$x_1$`").str(), "<code>$x_1$</code>"));
  CHECK(contains(markdown_to_html("[a](https://a.example/$x$)").str(), "href=\"https://a.example/$x$\""));
}

TEST_CASE("a formula cannot carry markup out of an attribute or into the page") {
  for (auto text :
       {"$<script>alert(1)</script>$", "[a](https://a.example \"$\\\" onclick=alert(1) x$\")",
        "![$\" onerror=alert(1) x=$](/chat/1/files/a.png)", "![<br>$ onerror=alert(1) $x$](/chat/1/files/a.png)",
        "![<br>$\"onerror=alert(1)$](/chat/1/files/a.png)", "$$<img src=x onerror=y>$$", "<a title=\"$x$\" onclick=y>",
        "[$x$](javascript:$y$)", "```$x$\n```"}) {
    CAPTURE(text);
    CHECK(active_content(markdown_to_html(text).str()) == "");
  }
}

TEST_CASE("nobody can write a placeholder") {
  CHECK(!contains(markdown_to_html("$x$ \xEE\x80\x80"
                                   "0\xEE\x80\x81 \xEE\x80\x82")
                    .str(),
                  "<br>"));
  CHECK(count_of(markdown_to_html("$x$ \xEE\x80\x80"
                                  "0\xEE\x80\x81")
                   .str(),
                 "math")
        == 1);
}

TEST_CASE("too much Markdown is shown as it is") {
  auto limit = size_t{256} << 10;
  CHECK(contains(markdown_to_html("**b**" + repeated("x", limit - 5)).str(), "<strong>"));
  auto plain = markdown_to_html("**b**" + repeated("x", limit - 4)).str();
  CHECK(plain.starts_with("<pre class=\"plain\">**b**"));
  CHECK(markdown_to_html(repeated(">", 200)).str().starts_with("<pre class=\"plain\">"));
  CHECK(contains(markdown_to_html(repeated(">", 20)).str(), "<blockquote>"));
}

// A quadratic parse of any of these would outlast the test's time limit many times over.
TEST_CASE("hostile Markdown stays bounded") {
  auto limit = size_t{256} << 10;
  std::vector<std::string> texts;
  for (auto piece : {">",        "> ",          "- ",     "* a\n",      "[",  "![",   "[a](", "[a](<b", "*a ",
                     "**a _b ",  "`",           "``a",    "a`b``c",     "<",  "<a ",  "<!--", "<?",     "<![CDATA[",
                     "<!A ",     "|",           "|a",     "|a\n",       "~",  "~~a ", "$",    "$a ",    "$$",
                     "$$a\n\n",  "\\(",         "\\[",    "\\[\\]\n\n", "&",  "&#1;", "a@b.", "www.",   "http://a",
                     "http://(", "]\n[a]: u\n", "[^a]: ", "1. ",        "\t", "_a__", "[x]",  "- [ ] ", "\xEE\x80\x80",
                     "***a",     "[a]:\\",      "a\n=",   "![l"})
    texts.push_back(repeated(piece, limit));
  texts.push_back("|" + repeated("a|", 20'000) + "\n|" + repeated("-|", 20'000) + "\n" + repeated("a\n", 200'000));
  texts.push_back(repeated("|a|b|c\n|-|-|-\n", limit));
  std::string nested;
  for (int i = 0; i < 700; ++i)
    nested += repeated(" ", static_cast<size_t>(i)) + "- a\n";
  texts.push_back(nested);
  for (const auto& text : texts) {
    auto html = markdown_to_html(text).str();
    CAPTURE(text.substr(0, 24));
    CHECK(html.size() < 64 * limit);
    CHECK(active_content(html) == "");
  }
}
