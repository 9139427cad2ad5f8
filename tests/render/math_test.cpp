#include "render/blocks.hpp"
#include "render/math.hpp"

#include "tests/render/html_tags.hpp"

using namespace varro;
using namespace varro::test;

namespace {

// The formulas of an answer, in order: "i:" or "b:" and their LaTeX, white space at the ends left out.
std::vector<std::string> formulas(std::string_view markdown) {
  const auto html = markdown_to_html(markdown).str();
  std::vector<std::string> found;
  constexpr std::string_view open = "<span class=\"math ";
  for (auto at = html.find(open); at != html.npos; at = html.find(open, at + 1)) {
    const auto kind = html[at + open.size()];
    const auto from = html.find('>', at) + 1;
    auto tex = html.substr(from, html.find("</span>", from) - from);
    tex.erase(0, tex.find_first_not_of(" \n"));
    tex.erase(tex.find_last_not_of(" \n") + 1);
    found.push_back(std::string{kind} + ":" + tex);
  }
  return found;
}

using list = std::vector<std::string>;

} // namespace

TEST_CASE("a formula between parentheses or dollars may go over several lines of its paragraph") {
  CHECK(formulas("Multiline \\(\nx+y\n\\) end.") == list{"i:x+y"});
  CHECK(formulas("so \\(a\n+ b\\) and $c +\nd$ too") == list{"i:a\n+ b", "i:c +\nd"});
  CHECK(formulas("- so \\(\n  x\n  \\) end") == list{"i:x"});
  CHECK(formulas("> so \\(\n> x\n> \\) and $a\n> b$ end") == list{"i:x", "i:a\nb"});
  CHECK(formulas("(see \\( here\n\nand \\) there)").empty());
  CHECK(formulas("- write \\( in front\n- and \\) at the end").empty());
  CHECK(formulas("use $HOME\nand then so$ on").empty());
}

TEST_CASE("a displayed formula may have blank lines, paragraphs between strange delimiters are none") {
  CHECK(formulas("Formula:\n\n$$\n\nE = mc^2\n\n$$\n\nend") == list{"b:E = mc^2"});
  CHECK(formulas("\\[\n\na\n\n= b\n\n\\]") == list{"b:a\n\n= b"});
  CHECK(formulas("1. one\n\n   $$\n\n   x\n\n   $$\n\n2. two $y$") == list{"b:x", "i:y"});
  CHECK(formulas("> $$\n>\n> x\n>\n> $$\n> end $y$") == list{"b:x", "i:y"});
  CHECK(formulas("so $$\n\nx\n\n$$ holds") == list{"b:x"});
  CHECK(formulas("$$\n\n\\text{for all of them } x\n\n$$") == list{"b:\\text{for all of them } x"});
  CHECK(formulas("The shell's id is $$ here.\n\nThe parent has another one, $$ as well.").empty());
  CHECK(formulas("\\[ opens it.\n\nThe other one closes it: \\]").empty());
  CHECK(formulas("$$\n\n```\nx\n```\n\n$$").empty());
}

TEST_CASE("a formula in a quote is without the quote's marks") {
  CHECK(formulas("> Note:\n> \\[\n> x = 1\n> \\]\n> done") == list{"b:x = 1"});
  CHECK(formulas("> > $$\n> > x\n> > $$") == list{"b:x"});
  CHECK(formulas(">>\\[\n>>x\n>>\\]") == list{"b:x"});
  CHECK(formulas("> - \\[\n>   x\n>   \\]") == list{"b:x"});
  CHECK(formulas("- > $$\n  > x\n  > $$") == list{"b:x"});
  CHECK(formulas("> \\begin{align}\n> a &= b\n> \\end{align}") == list{"b:\\begin{align}\na &amp;= b\n\\end{align}"});
  // A sign at a line's start is one where no quote is.
  CHECK(formulas("$$\nx\n> 0\n$$") == list{"b:x\n&gt; 0"});
  CHECK(formulas("> $$\n> x\n> > 0\n> $$") == list{"b:x\n&gt; 0"});
  CHECK(formulas("> a \\[ b\n\nc \\] d").empty());
  CHECK(contains(markdown_to_html("> \\[\n> x\n> \\]\n> done").str(), "done</p>\n</blockquote>"));
}

