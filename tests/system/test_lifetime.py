"""Starting, stopping, restarting, crashing; many chats at once."""

import asyncio
import os
import pathlib
import re
import signal
import tempfile
import unittest
import urllib.parse

from harness import Client, SystemTest, Varro, blocks_of, contents, kinds, run_varro


class Restart(SystemTest):
    def test_after_a_restart_the_page_is_the_same_and_the_next_cell_sees_the_old_variables(self):
        for stop in (Varro.stop, Varro.kill):
            with tempfile.TemporaryDirectory() as directory:
                data = pathlib.Path(directory) / "data"
                with self.start(data=data) as first:
                    reply, _ = Client(first).turn("[[python: kept = 123\nprint('set')]]")
                    before = [b.attributes for b in blocks_of(Client(first).get(f"/chat/{reply.chat_id}").text)]
                    stop(first)
                with self.start(data=data) as second:
                    client = Client(second)
                    after = [b.attributes for b in blocks_of(client.get(f"/chat/{reply.chat_id}").text)]
                    self.assertEqual(before, after)
                    _, events = client.turn("[[python: print('kept is', kept)]]", reply.chat_id)
                    self.assertIn("kept is 123", contents(events)[1].data)
                    restored = any("Restoring session" in e.data for e in events if e.name == "progress")
                    self.assertEqual(restored, stop is Varro.stop)  # the shell itself outlives a crash

    def kill_in_a_cell(self, data):
        """A server that is killed while a cell runs; the reply to the message."""
        with self.start(data=data) as first:
            client = Client(first)
            reply = client.send("[[python: open('ran', 'a').write('x')\nwhile True: pass]]")
            with client.stream(reply.chat_id, after=reply.after) as stream:
                for event in stream:
                    if event.name == "content" and event.block.state == "running":
                        break
            first.kill()
        return reply

    def test_a_killed_run_goes_on_by_itself_and_its_cell_is_not_run_again(self):
        with tempfile.TemporaryDirectory() as directory:
            data = pathlib.Path(directory) / "data"
            reply = self.kill_in_a_cell(data)
            with self.start(data=data) as second:
                client = Client(second)
                events = client.events(reply.chat_id, after=reply.after)
                self.assertEqual(kinds(events), ["tool-call", "tool-call", "text"])
                self.assertIn("result is lost", contents(events)[1].data)
                self.assertEqual(events[-1].name, "done")
                self.assertIn("completed", events[-1].data)
                page = [b.attributes["id"] for b in blocks_of(client.get(f"/chat/{reply.chat_id}").text)]
                self.assertEqual(len(page), len(set(page)))
                ran = data / "workspaces" / str(reply.chat_id) / "ran"
                self.assertIn(ran.read_text() if ran.exists() else "", ("", "x"))

    def test_with_after_restart_interrupt_a_killed_run_waits_for_the_user(self):
        with tempfile.TemporaryDirectory() as directory:
            data = pathlib.Path(directory) / "data"
            reply = self.kill_in_a_cell(data)
            with self.start(data=data, env={"VARRO_AGENT_AFTER_RESTART": "interrupt"}) as second:
                client = Client(second)
                page = client.get(f"/chat/{reply.chat_id}").text
                self.assertIn("Interrupted", page)
                _, events = client.turn("[[text: on we go]]", reply.chat_id)
                self.assertEqual(kinds(events), ["text"])
                ran = data / "workspaces" / str(reply.chat_id) / "ran"
                self.assertIn(ran.read_text() if ran.exists() else "", ("", "x"))

    def test_sigterm_during_a_run_exits_0_within_10_seconds_and_leaves_no_process(self):
        with self.start() as server:
            client = Client(server)
            reply = client.send("[[python: import time\nwhile True: time.sleep(1)]]")
            with client.stream(reply.chat_id, after=reply.after) as stream:
                for event in stream:
                    if event.name == "content" and event.block.state == "running":
                        break
                code, seconds = server.stop()
            self.assertEqual(code, 0, server.errors())
            self.assertLess(seconds, 10)

    def test_a_second_server_on_the_same_data_is_refused_and_the_first_serves_on(self):
        with self.start() as server:
            second = run_varro("serve", "--listen", "127.0.0.1:0", "--data", str(server.data), "--model", "offline")
            self.assertNotEqual(second.returncode, 0)
            self.assertIn(str(server.data), second.stderr)
            self.assertEqual(Client(server).get("/healthz").status, 200)

    def test_a_local_varro_listens_on_loopback_only(self):
        refused = run_varro("serve", "--listen", "0.0.0.0:0", "--data", "/tmp/varro-never", "--model", "offline")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("--auth accounts", refused.stderr)

    def test_version_help_and_a_wrong_key(self):
        self.assertRegex(run_varro("--version").stdout, r"varro \d+\.\d+\.\d+")
        self.assertIn("serve", run_varro("--help").stdout)
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "varro.toml"
            file.write_text("[server]\nprot = 1\n")
            wrong = run_varro("serve", "--config", str(file), "--data", directory)
            self.assertNotEqual(wrong.returncode, 0)
            for part in (str(file), "2", "prot", "port"):
                self.assertIn(part, wrong.stderr)

    def test_offline_runs_python_and_explains_itself(self):
        with self.start(model=None) as server:
            client = Client(server)
            _, events = client.turn("```python\nprint(sum(range(10)))\n```")
            self.assertEqual(kinds(events)[-1], "text")
            self.assertIn("45", "".join(e.data for e in contents(events)))
            _, events = client.turn("What can you do?")
            self.assertIn("ANTHROPIC_API_KEY", contents(events)[-1].data)


