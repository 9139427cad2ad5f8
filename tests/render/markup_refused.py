"""What render/markup.hpp makes the compiler refuse. Usage: markup_refused.py COMPILER [FLAG...]

Each line of code is compiled alone in one function. Those that are good show that the others are not refused for
something else.
"""

import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPILER = sys.argv[1:] or ["c++"]

GIVEN = """#include "render/markup.hpp"
using namespace varro;
html::markup of(const std::string& string, const char* pointer, const html::markup& made) {
  static_cast<void>(string), static_cast<void>(pointer), static_cast<void>(made);
  using html::because, html::element, html::trusted, html::url;
  return %s;
}
"""

GOOD = [
    'element("p", string, pointer, made, 7, "literal")',
    'element("p", {{"class", string}, {"data-n", 7}, {"hidden", true}}, made)',
    'element("a", {{"href", url(string)}}, string)',
    'html::void_element("input", {{"name", "q"}})',
    'html::raw_element("script", {{"src", url("/a.js")}})',
    'html::raw_element("script", {}, trusted(string, because::inert_json))',
    'element("p", {{"style", html::fixed("color: red")}})',
    'trusted(string, because::embedded_asset)',
]
REFUSED = {
    "a string as HTML": "string",
    "a pointer as HTML": "pointer",
    "a literal as HTML": '"<b>"',
    "a string that is said to be HTML": "html::markup(string)",
    "HTML that is copied": "made",
    "trust without a reason": "trusted(string)",
    "an element with a name of the running program": "element(pointer)",
    "an element with a string as its name": "element(string.c_str())",
    "a name that is none": 'element("p onclick=x")',
    "an attribute with a name of the running program": 'element("p", {{pointer, "x"}})',
    "an attribute with a name that is none": 'element("p", {{"a b", "x"}})',
    "a flag as content": 'element("p", true)',
    "code as text": 'element("p", {{"onclick", string}})',
    "code as text, in another spelling": 'element("p", {{"onClick", string}})',
    "a style as text": 'element("p", {{"style", string}})',
    "a document as text": 'html::raw_element("iframe", {{"srcdoc", string}})',
    "an address that is a string": 'element("a", {{"href", string}})',
    "an address that is a literal": 'element("a", {{"href", "/"}})',
    "an address of htmx that is a string": 'element("a", {{"hx-get", string}})',
    "text that is an address": 'element("a", {{"title", url("/")}})',
    "a void element with content": 'html::void_element("br", {}, "x")',
    "a void element as another": 'element("br")',
    "another element as a void one": 'html::void_element("p")',
    "a script with text": 'element("script", string)',
    "a raw script with a string": 'html::raw_element("script", {}, string)',
    "trust that is not named": 'html::raw_element("script", {}, {string, because::inert_json})',
    "a style that is no literal": 'element("p", {{"style", html::fixed(pointer)}})',
    "a frame with content": 'element("iframe", string)',
}


def compiles(expression: str) -> bool:
    done = subprocess.run([*COMPILER, "-std=c++20", f"-I{ROOT}", "-fsyntax-only", "-x", "c++", "-"],
                          input=GIVEN % expression, text=True, capture_output=True, check=False)
    return done.returncode == 0


class Refusals(unittest.TestCase):
    def test_what_is_good_compiles(self):
        for expression in GOOD:
            with self.subTest(expression):
                self.assertTrue(compiles(expression))

    def test_what_could_become_unescaped_html_does_not(self):
        for what, expression in REFUSED.items():
            with self.subTest(what):
                self.assertFalse(compiles(expression))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
