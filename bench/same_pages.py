#!/usr/bin/env python3
"""Two versions of Varro side by side: the same messages to each, and what each sends of them, byte for byte.

    python3 bench/same_pages.py BEFORE AFTER [--build build]

BEFORE and AFTER are binaries `varro`. Both get the same script from one `varro-model`; compared are the replies to
sends, every event of the streams, and every page and list that a browser asks for. Only what no two runs have in
common is made equal first: times of day, how long a cell took, and tokens of forms. Prints each difference, and how
much was compared; the exit code is 1 if there is any.
"""

import argparse
import contextlib
import difflib
import os
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))

CHART = ("from IPython.display import display\ndisplay({'application/vnd.plotly.v1+json': {'data': [{'type': 'bar', "
         "'y': [1, 2]}], 'layout': {}}, 'text/plain': 'a bar'}, raw=True)")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
CELLS = [
    "print('<b>out</b> & \\x1b[31mred\\x1b[0m')",
    "import sys; print('err <', file=sys.stderr); 1 < 2",
    "import pandas as pd\npd.DataFrame({'<a>': [1, 2], 'b\"': ['x & y', None]})",
    "import pandas as pd\npd.DataFrame({f'c{i}': range(300) for i in range(30)})",
    "import matplotlib.pyplot as plt\nplt.figure(figsize=(2, 1)); plt.plot([1, 3, 2]); plt.title('t <'); plt.show()",
    "from IPython.display import HTML, Markdown, SVG, Latex, display\n"
    "display(HTML('<i>frame</i>')); display(Markdown('**bold** $x$')); display(Latex('$$y^2$$'))",
    CHART,
    "def f():\n    raise ValueError('<bad> & \"worse\"')\nf()",
    "this is no python",
    "open('a b & <c>.csv', 'w').write('x,y\\n1,2\\n'); open('d.txt', 'w').write('d')",
    "for i in range(3000): print(i, '<' * 10)",
    "input('name? ')",
    f"print({HOSTILE!r})\n{HOSTILE!r}",
]
TEXTS = [
    "# Head <1>\n\n| a | b |\n|---|:-:|\n| 1 | `x<y` |\n\n- [x] done\n- [ ] open\n\n```python\nprint('<&>')\n```",
    "Inline $a < b$ and\n\n$$\\sum_{i=1}^n i$$\n\nand \\(c\\) and \\[d\\] and $5 and $6, `$e$`.",
    f"{HOSTILE} <b>bold</b> [in](javascript:alert(1)) [out](https://example.org/?a=1&b=2) ![p](plot.png) [f](d.txt)",
    "~~gone~~ https://example.org/a?b=c&d=e *it* __bold__\n\n> quote\n> more\n\n1. one\n2. two\n   1. deep\n\n---\n",
    "![remote](https://example.org/x.png) [relative](a%20b) [abs](/etc/passwd) <https://example.org> \\<i\\>",
    "\u202eright-to-left\u202c \ufeff end &lt; &amp;amp;",
    "| a |\n|-|\n" + "| x |\n" * 50,
    "a" * 5000 + "\n\n" + "line  \n" * 200,
]


def turns():
    """The messages of several chats."""
    from cells import python

    yield [f"{HOSTILE} cell {n} [[thinking: I look <there>.]] {python(code)}" for n, code in enumerate(CELLS)]
    yield [f"Text {n}\n\nof *two* lines [[text: {text}]]" for n, text in enumerate(TEXTS)]
    yield ["Failing [[error: 400]]", "Refused [[refusal: not <that>]]", "Cut short [[text: half]] [[stop: length]]",
           "Retried [[error: 529 x1]] [[text: then it answered]]", "Broken [[stream-error: 500]]",
           'A wrong tool [[tool: nothing {"a": "<"}]] [[text: so]]', "Raw [[python-args: {\"code\": 1}]]",
           "No JSON [[python-args: {\"code]]",
           f"Two {python('1')}{python('print(2)')}[[text: both]]"]


