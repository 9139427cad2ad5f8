"""Traces: what a strict collector gets of a turn, collectors that are slow or away, a crash, and the pages of admins."""

import pathlib
import re
import tempfile
import threading
import unittest

from cells import Chat, python, until
from collector import Collector
from harness import Client, SystemTest
from test_metrics import samples

PARTS = ("accept message", "commit", "wait in queue", "chat", "model attempt", "start shell", "execute_tool",
         "wait for shell", "run cell", "publish", "render")
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def environment(collector_url, **more):
    return {"VARRO_TRACE_OTLP_URL": collector_url, **more}


def runs_of(collector):
    return sorted({s.attributes["varro.run.id"] for s in list(collector.spans) if "varro.run.id" in s.attributes})


def result(server, name):
    return samples(Client(server).get("/metrics").text)[f'varro_trace_spans_total{{result="{name}"}}']


class Traces(SystemTest):
    @classmethod
    def prepare(cls):
        cls.collector = Collector()
        cls.addClassCleanup(cls.collector.close)
        cls.environment = environment(cls.collector.url, VARRO_TRACE_OTLP_HEADERS="authorization=Bearer%20pear",
                                      VARRO_SERVER_TRUSTED_PROXIES="127.0.0.2")

    def newest(self, before, foreign_parent=None):
        until(lambda: len(runs_of(self.collector)) > before, "the trace of the turn")
        return self.collector.of_run(runs_of(self.collector)[-1], foreign_parent)

    def test_a_turn_with_a_cell_is_one_tree_of_all_its_steps_and_says_nothing_of_its_words(self):
        before = len(runs_of(self.collector))
        chat = Chat(self.client)
        self.assertEqual(chat.run("open('quince.txt', 'w').write('x'); print('pomegranate')").stdout.strip(), "pomegranate")
        tree = self.newest(before)
        self.assertEqual([part for part in PARTS if not tree.named(part)], [])
        self.assertEqual(len(tree.named("chat")), 2)
        self.assertEqual(sorted(s.attributes["varro.commit"] for s in tree.named("commit")),
                         ["end", "message", "response", "response", "tool_return"])
        asked = tree.named("chat")[0]
        self.assertEqual((asked.name, asked.kind), ("chat claude-sonnet-4-5", 3))
        self.assertEqual((asked.attributes["gen_ai.operation.name"], asked.attributes["gen_ai.provider.name"],
                          asked.attributes["gen_ai.request.model"]), ("chat", "anthropic", "claude-sonnet-4-5"))
        self.assertGreater(asked.attributes["gen_ai.usage.input_tokens"], 0)
        self.assertEqual([s.parent for s in tree.named("model attempt")], [s.id for s in tree.named("chat")])
        tool = tree.named("execute_tool")[0]
        self.assertEqual({s.parent for s in tree.named("run cell") + tree.named("wait for shell")}, {tool.id})
        self.assertEqual(tree.root.attributes["gen_ai.conversation.id"], str(chat.chat_id))
        self.assertEqual((tree.root.attributes["varro.run.status"], tree.root.attributes["varro.run.resumes"]),
                         ("completed", 0))
        self.assertEqual(self.collector.problems, [])
        for body in self.collector.seen:
            for word in (b"pomegranate", b"quince", b"print", b"sk-test-0000", b"pear"):
                self.assertNotIn(word, body)
        self.assertEqual({f["authorization"] for f in self.collector.fields}, {"Bearer pear"})

    def test_what_failed_says_how(self):
        before = len(runs_of(self.collector))
        self.client.turn("[[error: 400]]")
        tree = self.newest(before)
        self.assertEqual(tree.root.attributes["varro.run.status"], "failed")
        self.assertEqual([s.attributes["error.type"] for s in tree.named("chat") + tree.named("model attempt")],
                         ["model_rejected", "refused"])

    def test_a_parent_is_believed_of_a_trusted_proxy_only(self):
        field = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        before = len(runs_of(self.collector))
        Client(self.varro, headers=field).turn("[[text: hi]]")
        self.assertNotEqual(self.newest(before).root.trace, TRACE)
        before = len(runs_of(self.collector))
        Client(self.varro, headers=field, source="127.0.0.2").turn("[[text: hi]]")
        tree = self.newest(before, PARENT)
        self.assertEqual((tree.root.trace, tree.root.parent), (TRACE, PARENT))

    def test_admins_see_the_same_spans(self):
        before = len(runs_of(self.collector))
        Chat(self.client).run("print('pomegranate')")
        tree = self.newest(before)
        run = tree.root.attributes["varro.run.id"]
        listed = self.client.get("/admin/turns")
        self.assertIn(f"/admin/turns/{run}", listed.text)
        self.assertIn(f"/admin/turns/{run}", self.client.get("/admin/turns?by=slow").text)
        page = self.client.get(f"/admin/turns/{run}").text
        self.assertEqual(len(re.findall('class="bar waterfall"', page)), len(tree.spans) - 1)
        self.assertIn(tree.root.trace, page)
        self.assertRegex(page, r"<p>(model|cells|waited for a shell|database|taking the message) [0-9.]+ (µs|ms|s) of ")
        self.assertNotIn("pomegranate", page + listed.text)
        self.assertEqual(self.client.get("/admin/turns/999999").status, 404)


