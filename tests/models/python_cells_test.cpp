#include "models/offline/python_cells.hpp"

#include <doctest/doctest.h>

using namespace varro;

namespace {

using cells = std::vector<std::string>;

cells found(std::string_view message, const name_set& known = {}) {
  return python_cells(message, known);
}

bool is_code(const char* message) {
  return found(message) == cells{message};
}

} // namespace

TEST_CASE("a line that is Python is a cell") {
  for (const auto* line : {"2+2",
                           "2 + 2",
                           "24/7",
                           "2**10",
                           "import math; math.pi",
                           "x = 5",
                           "a, b = 1, 2",
                           "x += 1",
                           "x: int = 5",
                           "print(\"hi\")",
                           "print(f\"{x:.2f}\")",
                           "df.describe()",
                           "df[[\"a\", \"b\"]].mean()",
                           "[1,2,3]",
                           "{\"a\": 1}",
                           "sum([i for i in range(10)])",
                           "f = lambda x: x**2",
                           "a[:, 1]",
                           "\"a\" * 3",
                           "x == 5",
                           "3 < 4",
                           "math.pi",
                           "import numpy as np",
                           "from math import sqrt, pi",
                           "assert 1 == 2",
                           "raise ValueError(\"x\")",
                           "for i in range(3): print(i)",
                           "def f(): pass",
                           "%timeit sum(range(10))",
                           "3 in [1, 2]"})
    CHECK_MESSAGE(is_code(line), std::string{line});
}

TEST_CASE("prose is no Python, even where it looks like it") {
  for (const auto* line : {"hello",
                           "What is a list?",
                           "Make a plot of x = 5 please",
                           "What is 2+2",
                           "What is 2+2?",
                           "2+2=4",
                           "2 + 2 = ?",
                           "hello, world",
                           "(see above)",
                           "Thanks (again)",
                           "example.com",
                           "README.md",
                           "e.g. this",
                           "don't",
                           "GPT-4",
                           "COVID-19",
                           "2024-01-15",
                           "Note: this is important",
                           "Answer: yes",
                           "while waiting:",
                           "for example:",
                           "C++",
                           "C#",
                           "yes and no",
                           "and/or",
                           "me@example.com",
                           "R&D",
                           "https://example.com/a-b?c=d",
                           "- item",
                           "1. First",
                           "3D",
                           "100%",
                           "50% of 10",
                           "not sure",
                           "Python + pandas",
                           "temperature > 30",
                           "5",
                           "3.14",
                           "True",
                           "\"hello\"",
                           "print \"hi\"",
                           ":)",
                           "...",
                           "x =",
                           "1,000",
                           "10:30",
                           "if you want: call me",
                           "from Paris with love",
                           "pass",
                           "continue",
                           "unknown",
                           "ok, done; see you",
                           "Grüße",
                           "",
                           "   ",
                           "\n\n",
                           "# only a comment"})
    CHECK_MESSAGE(found(line).empty(), std::string{line});
}

TEST_CASE("a name alone is code once it exists") {
  CHECK(found("balance").empty());
  CHECK(found("balance", {"balance"}) == cells{"balance"});
  CHECK(found("sales.shape").empty());
  CHECK(found("sales.shape", {"sales"}) == cells{"sales.shape"});
  CHECK(found("temperature > 30", {"temperature"}) == cells{"temperature > 30"});
  CHECK(found("total = 3\ntotal") == cells{"total = 3\ntotal"});
}

TEST_CASE("statements of several lines stay together") {
  for (const auto* code :
       {"for i in range(3):\n    print(i)", "def f(x):\n    return x + 1\n\nf(3)", "if x > 3:\n  y\nelse:\n  z",
        "try:\n    1/0\nexcept ZeroDivisionError as e:\n    print(e)", "df = pd.DataFrame({\n  \"a\": [1],\n})\ndf",
        "with open(\"f\") as f:\n    print(f.read())", "text = '''a\nb'''", "x = 1 + \\\n  2", "@dec\ndef f(): pass",
        "# comment\nx = 1", "class A:\n  pass\n\nA()"})
    CHECK_MESSAGE(is_code(code), std::string{code});
  CHECK(found("while waiting:\nx = 1") == cells{"x = 1"});
}

