"""Checks the repository itself: leftovers, lengths, names that documentation promises. Usage: tidy.py ROOT.

Prints one line for each finding, "FILE:LINE: what", and exits 1 when there is any. Standard library only.
"""

import re
import subprocess
import sys
from pathlib import Path

from standard_names import HEADER_OF, HEADERS_OF_LIBRARIES

LINE_COLUMNS_MAX = 120
TEST_LINE_COLUMNS_MAX = 180  # recorded wire text stands on one line
FILE_LINES_MAX = 400
# Longer files, each with its reason.
LONG_FILES: dict[str, str] = {
    "config/load.cpp": "one load, from the sources to the checks",
    "config/varro.toml": "every key there is, in the order of the table",
    "http/front.cpp": "one poller, every transition of a connection in one place",
    "models/openai_responses_input.cpp": "one wire, each kind of part after the other",
    "shell/supervisor/relay.cpp": "one stream in both directions, each frame's way in one place",
    "storage/sqlite/schema.cpp": "one version of the schema after the other",
    "tests/actors/chat_session_test.cpp": "one case after the other over one world",
    "tests/actors/agent_run_test.cpp": "one case after the other over one staged run",
    "tests/actors/model_client_test.cpp": "one failure of a vendor after the other",
    "tests/actors/python_shell_test.cpp": "one attack after the other, each with its twin",
    "tests/http/routes_test.cpp": "one status code after the other",
    "tests/models/anthropic_test.cpp": "one wire, with its literals",
    "tests/models/openai_chat_test.cpp": "one wire, with its literals",
    "tests/models/transport_test.cpp": "one failure of the network after the other",
    "tests/storage/open_test.cpp": "one schema version after the other",
    "tests/support/wire_replay.cpp": "the rules of equality stand beside their code",
}
# HTML in strings, in render/ and http/, each with its reason. All else is written by render/markup.hpp.
WRITTEN_MARKUP: dict[str, str] = {
    "render/markup.cpp": "it writes the HTML",
    "render/bounded_markdown.cpp": "it looks for a tag in the answer to its first question",
    "render/markdown.cpp": "it reads what libcmark-gfm wrote, and <br> in a model's text",
}
# No style sheets: a rule that is read as one line may be a long one.
CODE = {".cpp", ".hpp", ".c", ".h", ".py", ".js", ".mjs", ".cmake", ".toml", ".sql", ""}
TEXT = CODE | {".css", ".md", ".txt", ".json", ".yml", ".yaml", ".html", ".svg", ".supp", ".sh"}
# Spelt apart, so that this file does not find itself.
LEFTOVERS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")
HOMES = ["wo" + "rk", "ho" + "me", "ro" + "ot", "Us" + "ers"]
MACHINE_PATHS = re.compile(r"(?<![\w.$}/])/(" + "|".join(HOMES) + r")/\w")
# Names in ARCHITECTURE.md's map need not repeat these.
UNMAPPED_FOLDERS = {"cmake"}
# They may include all: tests of whole parts.
UNCHECKED_FOLDERS = {"tests/"}


class Tree:
    """The files that git tracks or would track, read once."""

    def __init__(self, root: Path):
        self.root = root
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True, check=False)
        if listed.returncode == 0:
            names = [name for name in listed.stdout.decode().split("\0") if name]
        else:  # an unpacked archive
            skipped = re.compile(r"^(build[^/]*|node_modules|data|\.git)/")
            names = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
            names = [name for name in names if not skipped.match(name)]
        self.names = sorted({name for name in names if (root / name).is_file()})
        self.findings: list[str] = []

    def text(self, name: str) -> str:
        path = self.root / name
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def find(self, where: str, what: str) -> None:
        self.findings.append(f"{where}: {what}")


