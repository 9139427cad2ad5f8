#!/usr/bin/env python3
"""Viewers of one chat, measured from outside; prints a table in Markdown.

    python3 bench/viewers.py [--viewers 1000,15000] [--messages 1000] [--build build]

Each viewer is a socket whose request asked for the stream of a chat whose model is held back. Then the model answers:
one block goes to all, and the streams end. Beside it, the page of a chat with many messages. This process and the
server need a file descriptor for each viewer (`ulimit -n`).
"""

import argparse
import os
import pathlib
import resource
import select
import socket
import statistics
import sys
import time

from shells import ROOT, world

SPARE_DESCRIPTORS = 100
SETTLED_SECONDS = 1.0
WAIT_SECONDS = 120
PAGES = 20


def rss_of(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) << 10


def settled_rss(pid):
    """Once it no longer grows."""
    before = -1
    while (now := rss_of(pid)) > before:
        before = now
        time.sleep(SETTLED_SECONDS)
    return before


class Viewers:
    def __init__(self, port, cookies, chat, after, count):
        self.poll, self.sockets = select.epoll(), {}
        cookie = f"Cookie: {'; '.join(f'{k}={v}' for k, v in cookies.items())}\r\n" if cookies else ""
        request = (f"GET /chat/stream/{chat}?after={after} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{cookie}"
                   "Accept: text/event-stream\r\n\r\n").encode()
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
            one.sendall(request)
            one.setblocking(False)
            self.sockets[one.fileno()] = one
            self.poll.register(one.fileno(), select.EPOLLIN)

    def wait_for(self, mark):
        """Seconds from now until each has received this, by when: a list. `mark` is in the bytes of one event."""
        begin, times, tails = time.perf_counter(), [], {}
        missing = set(self.sockets)
        while missing:
            ready = self.poll.poll(WAIT_SECONDS)
            if not ready:
                raise RuntimeError(f"{len(missing)} viewers wait in vain for {mark!r}")
            for number, _ in ready:
                data = self.sockets[number].recv(1 << 16)
                if not data and number in missing:
                    raise RuntimeError(f"a stream ended without {mark!r}")
                tails[number] = (tails.get(number, b"") + data)[-4096:]
                if number in missing and mark in tails[number]:
                    missing.discard(number)
                    times.append(time.perf_counter() - begin)
        return times

    def close(self):
        for one in self.sockets.values():
            one.close()
        self.poll.close()


def measure_viewers(arguments, count):
    with world(arguments) as one:
        varro, client = one.varro, one.client
        client.events(client.send("[[text: first]]").chat_id)
        reply = client.send("[[hold]][[text: the answer]]")
        before = settled_rss(varro.pid)
        viewers = Viewers(varro.port, client.cookies, reply.chat_id, reply.after, count)
        viewers.wait_for(b"event: progress")
        each = (settled_rss(varro.pid) - before) / count
        one.model.control("POST", "/__release")
        times = viewers.wait_for(b"the answer")
        viewers.close()
        return each, times


def measure_page(arguments):
    """Prompts and answers in turns."""
    with world(arguments) as one:
        client, chat = one.client, None
        for n in range(arguments.messages // 2):
            reply = client.send(f"[[text: **Answer** {n} with a $formula_{n}$ and `code`.]]", chat)
            chat = reply.chat_id
            client.events(chat)
        client.get(f"/chat/{chat}")
        times = []
        for _ in range(PAGES):
            begin = time.perf_counter()
            page = client.get(f"/chat/{chat}")
            times.append(time.perf_counter() - begin)
        return statistics.median(times), len(page.text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", default="1000,15000")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.set_defaults(user=None)
    arguments = parser.parse_args()
    os.environ.setdefault("VARRO_MODEL", str(pathlib.Path(arguments.build).resolve() / "varro-model"))
    sys.path.insert(0, str(ROOT / "tests" / "system"))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print("| viewers of one chat | memory each, KiB | one block to the first, ms | to all, ms |")
    print("| --- | --- | --- | --- |")
    for count in map(int, arguments.viewers.split(",")):
        if count + SPARE_DESCRIPTORS > hard:
            print(f"| {count:,} | more than the {hard:,} files that are allowed here | | |")
            continue
        each, times = measure_viewers(arguments, count)
        print(f"| {count:,} | {each / 1024:.1f} | {min(times) * 1000:.1f} | {max(times) * 1000:.0f} |", flush=True)
    seconds, size = measure_page(arguments)
    print(f"\nThe page of a chat of {arguments.messages:,} messages ({size / 1024:,.0f} KiB): {seconds * 1000:.1f} ms.")


if __name__ == "__main__":
    main()