TEST_CASE("code spans end as CommonMark has it, whatever stands around them") {
  const list both{"i:x^2", "i:y"};
  CHECK(formulas("```ls -la``` lists files.\n\nThen the area is $x^2$ and \\(y\\).") == both);
  CHECK(formulas("````a``` b```` c\n\n$x^2$ and \\(y\\)") == both);
  CHECK(formulas("- ```a``` b\n- $x^2$ and \\(y\\)") == both);
  CHECK(formulas("Press the ` key.\n\nThe area is $x^2$ and \\(y\\), use `code`.") == both);
  CHECK(formulas("- the ` key\n- $x^2$ and \\(y\\), `code`") == both);
  CHECK(formulas("# The ` key\n$x^2$ and \\(y\\), `code`") == both);
  CHECK(formulas("The ` key\n===\n$x^2$ and \\(y\\), `code`") == both);
  CHECK(formulas("The ` key\n-\n$x^2$ and \\(y\\), `code`") == both);
  CHECK(formulas("|the ` key|\n|-|\n    `$a$`\n\n$x^2$ and \\(y\\)") == both); // code below a table
  CHECK(formulas("> the ` key\n\n$x^2$ and \\(y\\), `code`") == both);
  CHECK(formulas("a `` b ` c $x^2$ and \\(y\\)") == both);
  CHECK(formulas("a \\` b $x^2$ and \\(y\\) `c`") == both);
  CHECK(formulas("|key|area|\n|-|-|\n| ` | $x^2$ and \\(y\\) | `c` |") == both);
  CHECK(formulas("`` ` `` $x^2$ `\\` \\(y\\)") == both);
  CHECK(formulas("`a\n$n$` $x^2$ and \\(y\\)") == both);
  CHECK(formulas("`$a$` ``\\(b\\) ` $c$`` ```$d$```").empty());
  CHECK(formulas("write \\( and close with `\\)`").empty());
}

TEST_CASE("fenced and indented code has no formulas, and what follows it does") {
  for (std::string code :
       {"```tex\n$a$\n```", "~~~\n$a$\n```\n$b$\n~~~", "````\n```\n$a$\n````", "```\n```python\n$a$\n```",
        "- ```\n  $a$\n  ```", "1. ```python\n   $a$\n   ```", "> ```\n> $a$\n> ```", "> ```\n> $a$", "- ```\n  $a$",
        "~~~ a`b\n$a$\n~~~", "    $a$\n\n    \\[\n    b\n    \\]", "- a\n\n      $a$", "```\n$a$\n``` no end\n```"}) {
    CAPTURE(code);
    CHECK(formulas(code + "\n\n$x$ after") == list{"i:x"});
  }
  CHECK(formulas("1. a\n\n   $x$") == list{"i:x"});
  CHECK(formulas("- a\n\n  - b\n\n    $x$") == list{"i:x"});
  CHECK(formulas("a\n    $x$") == list{"i:x"});
}

TEST_CASE("money is no formula on whichever side its dollars stand") {
  for (auto text : {"From $200 million to $700 million. Price: 20$/month, later 30$/month.",
                    "It is $5-10, or 20$.",
                    "US$20 or 30 US$",
                    "20 $ and 30 $",
                    "20$, 30$",
                    "20$-30$",
                    "5$/10$",
                    "$5 (was 10$)",
                    "$5/month, later 6$",
                    "(~$3B in total, in US$)",
                    "A costs 5$; B costs 6$",
                    "20 $/month or 30$/month",
                    "|a|b|\n|-|-|\n|5$|6$|",
                    "|a|b|c|\n|-|-|-|\n|$5|7|$y|",
                    "A$5 and B$",
                    "$1,000/$2k",
                    "$5 bis 10$",
                    "$5 元, 6$ 元",
                    "costs $5\nor 10$",
                    "$) and ($",
                    "- cheap: $$\n- dear: $$$\n- very: $$$$",
                    "|a|b|\n|-|-|\n| $$ | $$$ |",
                    "cheap $, mid $$, high $$$"}) {
    CAPTURE(text);
    CHECK(formulas(text).empty());
  }
  CHECK(formulas("It costs $5 and the area is $x^2$.") == list{"i:x^2"});
  CHECK(formulas("It costs \\$5, $y$ of them 10\\$.") == list{"i:y"});
}

TEST_CASE("formulas that look a little like money are formulas") {
  CHECK(formulas("$0 \\le x \\le 1$ or $0 ≤ x ≤ 1$") == list{"i:0 \\le x \\le 1", "i:0 ≤ x ≤ 1"});
  CHECK(formulas("$5 \\text{ of them}$, $2 sin x$, $3.5$, $-1$, $0, 1$") //
        == list{"i:5 \\text{ of them}", "i:2 sin x", "i:3.5", "i:-1", "i:0, 1"});
  CHECK(formulas("the $n$th, $k$-means, 2$\\pi$, a 3$x$, ($y$)") == list{"i:n", "i:k", "i:\\pi", "i:x", "i:y"});
  CHECK(formulas("$1/x + 1$, $2a/bc + 3$, $10^6$, $(1 + 2)x$, $5, 6, 7$, $[0, 1)$")
        == list{"i:1/x + 1", "i:2a/bc + 3", "i:10^6", "i:(1 + 2)x", "i:5, 6, 7", "i:[0, 1)"});
  CHECK(formulas("$x$-axis, $x$/$y$, $a$:$b$, $x={y}$, $n$-th")
        == list{"i:x", "i:x", "i:y", "i:a", "i:b", "i:x={y}", "i:n"});
  CHECK(formulas("变量$x$是 and $\\$5 + x$") == list{"i:x", "i:\\$5 + x"});
  CHECK(formulas("|a|\n|-|\n|$|x|$|") == list{"i:|x|"});
}