def check_lines(tree: Tree) -> None:
    for name in tree.names:
        suffix = Path(name).suffix
        if suffix not in TEXT or name == "package-lock.json":
            continue
        text = tree.text(name)
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            where = f"{name}:{number}"
            if line.rstrip() != line:
                tree.find(where, "trailing whitespace")
            if LEFTOVERS.search(line):
                tree.find(where, "a leftover mark; finish it or write an issue")
            if MACHINE_PATHS.search(line):
                tree.find(where, "an absolute path of some machine")
            columns_max = TEST_LINE_COLUMNS_MAX if name.startswith("tests/") else LINE_COLUMNS_MAX
            if suffix in CODE and len(line) > columns_max:
                tree.find(where, f"{len(line)} columns, more than {columns_max}")
        if text and not text.endswith("\n"):
            tree.find(name, "no line break at the end")
        if suffix in CODE and len(lines) - 1 > FILE_LINES_MAX and name not in LONG_FILES:
            tree.find(name, f"{len(lines) - 1} lines, more than {FILE_LINES_MAX}; split it, or give tidy.py a reason")
    for name in LONG_FILES:
        if name in tree.names and len(tree.text(name).split("\n")) - 1 <= FILE_LINES_MAX:
            tree.find("tests/tidy.py", f"{name} is not long any more: remove it from LONG_FILES")


def check_markup(tree: Tree) -> None:
    token = re.compile(r"""'(?:[^'\\\n]|\\.)'|"((?:[^"\\\n]|\\.)*)"|//[^\n]*""")
    used = set()
    for name in tree.names:
        if not name.startswith(("render/", "http/")) or Path(name).suffix not in {".cpp", ".hpp"}:
            continue
        for number, line in enumerate(tree.text(name).split("\n"), 1):
            literals = [found[1] or "" for found in token.finditer(line)]
            if line.lstrip().startswith("#") or not any(re.search(r"<[a-zA-Z/!]", each) for each in literals):
                continue
            if name in WRITTEN_MARKUP:
                used.add(name)
            else:
                tree.find(f"{name}:{number}", "HTML in a string; write it with render/markup.hpp")
    for name in sorted(set(WRITTEN_MARKUP) & set(tree.names) - used):
        tree.find("tests/tidy.py", f"{name} holds no HTML any more: remove it from WRITTEN_MARKUP")


def check_headers(tree: Tree) -> None:
    for name in tree.names:
        if name.endswith(".hpp"):
            text = tree.text(name)
            if "#pragma once" not in text:
                tree.find(name, "no #pragma once")
            if not text.startswith("//"):
                tree.find(name, "a header begins with its contract, in a comment")


def check_readme(tree: Tree) -> None:
    readme = tree.text("README.md")
    for script in sorted(set(re.findall(r"(?<![\w/])(?:bin|\.ci)/[a-z][a-z0-9-]*", readme))):
        path = tree.root / script
        if not path.is_file() or not path.stat().st_mode & 0o111:
            tree.find("README.md", f"names {script}, which is not there or cannot be run")
    for script in tree.names:
        if script.startswith("bin/") and script not in readme:
            tree.find("README.md", f"does not name {script}")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", readme + tree.text("ARCHITECTURE.md")):
        if not re.match(r"https?://", target) and not (tree.root / target).exists():
            tree.find("README.md, ARCHITECTURE.md", f"link to {target}, which is not there")
    command_line = tree.text("config/command_line.cpp")
    for option in sorted(set(re.findall(r"\bvarro [a-z ]*?(--[a-z-]+)", readme))):
        if option not in command_line and option != "--help":
            tree.find("README.md", f"names the option {option}, which varro does not have")


def check_architecture(tree: Tree) -> None:
    text = tree.text("ARCHITECTURE.md")
    folders = {name.split("/")[0] for name in tree.names if "/" in name and not name.startswith(".")}
    for folder in sorted(folders - UNMAPPED_FOLDERS):
        if f"{folder}/" not in text:
            tree.find("ARCHITECTURE.md", f"does not name the folder {folder}/")
    for actor in re.findall(r"using (\w+)_actor =", tree.text("actors/interfaces.hpp")):
        if f"`{actor}`" not in text:
            tree.find("ARCHITECTURE.md", f"does not name the actor {actor}")


def arrows(map_text: str) -> dict[str, list[str]]:
    """Of each folder in the map, the beginnings of the paths that it may include."""
    rows = re.findall(r"^\| `([a-z]+/)` \|.*\| ([^|]*) \|$", map_text, re.MULTILINE)
    return {folder: re.findall(r"`([a-z_]+/[a-z_]*)`", allowed) for folder, allowed in rows}