CHATS = 500


class ManyChats(SystemTest):
    async def request(self, method, path, body=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.varro.port)
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                     f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
                     .encode() + body)
        return reader, writer

    async def whole(self, method, path, body=b""):
        reader, writer = await self.request(method, path, body)
        answer = await reader.read()
        writer.close()
        return answer.decode()

    async def chat(self, n, ready, everybody_is_on):
        # All of them hold their request open together: the answer comes when the last one has been sent.
        body = urllib.parse.urlencode({"message": f"chat {n} [[hold]][[text: answer {n}]]"}).encode()
        reply = await self.whole("POST", "/chat/send", body)
        chat_id, after = re.search(r"/chat/stream/(\d+)\?after=(\d+)", reply).groups()
        reader, writer = await self.request("GET", f"/chat/stream/{chat_id}?after={after}")
        ready.append(n)
        if len(ready) == CHATS:
            everybody_is_on.set()
        stream = (await reader.read()).decode()
        writer.close()
        page = await self.whole("GET", f"/chat/{chat_id}")
        self.assertEqual(stream.count("event: content"), 1, stream)
        self.assertEqual(stream.count("event: done"), 1)
        self.assertIn(f"answer {n}", stream)
        self.assertIn(f"answer {n}", page)
        return int(chat_id)

    async def all_chats(self):
        ready, everybody_is_on = [], asyncio.Event()

        async def release():
            await everybody_is_on.wait()
            while self.model.state()["open"] < CHATS:  # what comes later would be held for ever
                await asyncio.sleep(0.05)
            self.threads_during = self.varro.threads()
            self.model_release()

        results = await asyncio.gather(release(), *(self.chat(n, ready, everybody_is_on) for n in range(CHATS)))
        return results[1:]

    def model_release(self):
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", self.model.port, timeout=60)
        connection.request("POST", "/__release")
        connection.getresponse().read()
        connection.close()

    def test_500_chats_at_once_lose_nothing_on_a_constant_number_of_threads(self):
        self.client.turn("[[text: warm]]")
        before = self.varro.threads()
        chats = asyncio.run(asyncio.wait_for(self.all_chats(), 240))
        self.assertEqual(len(set(chats)), CHATS)
        self.assertEqual(self.threads_during, before)
        self.assertLess(before, 32)


if __name__ == "__main__":
    unittest.main(verbosity=2)
