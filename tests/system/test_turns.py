"""A turn from outside: send, blocks in order, done, the page, errors of models and tools, stop."""

import re
import sqlite3
import unittest

from harness import Client, Stream, SystemTest, blocks_of, contents, kinds


class Turns(SystemTest):
    def test_a_turn_shows_its_blocks_in_order_and_the_page_shows_the_same(self):
        reply, events = self.client.turn(
            "[[thinking: let me compute]][[python: x = 6 * 7\nprint(x)]][[then]][[text: It is **42**.]]")
        self.assertEqual(reply.status, 200)
        self.assertIn('data-block="user"', reply.text)
        self.assertEqual(kinds(events), ["thinking", "tool-call", "tool-call", "text"])
        self.assertEqual(events[-1].name, "done")
        self.assertIn('"status":"completed"', events[-1].data)
        states = [e.block.state for e in contents(events) if e.block.kind == "tool-call"]
        self.assertEqual(states, ["running", "done"])
        call, result = [e.block for e in contents(events) if e.block.kind == "tool-call"]
        self.assertEqual(call.id, result.id)
        self.assertEqual(call.attributes["data-tool"], "python")
        self.assertIn("42", contents(events)[2].data)
        self.assertIn("<strong>42</strong>", contents(events)[3].data)
        self.assertTrue(any(e.name == "progress" for e in events))
        ids = [e.id for e in contents(events)]
        self.assertEqual(ids, sorted(ids))
        page = blocks_of(self.client.get(f"/chat/{reply.chat_id}").text)
        self.assertEqual([b.kind for b in page], ["user", "thinking", "tool-call", "text"])
        live = {}
        for event in contents(events):
            live[event.block.id] = event.block.attributes
        self.assertEqual({b.id: b.attributes for b in page if b.kind != "user"}, live)

    def test_the_shell_keeps_its_variables_from_turn_to_turn(self):
        reply, _ = self.client.turn("[[python: kept = 'still here']]")
        _, events = self.client.turn("[[python: print(kept)]]", reply.chat_id)
        self.assertIn("still here", contents(events)[1].data)

    def test_a_plot_is_shown_and_goes_back_to_the_model(self):
        reply, events = self.client.turn(
            "[[python: import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()]]")
        url = re.search(r'src="(/chat/\d+/files/[^"]+)"', contents(events)[1].data)[1]
        image = self.client.get(url)
        self.assertEqual(image.status, 200)
        self.assertEqual(image.headers["content-type"], "image/png")
        self.assertTrue(image.body.startswith(b"\x89PNG"))
        returned = self.model.bodies()[-1]["messages"][-1]["content"]
        self.assertIn('"image"', str(returned).replace("'", '"'))

    def test_a_table_is_a_table_with_its_true_shape(self):
        _, events = self.client.turn(
            "[[python: import pandas as pd\npd.DataFrame({'a': range(1000), 'b': 'x'})]]")
        html = contents(events)[1].data
        self.assertIn("<table", html)
        self.assertIn("1,000", html.replace("1000", "1,000"))
        self.assertIn("int64", html)

    def test_an_error_shows_a_short_traceback_and_the_model_reads_it(self):
        _, events = self.client.turn("[[python: def f():\n    return 1 / 0\nf()]]")
        self.assertEqual(contents(events)[1].block.state, "failed")
        self.assertIn("ZeroDivisionError", contents(events)[1].data)
        self.assertNotIn("\x1b[", contents(events)[1].data)
        self.assertIn("ZeroDivisionError", str(self.model.bodies()[-1]["messages"][-1]))

    def test_two_calls_of_one_response_run_in_order(self):
        _, events = self.client.turn("[[python: n = 1]][[python: n += 1\nprint('n is', n)]]")
        results = [e for e in contents(events) if e.block.state == "done"]
        self.assertEqual(len(results), 2)
        self.assertIn("n is 2", results[1].data)

    def test_an_unknown_tool_is_told_to_the_model_and_the_turn_goes_on(self):
        _, events = self.client.turn("[[tool: magic {}]][[then]][[text: sorry]]")
        self.assertEqual(kinds(events)[-1], "text")
        self.assertIn("Unknown tool name", str(self.model.bodies()[-1]["messages"][-1]))

    def test_unusable_arguments_are_told_to_the_model(self):
        _, events = self.client.turn('[[python-args: {"kode": 1}]][[then]][[text: sorry]]')
        self.assertEqual(kinds(events)[-1], "text")
        self.assertIn("code", str(self.model.bodies()[-1]["messages"][-1]))

    def test_a_vendor_error_is_an_error_block_without_the_key(self):
        _, events = self.client.turn("[[error: 400]]")
        self.assertEqual(kinds(events), ["error"])
        self.assertIn('"error":true', events[-1].data)
        self.assertNotIn("sk-test", contents(events)[0].data)

    def test_an_overloaded_vendor_is_asked_again(self):
        _, events = self.client.turn("[[error: 529 x1]][[text: better now]]")
        self.assertEqual(kinds(events), ["text"])

    def test_a_dropped_connection_is_tried_again(self):
        _, events = self.client.turn("[[drop: x1]][[text: better now]]")
        self.assertEqual(kinds(events), ["text"])

    def test_a_stop_closes_a_waiting_model_request(self):
        reply = self.client.send("[[hold]][[text: never]]")
        with self.client.stream(reply.chat_id, after=reply.after) as stream:
            events = iter(stream)
            next(events)
            self.assertEqual(self.client.post(f"/chat/{reply.chat_id}/cancel").status, 204)
            last = list(events)[-1]
        self.assertEqual(last.name, "done")
        self.assertIn('"status":"cancelled"', last.data)
        # Usable at once. (The two prompts reach the model as one message, so it holds this one, too.)
        self.assertEqual(self.client.send("and again", reply.chat_id).status, 200)
        self.assertEqual(self.client.post(f"/chat/{reply.chat_id}/cancel").status, 204)
        self.assertEqual(self.client.events(reply.chat_id)[-1].name, "done")

    def test_a_stop_interrupts_a_cell_and_keeps_the_variables(self):
        reply = self.client.send("[[python: kept = 5\nwhile True: pass]]")
        with self.client.stream(reply.chat_id, after=reply.after) as stream:
            events = iter(stream)
            seen = []
            for event in events:
                seen.append(event)
                if event.name == "content" and event.block.state == "running":
                    break
            # Until the cell really runs a stop means "before it ran": wait for its first sign of life.
            self.client.post(f"/chat/{reply.chat_id}/cancel")
            seen += list(events)
        self.assertEqual([e.block.state for e in contents(seen) if e.block.kind == "tool-call"][-1], "stopped")
        self.assertIn('"status":"cancelled"', seen[-1].data)

    def test_one_row_per_message_in_pydantic_form(self):
        reply, _ = self.client.turn("[[python: 1 + 1]][[then]][[text: two]]")
        rows = sqlite3.connect(f"file:{self.data}/varro.db?mode=ro", uri=True).execute(
            "SELECT seq, kind, json FROM messages WHERE chat_id = ? ORDER BY seq", (reply.chat_id,)).fetchall()
        self.assertEqual([r[1] for r in rows], ["request", "response", "request", "response"])
        self.assertEqual([r[0] for r in rows], [1, 2, 3, 4])


class TurnsOpenAi(SystemTest):
    vendor = "openai"

    def test_the_same_loop_on_the_other_wire(self):
        _, events = self.client.turn("[[thinking: hm]][[python: print(6 * 7)]][[then]][[text: It is 42.]]")
        self.assertEqual(kinds(events), ["thinking", "tool-call", "tool-call", "text"])
        self.assertIn("42", contents(events)[2].data)

    def test_several_calls_and_a_second_turn(self):
        reply, events = self.client.turn("[[python: a = 1]][[python: print(a + 1)]]")
        self.assertEqual([e.block.state for e in contents(events)].count("done"), 2)
        _, events = self.client.turn("[[python: print(a + 5)]]", reply.chat_id)
        self.assertIn("6", contents(events)[1].data)


if __name__ == "__main__":
    unittest.main(verbosity=2)
