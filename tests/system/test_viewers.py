"""Viewers who leave and come back as they like, and over a crash, end with exactly what the page shows."""

import asyncio
import random
import re
import socket
import unittest

from cells import python
from harness import WAIT_SECONDS, Client, SystemTest, blocks_of

VIEWERS = 500  # of one chat
OTHER_CHATS = 4
VIEWERS_OF_OTHERS = 5
LEAVES = 0.02  # how often a viewer leaves after an event


class Frame:
    """One event as it came over the wire."""

    def __init__(self, text):
        self.name, self.id, data = None, None, []
        for line in text.split("\n"):
            field, _, value = line.partition(": ")
            if field == "data":
                data.append(value)
            elif field == "event":
                self.name = value
            elif field == "id":
                self.id = int(value)
        self.data = "\n".join(data)
        element = re.search(r' id="(m\d+-p\d+)"', self.data) if self.name == "content" else None
        self.element = element and element[1]


class Viewer:
    """What a page that stays open has: its blocks by element id, in the order in which they came."""

    def __init__(self, crowd, chat_id):
        self.crowd, self.chat_id = crowd, chat_id
        self.blocks = {}
        self.last_id = 0
        self.connections = 0

    def take(self, frame):
        if frame.id is not None:
            assert frame.id >= self.last_id, (self.last_id, frame.id, frame.data[:200])
            self.last_id = frame.id
        if frame.element:
            self.blocks[frame.element] = frame.data
            self.crowd.seen(len(self.blocks))

    async def watch_turn(self):
        """Until `done`, over as many connections as it takes."""
        while True:
            server = await self.crowd.server_of_now()
            try:
                if await self.connect(server):
                    return
            except (OSError, asyncio.IncompleteReadError):
                assert self.crowd.server is not server, "a stream ended without a crash and without done"

    async def connect(self, server):
        self.connections += 1
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=16 << 20)
        try:
            writer.write(f"GET /chat/stream/{self.chat_id} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                         f"Last-Event-ID: {self.last_id}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            while True:
                frame = Frame((await reader.readuntil(b"\n\n")).decode())
                self.take(frame)
                if frame.name == "done":
                    assert '"status":"completed"' in frame.data, frame.data
                    return True
                if self.crowd.rng.random() < LEAVES:
                    return False
        finally:
            writer.close()


class Crowd:
    """All viewers, and the server that they find at the moment."""

    def __init__(self, server, seed):
        self.rng = random.Random(seed)
        self.server = server
        self.changed = asyncio.Event()
        self.crash_at = None  # blocks that a viewer has when it is time
        self.crash_is_due = asyncio.Event()

    async def server_of_now(self):
        while self.server is None:
            await self.changed.wait()
        return self.server

    def seen(self, count):
        if self.crash_at is not None and count >= self.crash_at:
            self.crash_is_due.set()


def long_turn(responses):
    text = "go:"
    for n in range(responses):
        text += f"[[then]][[delay: 15]][[thinking: step {n}]]" + python(f"print('cell', {n})")
    return text + "[[then]][[text: **over**]]"


class Viewers(SystemTest):
    def setUp(self):
        context = self.start()
        self.server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    def check_against_page(self, viewer, others):
        page = Client(self.server).get(f"/chat/{viewer.chat_id}").text
        self.assertEqual(list(viewer.blocks), [block.id for block in blocks_of(page)])
        for html in viewer.blocks.values():
            self.assertIn(html, page)
        for other in others:
            self.assertEqual(list(other.blocks.items()), list(viewer.blocks.items()))

    async def all_turns(self, chats):
        crowd = Crowd(self.server, seed=random.randrange(1_000_000))
        viewers = [Viewer(crowd, chats[0]) for _ in range(VIEWERS)]
        viewers += [Viewer(crowd, chat) for chat in chats[1:] for _ in range(VIEWERS_OF_OTHERS)]
        for turn in range(3):
            if turn > 0:
                for chat in chats:
                    self.assertEqual(Client(self.server).send(long_turn(8), chat).status, 200)
            if turn == 1:
                crowd.crash_at = len(viewers[0].blocks) + 8
                crash = asyncio.ensure_future(self.crash(crowd))
            await asyncio.gather(*(viewer.watch_turn() for viewer in viewers))
            if turn == 1:
                await crash
        return viewers

    async def crash(self, crowd):
        await crowd.crash_is_due.wait()
        former, crowd.server = crowd.server, None
        former.kill()
        context = self.start(data=former.data)
        self.server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        crowd.server = self.server
        crowd.changed.set()

    def test_500_viewers_who_come_and_go_over_a_crash_all_end_with_the_page(self):
        client = Client(self.server)
        chats = [client.send(long_turn(8)).chat_id for _ in range(1 + OTHER_CHATS)]
        viewers = asyncio.run(asyncio.wait_for(self.all_turns(chats), 4 * WAIT_SECONDS))
        self.assertGreater(sum(viewer.connections for viewer in viewers), 3 * VIEWERS + VIEWERS // 2)
        for chat in chats:
            first, *others = [viewer for viewer in viewers if viewer.chat_id == chat]
            self.assertEqual(len(first.blocks), 3 * (1 + 8 * 2 + 1))
            self.check_against_page(first, others)


class SlowViewers(SystemTest):
    def test_a_viewer_that_does_not_read_is_dropped_and_resumes_without_loss(self):
        with self.start(env={"VARRO_STREAM_VIEWER_BUFFER_BYTES_MAX": str(512 << 10)}) as server:
            client = Client(server)
            # All together more than the kernel takes for a socket.
            cells = "".join(python(f"print('{n}' * 100_000)") for n in range(10, 50))
            reply = client.send(cells + "[[then]][[text: over]]")
            with socket.socket() as slow:
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                slow.settimeout(WAIT_SECONDS)
                slow.connect(("127.0.0.1", server.port))
                slow.sendall(f"GET /chat/stream/{reply.chat_id}?after={reply.after} HTTP/1.1\r\n"
                             "Host: 127.0.0.1\r\n\r\n".encode())
                whole = client.events(reply.chat_id, after=reply.after)
                received = b""
                try:
                    while data := slow.recv(1 << 20):
                        received += data
                except ConnectionResetError:
                    pass
            self.assertIn("completed", whole[-1].data)
            frames = [Frame(text) for text in received.decode(errors="replace").split("\n\n")[:-1]]
            self.assertTrue(any(frame.element for frame in frames), "it saw nothing at all")
            self.assertFalse(any(frame.name == "done" for frame in frames), "it was not dropped")
            blocks = {frame.element: frame.data for frame in frames if frame.element}
            last_id = max(frame.id for frame in frames if frame.id is not None)
            rest = client.events(reply.chat_id, last_event_id=last_id)
            self.assertEqual(rest[-1].name, "done")
            blocks.update((event.block.id, event.data) for event in rest if event.name == "content")
            expected = {}
            for event in whole:
                if event.name == "content":
                    expected[event.block.id] = event.data
            self.assertEqual([*blocks], [*expected])
            self.assertTrue(blocks == expected, "a block is another one")

    def test_a_quiet_stream_carries_keep_alives(self):
        with self.start(env={"VARRO_STREAM_KEEP_ALIVE_MS": "100"}) as server:
            client = Client(server)
            reply = client.send("[[hold]][[text: never]]")
            with client.stream(reply.chat_id, after=reply.after) as stream:
                found = 0
                while found < 3:
                    line = stream.response.readline()
                    self.assertNotEqual(line, b"", "the stream ended")
                    if line.startswith(b":"):
                        self.assertEqual(line + stream.response.readline(), b": keep-alive\n\n")
                        found += 1
            client.post(f"/chat/{reply.chat_id}/cancel")


if __name__ == "__main__":
    unittest.main(verbosity=2)