def check_includes(tree: Tree) -> None:
    may_use = arrows(tree.text("ARCHITECTURE.md").partition("## The map")[2].partition("\n## ")[0])
    used: set[tuple[str, str]] = set()
    for name in tree.names:
        folder = name.partition("/")[0] + "/"
        if Path(name).suffix not in {".cpp", ".hpp", ".c", ".h"} or "/" not in name or folder in UNCHECKED_FOLDERS:
            continue
        allowed = may_use.get(folder, [])
        for number, line in enumerate(tree.text(name).split("\n"), 1):
            include = re.match(r'\s*#\s*include "([a-z_]+/[^"]+)"', line)
            if not include or include[1].startswith(folder):
                continue
            by = [start for start in allowed if include[1].startswith(start)]
            used.update((folder, start) for start in by)
            if not by:
                rooms = ", ".join(allowed) or "nothing"
                tree.find(f"{name}:{number}", f"includes {include[1]}; the map lets {folder} use {rooms}")
    for folder, allowed in may_use.items():
        for start in allowed:
            if not start.endswith("/") and (folder, start) not in used:
                tree.find("ARCHITECTURE.md", f"lets {folder} use {start}, which it does not")


def names_used(text: str) -> dict[str, str]:
    """The standard headers that a source needs, each with a name that needs it."""
    code = re.sub(r'R"(\w*)\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', " ", text, flags=re.DOTALL)
    used = {HEADER_OF[name]: f"std::{name}" for name in re.findall(r"\bstd::(?:ranges::)?(\w+)", code) if name in HEADER_OF}
    if fixed := re.search(r"(?<![\w:])u?int(?:8|16|32|64)_t\b", code):
        used["cstdint"] = fixed[0]
    for library, header in HEADERS_OF_LIBRARIES.items():
        if named := re.search(rf"\b{library}::\w+", code):
            used[header] = named[0]
    return used


def check_standard_headers(tree: Tree) -> None:
    """Each source sees the headers that it needs through includes of ours: no precompiled header hides one."""
    seen: dict[str, set[str]] = {}

    def visible(name: str) -> set[str]:
        if name not in seen:
            seen[name] = set()  # while its includes are looked at
            text = tree.text(name)
            found = set(re.findall(r"^#include <([\w./]+)>", text, re.MULTILINE))
            for included in re.findall(r'^#include "([^"]+)"', text, re.MULTILINE):
                for path in (included, f"{Path(name).parent}/{included}"):
                    if path in known:
                        found |= visible(path)
            seen[name] = found
        return seen[name]

    known = {name for name in tree.names if Path(name).suffix in {".cpp", ".hpp"}}
    for name in sorted(known - {"cmake/pch.hpp", "cmake/actor_pch.hpp", "cmake/pch.cpp"}):
        for header, used in sorted(names_used(tree.text(name)).items()):
            if not any(each == header or (header.endswith("/") and each.startswith(header)) for each in visible(name)):
                tree.find(name, f"uses {used} without #include <{header}>")


def check_configuration(tree: Tree) -> None:
    example = tree.text("config/varro.toml")
    for path in re.findall(r'\{\{"([a-z_.]+)", [^\n]*?VARRO_AT', tree.text("config/key_table.cpp")):
        # A literal key is refused, and [shell.python.NAME] cannot stand beside shell.python.
        if path not in ("api_key", "interpreter") and f"# {path.split('.')[-1]} = " not in example:
            tree.find("config/varro.toml", f"does not show {path}")
    for key in sorted(set(re.findall(r"`((?:server|stream|auth|agent|model_client|shell|chat)\.[a-z_]+)`",
                                     tree.text("ARCHITECTURE.md") + tree.text("README.md")))):
        if f'"{key}"' not in tree.text("config/key_table.cpp"):
            tree.find("README.md, ARCHITECTURE.md", f"name the key {key}, which is not there")


def check_presence(tree: Tree) -> None:
    for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"]:
        if not tree.text(name).strip():
            tree.find(name, "is missing or empty")


def main() -> int:
    tree = Tree(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve())
    for check in [check_lines, check_markup, check_headers, check_readme, check_architecture, check_includes,
                  check_standard_headers, check_configuration, check_presence]:
        check(tree)
    for finding in tree.findings:
        print(finding)
    print(f"tidy: {len(tree.names)} files, {len(tree.findings)} findings")
    return 1 if tree.findings or not tree.names else 0


if __name__ == "__main__":
    sys.exit(main())
