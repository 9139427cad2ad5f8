"""2,000 clients that hold connections and send or read as slowly as they may: others notice nothing, and each is cut off."""

import os
import resource
import socket
import statistics
import time
import unittest

from cells import until
from harness import WAIT_SECONDS, Client, SystemTest

CLIENTS = 2_000
HEAD_MAX_MS, BODY_MAX_MS = 4_000, 6_000
PAGES = 40  # that the victim asks for, before and during
SLOWER_MAX = 10  # times
SECONDS_MIN = 0.1  # what is faster is not called slow
HOST = b"Host: 127.0.0.1\r\n"
# What a client sends at once, and then again and again.
KINDS = {
    "a head that never ends": (b"GET / HTTP/1.1\r\n" + HOST, b"A: b\r\n"),
    "a head, byte by byte": (b"G", b"E"),
    "a body that never ends": (b"POST /chat/send HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n", b"a"),
    "a chunked body that never ends":
        (b"POST /chat/send HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "a page that nobody reads": (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", b""),
}


class Crowd:
    """All clients, each a socket; who is cut off is out."""

    def __init__(self, port):
        self.port, self.sockets = port, {}

    def connect(self):
        for number in range(CLIENTS):
            kind = list(KINDS)[number % len(KINDS)]
            slow = socket.socket()
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            slow.connect(("127.0.0.1", self.port))
            slow.sendall(KINDS[kind][0])
            slow.setblocking(False)
            self.sockets[slow] = kind

    def send_more(self):
        for slow in list(self.sockets):
            try:
                slow.send(KINDS[self.sockets[slow]][1])
            except BlockingIOError:
                pass
            except OSError:
                self.leave(slow)

    def take_refusals(self, without):
        """Reads what those say who are not of the kind that reads nothing; true when none of them is left."""
        for slow, kind in list(self.sockets.items()):
            if kind != without:
                try:
                    if not slow.recv(65_536):
                        self.leave(slow)
                except BlockingIOError:
                    pass
                except OSError:
                    self.leave(slow)
        return all(kind == without for kind in self.sockets.values())

    def leave(self, slow):
        del self.sockets[slow]
        slow.close()

    def close(self):
        for slow in list(self.sockets):
            self.leave(slow)


class SlowClients(SystemTest):
    def seconds_of_a_page(self, client):
        begun = time.monotonic()
        self.assertEqual(client.get("/").status, 200)
        return time.monotonic() - begun

    def pages(self, client, crowd=None):
        seconds = []
        for _ in range(PAGES):
            if crowd:
                crowd.send_more()
            seconds.append(self.seconds_of_a_page(client))
        return statistics.median(seconds)

    def test_2000_slow_clients_take_nothing_from_others_and_are_cut_off(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < CLIENTS + 200:
            self.skipTest(f"no process may have so many descriptors here: {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, CLIENTS + 1_000)), hard))
        limits = {"VARRO_SERVER_HEAD_MAX_MS": str(HEAD_MAX_MS), "VARRO_SERVER_BODY_MAX_MS": str(BODY_MAX_MS)}
        with self.start(env=limits) as server:
            client = Client(server)
            reply, _ = client.turn("[[text: hi]]")
            open_files = lambda: len(os.listdir(f"/proc/{server.pid}/fd"))
            open_before = open_files()
            normal = self.pages(client)
            crowd = Crowd(server.port)
            self.addCleanup(crowd.close)
            crowd.connect()
            self.assertGreater(open_files(), CLIENTS // 2, "the server does not hold them")
            during = self.pages(client, crowd)
            self.assertLess(during, max(SECONDS_MIN, SLOWER_MAX * normal))
            again, events = client.turn("[[python: 6 * 7]] [[text: done]]", reply.chat_id)
            self.assertEqual((again.status, events[-1].name), (200, "done"))
            # Whoever sends too slowly is told so and cut off, however busily it sends.
            unread = "a page that nobody reads"
            ends = time.monotonic() + WAIT_SECONDS
            while not crowd.take_refusals(unread):
                self.assertLess(time.monotonic(), ends, f"{len(crowd.sockets)} are still there")
                crowd.send_more()
                self.seconds_of_a_page(client)
            crowd.close()
            until(lambda: open_files() <= open_before + 8, "the server has closed its sides")


if __name__ == "__main__":
    unittest.main(verbosity=2)