def made_equal(text):
    for pattern, instead in [
        (r'datetime="[^"]*">[^<]*<', 'datetime="">when<'),
        (r'datetime="[^"]*"', 'datetime=""'),
        (r'(class="tool-time">)[^<]*', r"\1time"),
        (r'(name="csrf" value=")[^"]*', r"\1token"),
        (r'(name="csrf-token" content=")[^"]*', r"\1token"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:port"),
        (r"\b(toolu|msg|req)_[0-9A-Za-z]+", r"\1_id"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:[\d.]+(Z|\+00:00)", "when"),
        (r'("(signature|duration_us|duration)\\*": ?)("[^"]*"|[\d.]+)', r"\1equal"),
    ]:
        text = re.sub(pattern, instead, text)
    return text


class Recording:
    def __init__(self):
        self.parts = []

    def add(self, what, text):
        self.parts.append((what, made_equal(text)))

    def reply(self, what, reply):
        headers = "".join(f"{name}: {value}\n" for name, value in sorted(reply.headers.items())
                          if name not in {"date", "content-length", "set-cookie", "etag"})
        body = reply.body.decode(errors="replace")
        self.add(what, f"{reply.status}\n{headers}\n{body}")


def record(binary, model):
    import harness

    recording = Recording()
    with tempfile.TemporaryDirectory(prefix="varro-pages-") as directory, contextlib.ExitStack() as stack:
        data = pathlib.Path(directory) / "data"
        server = harness.Varro(data, model, binary=binary)
        stack.callback(server.stop)
        client = harness.Client(server)
        recording.reply("GET / of nobody's chats", client.get("/"))
        chats = []
        for messages in turns():
            chat = None
            for message in messages:
                name = f"chat {len(chats) + 1}, {message[:40]!r}"
                reply = client.send(message, chat)
                recording.reply(f"{name}: reply", reply)
                if reply.status != 200:
                    continue
                chat = reply.chat_id
                for event in client.events(chat, after=reply.after):
                    # What a stream tells while it waits depends on when it looks.
                    if event.name != "progress":
                        recording.add(f"{name}: event {event.id} {event.name}", event.data)
            chats.append(chat)
        seen = {f"/chat/{chat}" for chat in chats}
        for chat in chats:
            for path in (f"/chat/{chat}", f"/chat/{chat}/files"):
                recording.reply(f"GET {path}", client.get(path))
            page = client.get(f"/chat/{chat}").text
            for path in sorted(set(re.findall(r'(?:src|href|data-[a-z-]+)="(/chat/[^"]*)"', page))):
                if "/stream/" not in path and path not in seen:
                    seen.add(path)
                    recording.reply(f"GET {path}", client.get(path.replace("&amp;", "&")))
        for path in ("/", "/chats", "/chats?q=cell", "/chats?q=%3Cscript", "/nothing", "/chat/999", "/login"):
            recording.reply(f"GET {path}", client.get(path))
            recording.reply(f"GET {path} of htmx", client.get(path, headers={"HX-Request": "true"}))
        recording.reply("a rename", client.post(f"/chat/{chats[0]}/title", {"title": HOSTILE}))
        recording.reply("an empty message", client.send("", chats[0]))
    return recording.parts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--build", default=str(ROOT / "build"), help="where varro-model is")
    options = parser.parse_args()
    os.environ["VARRO_MODEL"] = str(pathlib.Path(options.build).resolve() / "varro-model")
    import harness

    recordings = []
    for binary in (options.before, options.after):
        model = harness.Model()
        try:
            recordings.append(record(str(pathlib.Path(binary).resolve()), model))
        finally:
            model.stop()
    before, after = recordings
    differences = 0
    if [what for what, _ in before] != [what for what, _ in after]:
        differences += 1
        print("\n".join(difflib.unified_diff([w for w, _ in before], [w for w, _ in after], "before", "after", n=0,
                                             lineterm="")))
    for (what, one), (_, other) in zip(before, after):
        if one != other:
            differences += 1
            at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
            print(f"{what}, from byte {at} on:\n  before: {one[max(0, at - 60):at + 100]!r}\n"
                  f"  after:  {other[max(0, at - 60):at + 100]!r}")
    size = sum(len(text) for _, text in before)
    print(f"{len(before)} replies and events, {size:,} characters: {differences} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
