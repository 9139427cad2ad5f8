"""Chats that go on while their server is killed again and again, and what must hold of each of them after every crash.

A Talk is one chat as its user and one of its viewers know it: what was acknowledged, which blocks were seen. After each
crash it compares that with what the next server shows.
"""

import collections
import http.client
import json
import random
import re
import sqlite3
import threading

from cells import python
from harness import WAIT_SECONDS, Client, Varro, blocks_of

# Appends one line to a file of the workspace: what was run twice has two.
CELL = """
import time
with open('effects.txt', 'a') as file: file.write('{name}\\n')
time.sleep({seconds})
print('{name} is over')
"""


class Cut(Exception):
    """A stream ended without `done`: right only if the server was killed."""


def expect(holds, *what):
    if not holds:
        raise AssertionError(" ".join(str(part) for part in what))


def prompt_of(token, rng):
    """A turn of up to three responses with cells before the last one, which is a text."""
    text, cells = f"{token}:", 0
    for response in range(rng.choice([0, 1, 1, 2, 3])):
        text += "[[then]]"
        if rng.random() < 0.3:
            text += f"[[delay: {rng.randint(1, 120)}]]"
        if rng.random() < 0.6:
            text += f"[[thinking: {token} thinks, {response}]]"
        if rng.random() < 0.3:
            text += f"[[text: {token} says what it does, {response}]]"
        for _ in range(rng.choice([1, 1, 2, 3])):
            name = f"{token.replace('turn', 'cell')}.{cells}"
            text += python(CELL.format(name=name, seconds=rng.choice([0, 0, 0, 0.05, 0.4])))
            cells += 1
    return text + f"[[then]][[text: {token} **ends**]]"


def parts_of(messages):
    return [(message["kind"], part) for message in messages for part in message["parts"]]


def check_history(messages, run_is_on):
    """Every call has exactly one return, before the next response; only calls of a run that is on may wait for it."""
    waiting, ever = set(), set()
    for message in messages:
        for part in message["parts"]:
            kind, call = part["part_kind"], part.get("tool_call_id")
            if kind == "tool-call":
                expect(call not in ever, "two calls have the id", call)
                waiting.add(call)
                ever.add(call)
            elif kind == "tool-return" or (kind == "retry-prompt" and part.get("tool_name")):
                expect(message["kind"] == "request" and call in waiting, "nothing waits for the return of", call)
                waiting.discard(call)
            elif kind != "retry-prompt":
                expect(message["kind"] == "response" or not waiting, kind, "stands between a call and its return")
        if message["kind"] == "response":
            calls = {p["tool_call_id"] for p in message["parts"] if p["part_kind"] == "tool-call"}
            expect(waiting == calls, "a response came before the returns of", waiting - calls)
    expect(run_is_on or not waiting, "nothing returns", waiting)


class World:
    """One data directory, its server of the moment, and the talks that go on over all of them."""

    def __init__(self, data, model, env=None):
        self.data, self.model, self.env = data, model, dict(env or {})
        self.server = None
        self.over = False
        self.failure = None
        self.changed = threading.Condition()
        self.counts = collections.Counter()
        self.deleted = set()
        self.last_number = 0

    def launch(self, env=None, **kw):
        """A server that no talk knows yet."""
        return Varro(self.data, self.model, env={**self.env, **(env or {})}, **kw)

    def start(self):
        server = self.launch()
        self.note(lambda: setattr(self, "server", server))

    def end(self, how):
        """From here on a failed request is no failure of the server."""
        with self.changed:
            server, self.server = self.server, None
        how(server)

    def kill(self):
        self.end(Varro.kill)

    def stop(self):
        self.end(Varro.stop)

    def serving(self):
        """Waits for a server."""
        with self.changed:
            expect(self.changed.wait_for(lambda: self.server or self.failure, 5 * WAIT_SECONDS), "no server came")
            expect(not self.failure, "given up")
            return self.server

    def wait(self, holds, what):
        with self.changed:
            expect(self.changed.wait_for(lambda: self.failure or holds(), 2 * WAIT_SECONDS), "did not happen:", what)
            if self.failure:
                raise self.failure

    def note(self, change):
        with self.changed:
            change()
            self.changed.notify_all()

    def next_number(self):
        with self.changed:
            self.last_number += 1
            return self.last_number

    def query(self, sql, *values):
        database = sqlite3.connect(f"file:{self.data}/varro.db?mode=ro", uri=True, timeout=WAIT_SECONDS)
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def check_end(self, interrupted):
        """No run is on any more, and those that were interrupted were taken up so often. What no talk knows is in order, too: chats whose first reply the crash cut off."""
        client = Client(self.server)
        for chat_id, in self.query("SELECT id FROM chats"):
            page = client.get(f"/chat/{chat_id}")
            expect(page.status == 200, chat_id, page.status)
            check_history(json.loads(client.get(f"/chat/{chat_id}/export.json").body), "/chat/stream/" in page.text)
        for chat_id in self.deleted:
            expect(client.get(f"/chat/{chat_id}").status == 404, "a deleted chat is back:", chat_id)
        for status, resumes, count in self.query("SELECT status, resumes, count(*) FROM runs GROUP BY status, resumes"):
            self.counts[f"{status} runs"] += count
            expect(status == "completed" or (status == "interrupted" and resumes in interrupted), status, resumes)
        expect(self.query("PRAGMA quick_check") == [("ok",)], "the database is damaged")
        self.check_model()

    def check_model(self):
        state = self.model.state()
        expect(state["refused"] == 0, "the model refused a history:", state)


