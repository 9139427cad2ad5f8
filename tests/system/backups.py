"""What the tests of backups share: running the commands, and reading a manifest as its format says."""

import hashlib
import json
import pathlib
import sqlite3
import urllib.parse

from harness import run_varro


def backup(data, directory, *arguments):
    """The backup that it made."""
    done = run_varro("backup", str(directory), "--data", str(data), *arguments)
    assert done.returncode == 0, done.stderr
    return whole(directory)[-1]


def whole(directory):
    return sorted(path for path in pathlib.Path(directory).iterdir() if path.is_dir() and not path.name.endswith(".partial"))


def partial(directory):
    return sorted(pathlib.Path(directory).glob("*.partial"))


def restore(directory, data):
    return run_varro("restore", str(directory), "--data", str(data))


def check(directory):
    return run_varro("restore", str(directory), "--check")


def lines_of(one):
    return [json.loads(line) for line in (one / "manifest.jsonl").read_text().splitlines()]


def write_manifest(one, lines):
    """With a right end, as somebody could who changes it on purpose."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines[:-1])
    end = {"end": len(lines) - 1, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    (one / "manifest.jsonl").write_text(text + json.dumps(end, separators=(",", ":")) + "\n")


def files_of(one):
    """The entries of regular files by (tree, chat, path)."""
    found, names, tree = {}, {}, None
    for line in lines_of(one):
        if "tree" in line:
            tree, names = (line["tree"], line["chat"]), {0: b""}
        elif "number" in line:
            path = names[line["in"]] + urllib.parse.unquote_to_bytes(line["name"])
            names[line["number"]] = path + b"/"
            if line["kind"] == "file":
                found[(*tree, path)] = line
    return found


def blob(one, entry):
    return one / "files" / str(entry["blob"] // 1000) / str(entry["blob"])


def query(data, sql, *values):
    database = sqlite3.connect(f"file:{data}/varro.db?mode=ro", uri=True, timeout=60)
    try:
        return database.execute(sql, values).fetchall()
    finally:
        database.close()