TEST_CASE("prose between lines of code parts them into cells") {
  CHECK(found("Please run\nx = 5\nprint(x)\nThanks!") == cells{"x = 5\nprint(x)"});
  CHECK(found("x = 5\nand then show it\nprint(x)") == cells{"x = 5", "print(x)"});
}

TEST_CASE("fenced blocks are the cells, in order, and lines outside of them are not") {
  CHECK(found("First\n```python\nx = 1\n```\nx = 2\n```\nprint(x)\n```") == cells{"x = 1", "print(x)"});
  CHECK(found("~~~py\nx\n~~~") == cells{"x"});
  CHECK(found("```Python\nhello\n```") == cells{"hello"});
  CHECK(found("````python\n```\n````") == cells{"```"});
  CHECK(found("```python\nx = 1") == cells{"x = 1"});
  CHECK(found("  ```python\n  if x:\n    y\n  ```") == cells{"if x:\n  y"});
  CHECK(found("```python\n\n```").empty());
}

TEST_CASE("blocks of other languages are not run, nor lines beside them") {
  CHECK(found("```bash\nls -l\n```").empty());
  CHECK(found("```json\n{\"a\": 1}\n```\nx = 1").empty());
  CHECK(found("```js\nx = 1\n```\n```python\ny = 2\n```") == cells{"y = 2"});
}

TEST_CASE("prompts of an interactive session and code spans are taken off") {
  CHECK(found(">>> x = 2\n>>> x\n2") == cells{"x = 2\nx"});
  CHECK(found("```pycon\n>>> for i in y:\n...     i\n...\n1\n```") == cells{"for i in y:\n    i"});
  CHECK(found("`2+2`") == cells{"2+2"});
}

TEST_CASE("prompts in a doc string are no session") {
  for (const char* quotes : {"\"\"\"", "'''"})
    for (const char* prefix : {"", "r", "An example: "}) {
      const auto begins = prefix[0] == 'A' ? quotes + std::string{prefix} : prefix + std::string{quotes};
      const auto code = "def sq(x):\n    " + begins + "\n    >>> sq(3)\n    9\n    ... \n    " + quotes
        + "\n    return x * x\nprint(sq(4))";
      CHECK(found("```python\n" + code + "\n```") == cells{code});
      CHECK(found(code) == cells{code});
      CHECK(found("Please run\n" + code) == cells{code});
    }
  CHECK(found("```\nclass A:\n    '''>>> A()'''\n    x = 1\n```") == cells{"class A:\n    '''>>> A()'''\n    x = 1"});
  CHECK(found("```\ns = '''one'''\n>>> s\n```") == cells{"s"});
  CHECK(found("```\n# it's ''' here\n>>> s = '''\n... >>> x\n... '''\n```") == cells{"s = '''\n>>> x\n'''"});
}

TEST_CASE("windows line ends make no difference") {
  CHECK(found("x = 1\r\nprint(x)\r\n") == cells{"x = 1\nprint(x)"});
  CHECK(found("```python\r\nx = 1\r\n```\r\n") == cells{"x = 1"});
}

TEST_CASE("a text beyond the limit needs a fence, and one at the limit does not") {
  const std::string line = "x = 1\n";
  std::string code;
  while (code.size() + line.size() <= unfenced_bytes_max)
    code += line;
  code += std::string(unfenced_bytes_max - code.size(), '\n');
  CHECK(found(code).size() == 1);
  CHECK(found(code + "\n").empty());
  CHECK(found("```\n" + code + "\n```").size() == 1);
}

TEST_CASE("hostile text is looked at without end or overflow") {
  const auto repeated = [](std::string_view piece) {
    std::string text;
    while (text.size() + piece.size() <= unfenced_bytes_max)
      text += piece;
    return text;
  };
  for (const auto* piece :
       {"(\n", "\"\"\"\n", "x = [", "a=",   "a.", ";",     "a=1;", "for x in y:\n", "if ",   "lambda ", "((", "not ",
        "@",   "\\\n",     "'",     "\xFF", "x[", "```\n", "~~~",  "async ",        "1 if ", ">>> ",    "{:"})
    found(repeated(piece));
  CHECK(found(repeated("x = 1\n")).size() == 1);
}