class Talk:
    """One chat: its user, who sends, and a viewer, who leaves and comes back."""

    def __init__(self, world, seed):
        self.world = world
        self.rng = random.Random(seed)
        self.leaves = 0.03  # how often the viewer leaves after an event
        self.fresh()

    def fresh(self):
        self.number = self.world.next_number()
        self.chat_id = None
        self.turns = 0
        self.acknowledged = []  # tokens of messages that were answered with 200
        self.pending = None     # one whose answer has not come
        self.deleting = False
        self.run_is_on = False
        self.seen = {}  # element id → (attributes, HTML)
        self.last_id = None

    def connect(self):
        self.server = self.world.serving()
        self.client = Client(self.server)

    def cut_off(self, failure):
        """Whether the server was killed, so that this failure is none."""
        if self.world.server is self.server:
            raise AssertionError(f"{self} failed without a crash: {failure!r} {self.server.errors()}") from failure

    def expect_status(self, reply, status):
        if reply.status != status and self.world.server is not self.server:
            raise Cut(f"a server that stops answers {reply.status}")
        expect(reply.status == status, self, "expected", status, "and was answered", reply.status)

    def __repr__(self):
        return f"talk {self.number} (chat {self.chat_id})"

    # --- what the user and the viewer do ---

    def send(self):
        self.turns += 1
        self.pending = f"turn-{self.number}.{self.turns}"
        reply = self.client.send(prompt_of(self.pending, self.rng), self.chat_id)
        self.expect_status(reply, 200)
        self.acknowledge(reply)

    def acknowledge(self, reply):
        self.chat_id = reply.chat_id
        self.acknowledged.append(self.pending)
        self.pending = None
        self.run_is_on = True
        self.last_id = reply.after
        for block in blocks_of(reply.text):
            if block.kind == "user":
                self.seen[block.id] = (block, None)  # its tools change when it gets alternatives

    def follow(self):
        """To the end of the run, or until the viewer has enough."""
        how = {"after": self.last_id} if self.last_id is None or self.rng.random() < 0.2 else {"last_event_id": self.last_id}
        with self.client.stream(self.chat_id, **how) as stream:
            self.expect_status(stream, 200)
            for event in stream:
                if event.name == "content":
                    self.see(event)
                elif event.name == "done":
                    expect('"status":"completed"' in event.data or '"status":"interrupted"' in event.data, self, event)
                    self.run_is_on = False
                    return
                if self.rng.random() < self.leaves:
                    return
        raise Cut(f"{self}: the stream ended without done")

    def see(self, event):
        block = event.block
        expect(self.last_id is None or event.id >= self.last_id, self, event, "came after", self.last_id)
        self.last_id = event.id
        if block.kind == "user":
            self.seen[block.id] = (block, None)
            return
        before = self.seen.get(block.id)
        if before and before[0].state != "running":
            # A replay shows a call again before its result; what was final is so for ever.
            expect(block.state == "running" or before[1] == event.data, self, block, "was final as", before)
            return
        self.seen[block.id] = (block, event.data)
        if block.state == "done":
            self.world.note(lambda: self.world.counts.update(["results seen"]))

    def forget_turn(self, turn):
        """An edit replaced it: its blocks are those of another branch."""
        first, = self.world.query("SELECT min(seq) FROM messages WHERE chat_id = ? AND turn = ?", self.chat_id, turn)[0]
        self.seen = {id: seen for id, seen in self.seen.items() if int(id[1:].split("-")[0]) < first}

    def delete(self):
        self.deleting = True
        reply = self.client.request("DELETE", f"/chat/{self.chat_id}")
        self.expect_status(reply, 204)
        self.forget()

    def forget(self):
        self.world.note(lambda: self.world.deleted.add(self.chat_id))
        self.fresh()

    # --- what must hold after each crash ---

    def check(self):
        if self.chat_id is None:  # its first message may have been committed; only a page could have told us
            self.fresh()
            return
        page = self.client.get(f"/chat/{self.chat_id}")
        if self.deleting and page.status == 404:
            self.forget()
            return
        self.deleting = False
        self.expect_status(page, 200)
        run_is_on = "/chat/stream/" in page.text
        export = self.client.get(f"/chat/{self.chat_id}/export.json")
        self.expect_status(export, 200)
        messages = json.loads(export.body)
        check_history(messages, run_is_on)
        self.check_messages(messages)
        self.check_blocks(page.text, run_is_on)
        self.check_effects(messages, run_is_on)
        self.run_is_on = run_is_on

    def check_messages(self, messages):
        prompts = [part["content"] for _, part in parts_of(messages) if part["part_kind"] == "user-prompt"]
        tokens = [text.split(":")[0] for text in prompts]
        if self.pending in tokens:
            self.acknowledged.append(self.pending)
        self.pending = None
        expect(tokens == self.acknowledged, self, "has the messages", tokens, "and acknowledged", self.acknowledged)

    def check_blocks(self, page, run_is_on):
        blocks = blocks_of(page)
        ids = [block.id for block in blocks]
        places = [tuple(int(n) for n in re.findall(r"\d+", id)) for id in ids]
        expect(places == sorted(set(places)), self, "the page repeats or mixes up", ids)
        expect(sum(block.kind == "user" for block in blocks) == len(self.acknowledged), self, "has", blocks)
        there = {block.id: block for block in blocks}
        for id, (block, html) in self.seen.items():
            expect(id in there, self, block, "was seen and is not on the page, which has", ids)
            if block.state != "running" and html is not None:
                expect(html in page, self, block, "was seen otherwise:", html, "and the page has", there[id])
        expect(run_is_on or all(block.state != "running" for block in blocks), self, "no run is on, but", blocks)

    def check_effects(self, messages, run_is_on):
        file = self.world.data / "workspaces" / str(self.chat_id) / "effects.txt"
        lines = collections.Counter(file.read_text().split() if file.exists() else [])
        expect(max(lines.values(), default=0) <= 1, self, "ran cells twice:", lines)
        names = {part["tool_call_id"]: re.search(r"cell-[\d.]*\d|$", json.dumps(part["args"]))[0]
                 for _, part in parts_of(messages) if part["part_kind"] == "tool-call"}
        for _, part in parts_of(messages):
            if part["part_kind"] == "tool-return" and part["outcome"] == "success" and names[part["tool_call_id"]]:
                name = names[part["tool_call_id"]]
                expect(lines[name] == 1 and f"{name} is over" in json.dumps(part["content"]), self, name, lines, part)
        for name in lines if not run_is_on else ():
            expect(name in names.values(), self, "ran the cell of no call:", name)

    def count(self):
        """Of a talk that is over, for the report."""
        messages = json.loads(self.client.get(f"/chat/{self.chat_id}/export.json").body)
        for _, part in parts_of(messages):
            if part["part_kind"] == "tool-return":
                self.world.counts["cells" if part["outcome"] == "success" else "lost cells"] += 1
        self.world.counts["turns"] += len(self.acknowledged)


class Talker(threading.Thread):
    """Keeps one talk going over all servers until the world is over; a chat with many turns is deleted for a new one."""

    turns_max = 25

    def __init__(self, world, seed):
        super().__init__(daemon=True)
        self.world = world
        self.talk = Talk(world, seed)
        self.checked = None  # the server whose answers were compared with what is known
        self.start()

    def run(self):
        try:
            while self.go_on():
                pass
        except Exception as failure:
            self.world.note(lambda: setattr(self.world, "failure", self.world.failure or failure))

    def go_on(self):
        talk = self.talk
        talk.connect()
        try:
            talk.check()
            self.world.note(lambda: setattr(self, "checked", talk.server))
            while not self.world.over or talk.run_is_on:
                self.step()
            talk.check()
            if talk.chat_id is not None:
                talk.count()
            return False
        except (OSError, http.client.HTTPException, Cut) as failure:
            talk.cut_off(failure)
            return True

    def step(self):
        talk = self.talk
        if talk.run_is_on:
            talk.follow()
        elif talk.turns >= self.turns_max:
            talk.check()
            talk.count()
            talk.delete()
        else:
            talk.send()