TEST_CASE("environments of LaTeX's mathematics are formulas by themselves") {
  for (std::string name :
       {"align",   "align*",   "equation", "equation*", "gather",      "gather*",  "alignat", "split",
        "aligned", "gathered", "cases",    "dcases",    "rcases",      "array",    "matrix",  "pmatrix",
        "bmatrix", "Bmatrix",  "vmatrix",  "Vmatrix",   "smallmatrix", "pmatrix*", "CD"}) {
    CAPTURE(name);
    const auto tex = "\\begin{" + name + "} a \\\\[2pt] c \\end{" + name + "}";
    CHECK(formulas("so " + tex + " holds") == list{"b:" + tex});
    CHECK(formulas("`" + tex + "`").empty());
  }
  CHECK(formulas("\\begin{equation}\n\n\\begin{cases}\na & $b$\n\\end{cases}\n\n\\end{equation}")
        == list{"b:\\begin{equation}\n\n\\begin{cases}\na &amp; $b$\n\\end{cases}\n\n\\end{equation}"});
  CHECK(formulas("- \\begin{align}\n  a\n  \\end{align}") == list{"b:\\begin{align}\n  a\n  \\end{align}"});
  // What the page cannot typeset is told in words that it can.
  CHECK(formulas("\\begin{eqnarray*} a \\end{eqnarray*}") == list{"b:\\begin{align*} a \\end{align*}"});
  CHECK(formulas("\\begin{multline} a \\end{multline}") == list{"b:\\begin{gather} a \\end{gather}"});
  CHECK(formulas("\\begin{displaymath} a \\end{displaymath}") == list{"b:\\begin{equation*} a \\end{equation*}"});
  CHECK(formulas("$\\begin{align} a \\end{align}$") == list{"b:\\begin{align} a \\end{align}"});
  CHECK(formulas("$$\\begin{align} a \\end{align}$$") == list{"b:\\begin{align} a \\end{align}"});
  for (auto text : {"\\begin{tabular} a \\end{tabular}", "\\begin{align} a", "\\begin{align} a \\end{gather}",
                    "\\\\begin{align} a \\end{align}", "\\end{align} \\begin{align}", "\\begin{} \\end{}"}) {
    CAPTURE(text);
    CHECK(formulas(text).empty());
  }
}

TEST_CASE("a delimiter that a backslash takes its meaning from opens and closes nothing") {
  CHECK(formulas("\\[ a \\\\[1ex] b \\]") == list{"b:a \\\\[1ex] b"});
  CHECK(formulas("\\\\(x\\\\)").empty());
  CHECK(formulas("\\$x$ and $y$") == list{"i:y"});
  CHECK(formulas("\\\\$x$") == list{"i:x"});
  CHECK(formulas("\\( a and \\(b\\)") == list{"i:b"});
}

TEST_CASE("text full of delimiters is read in one pass") {
  constexpr size_t bytes = 250'000;
  for (std::string piece : {"\\begin{align}",
                            "\\begin{align}\\end{gather}",
                            "\\end{align}",
                            "\\begin{",
                            "> \\[ a\n",
                            "> $$ not this\n\n",
                            "\\[ not this\n\n",
                            "$5 or ",
                            "1$, ",
                            "` `` ``` ",
                            "|`a`",
                            "- - - ",
                            "> > ",
                            "- a\n\n",
                            "\\( a\n",
                            "$a\n",
                            "```a`\n",
                            "~~~\n",
                            "{",
                            "\t",
                            "1. ",
                            "$a b ",
                            " "}) {
    std::string text = "|a|b|\n|-|-|\n";
    while (text.size() < bytes)
      text += piece;
    CAPTURE(piece);
    for (auto end : {"", "\\]", "\\)", "$$", "\n\n\\end{align}"})
      CHECK(protect_math(text + end).text.size() <= text.size() + 16);
  }
  std::string nested = "- a\n";
  for (int i = 1; i < 700; ++i)
    nested += std::string(static_cast<size_t>(i) * 2, ' ') + "- a\n";
  CHECK(protect_math(nested + std::string(100'000, '\n')).formulas.empty());
}
