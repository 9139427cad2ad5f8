"""Cells of a chat from outside: what runs them, and what their blocks show."""

import html
import html.parser
import json
import os
import re
import threading
import time
import unittest

from harness import WAIT_SECONDS, contents

# The elements of a tool call's block that show what a cell did; the code itself is none of them.
SHOWN = {"stdout": "stdout", "stderr": "stderr", "value": "value", "cell-error": "error", "cell-reason": "reason",
         "table-output": "table"}


def python(code):
    """A prompt whose answer runs this code; brackets are spelt so that they cannot end the directive."""
    arguments = json.dumps({"code": code}).replace("[", "\\u005b").replace("]", "\\u005d")
    return f"[[python-args: {arguments}]]"


def shown_in(block_html):
    """The outputs of a block in order, as (kind, text)."""
    found = []

    class Parser(html.parser.HTMLParser):
        tag, depth = None, 0

        def handle_starttag(self, tag, attributes):
            attributes = dict(attributes)
            if self.tag is not None:
                self.depth += tag == self.tag
                return
            if tag == "img":
                found.append(["image", attributes.get("src", "")])
            for name in (attributes.get("class") or "").split():
                if name in SHOWN:
                    self.tag, self.depth = tag, 1
                    found.append([SHOWN[name], ""])
                    return

        def handle_endtag(self, tag):
            if tag == self.tag:
                self.depth -= 1
                if self.depth == 0:
                    self.tag = None

        def handle_data(self, data):
            if self.tag is not None:
                found[-1][1] += data

    parser = Parser()
    parser.feed(block_html)
    parser.close()
    return [tuple(item) for item in found]


class Cell:
    """The end of one cell, as the user sees it."""

    def __init__(self, events, seconds, begin=0.0):
        self.events, self.seconds = events, seconds
        blocks = [e for e in contents(events) if e.block.kind == "tool-call"]
        finished = [e.at for e in blocks if e.block.state != "running"]
        self.result_seconds = finished[0] - begin if finished else None  # from the message; `seconds` is the whole turn
        self.html = blocks[-1].data if blocks else "".join(e.data for e in contents(events))
        self.state = blocks[-1].block.state if blocks else None
        self.outputs = shown_in(self.html)
        self.text = "\n".join(text for _, text in self.outputs)
        self.stdout = self.of("stdout")
        self.reason = self.of("reason")

    def of(self, *kinds):
        return "".join(text for kind, text in self.outputs if kind in kinds)

    def __repr__(self):
        return f"Cell({self.state}, {self.seconds:.2f} s, {self.text[-2000:]!r})"


class RunningCell:
    """A cell that was sent; a thread follows the stream to its end."""

    def __init__(self, client, message, chat_id):
        self.begin = time.monotonic()
        reply = client.send(message, chat_id)
        assert reply.status == 200, (reply.status, reply.text)
        self.client, self.chat_id = client, reply.chat_id
        self.events, self.failure = [], None
        self.thread = threading.Thread(target=self.follow, args=(reply.after,), daemon=True)
        self.thread.start()

    def follow(self, after):
        try:
            with self.client.stream(self.chat_id, after=after) as stream:
                for event in stream:
                    event.at = time.monotonic()
                    self.events.append(event)
        except Exception as failure:
            self.failure = failure
        self.seconds = time.monotonic() - self.begin

    def is_over(self):
        return not self.thread.is_alive()

    def wait_for_file(self, name):
        """Until the cell wrote this file into its workspace: a sign that it really runs."""
        until(lambda: self.is_over() or self.client.get(f"/chat/{self.chat_id}/files/{name}").status == 200,
              f"{name} in the workspace of chat {self.chat_id}")

    def stop(self):
        return self.client.post(f"/chat/{self.chat_id}/cancel").status

    def result(self):
        self.thread.join(WAIT_SECONDS)
        if self.thread.is_alive() or self.failure is not None:
            raise AssertionError(f"the stream of chat {self.chat_id} did not end: {self.failure} {self.events}")
        return Cell(self.events, self.seconds, self.begin)


class Chat:
    """One chat that runs cells."""

    def __init__(self, client, chat_id=None):
        self.client, self.chat_id = client, chat_id

    def start(self, code):
        running = RunningCell(self.client, python(code) + "[[then]][[text: over]]", self.chat_id)
        self.chat_id = running.chat_id
        return running

    def run(self, code):
        return self.start(code).result()

    def get(self, path):
        return self.client.get(f"/chat/{self.chat_id}{path}")

    def files(self):
        """The paths of the chat's file list."""
        return [html.unescape(name) for name in re.findall(r'<a class="file"[^>]*>([^<]*)</a>', self.get("/files").text)]

    def upload(self, name, data):
        body = (b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() + b'"\r\n'
                b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n--b--\r\n")
        return self.client.request("POST", f"/chat/{self.chat_id}/files", body=body,
                                   headers={"Content-Type": "multipart/form-data; boundary=b"})

    def delete(self):
        return self.client.request("DELETE", f"/chat/{self.chat_id}").status


def until(holds, what, pause=0.01):
    """Looks again and again, with a pause in seconds, at most WAIT_SECONDS."""
    end = time.monotonic() + WAIT_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {WAIT_SECONDS} s: {what}")
        time.sleep(pause)


def later(reason):
    """For what is promised and not there yet; VARRO_SHELLS_ALL runs it all the same."""
    return unittest.skipUnless("VARRO_SHELLS_ALL" in os.environ, reason)