class Collectors(SystemTest):
    def test_without_an_address_nothing_is_sent(self):
        with self.start() as server:
            Client(server).turn("[[text: hi]]")
            self.assertEqual(result(server, "exported"), 0)

    def test_a_collector_that_is_away_costs_its_queue_only(self):
        gone = Collector()
        gone.close()
        with self.start(env=environment(gone.url, VARRO_TRACE_QUEUE_SPANS_MAX="30", VARRO_TRACE_BATCH_SPANS_MAX="1")) as server:
            client = Client(server)
            for _ in range(8):
                self.assertEqual(client.turn("[[text: hi]]")[1][-1].name, "done")
            # The first trace is being tried again; two more have room, the others have not.
            until(lambda: client.turn("[[text: hi]]") and result(server, "queue_full") > 0, "the queue is full")
            self.assertEqual(result(server, "exported"), 0)
            self.assertEqual(server.stop()[0], 0)

    def test_one_that_is_busy_is_asked_again_and_one_that_refuses_is_not(self):
        busy = Collector(lambda number: 503 if number <= 2 else 200 if number == 3 else 400)
        self.addCleanup(busy.close)
        with self.start(env=environment(busy.url)) as server:
            client = Client(server)
            client.turn("[[text: hi]]")
            until(lambda: result(server, "exported") > 0, "the third attempt")
            self.assertEqual((len(busy.seen), len(set(busy.seen)), busy.problems), (3, 1, []))
            client.turn("[[text: hi]]")
            until(lambda: result(server, "refused") > 0, "it is refused")
            self.assertEqual(len(busy.seen), 4)

    def test_a_slow_collector_holds_up_neither_turns_nor_a_stop(self):
        answered = threading.Event()
        slow = Collector(lambda number: 200 if answered.wait(60) else 500)
        self.addCleanup(slow.close)
        self.addCleanup(answered.set)
        with self.start(env=environment(slow.url)) as server:
            client = Client(server)
            client.turn("[[text: hi]]")
            until(lambda: slow.seen, "the first batch is on its way")
            self.assertEqual(client.turn("[[text: hi]]")[1][-1].name, "done")
            self.assertEqual(server.stop()[0], 0)
            self.assertEqual(slow.spans, [])

    def test_a_stop_sends_what_is_left(self):
        collector = Collector()
        self.addCleanup(collector.close)
        with self.start(env=environment(collector.url)) as server:
            Client(server).turn("[[text: hi]]")
            self.assertEqual(server.stop()[0], 0)
        self.assertEqual((len(runs_of(collector)), collector.problems), (1, []))

    def test_a_share_of_none_sends_nothing_and_a_page_of_none_keeps_nothing(self):
        collector = Collector()
        self.addCleanup(collector.close)
        with self.start(env=environment(collector.url, VARRO_TRACE_SAMPLE="0", VARRO_TRACE_RUNS_KEPT="0")) as server:
            client = Client(server)
            client.turn("[[text: hi]]")
            self.assertNotIn("/admin/turns/", client.get("/admin/turns").text)
            self.assertEqual(server.stop()[0], 0)
        self.assertEqual(collector.seen, [])

    def test_a_run_that_a_crash_cut_off_gets_a_new_trace_with_its_id(self):
        collector = Collector()
        self.addCleanup(collector.close)
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory) / "data"
            with self.start(data=data, env=environment(collector.url)) as first:
                client = Client(first)
                done = client.turn("[[text: hi]]")[0]
                until(lambda: runs_of(collector), "the trace of the first turn")
                reply = client.send(python("while True: pass") + "[[then]][[text: over]]", done.chat_id)
                with client.stream(reply.chat_id, after=reply.after) as stream:
                    for event in stream:
                        if event.name == "content" and event.block.state == "running":
                            break
                first.kill()
            before = runs_of(collector)
            with self.start(data=data, env=environment(collector.url)):
                until(lambda: len(runs_of(collector)) > len(before), "the trace of the run that was taken up")
        run = next(iter(set(runs_of(collector)) - set(before)))
        self.assertEqual(collector.of_run(run).root.attributes["varro.run.resumes"], 1)
        self.assertEqual(collector.problems, [])


if __name__ == "__main__":
    unittest.main()
