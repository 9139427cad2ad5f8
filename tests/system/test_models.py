"""What today's vendors ask of a client, seen from outside: thinking that is bound to its beginning, patience, refusals,
contexts that are full. Each also over a restart where something is kept."""

import json
import pathlib
import re
import tempfile
import unittest

from harness import Client, Model, SystemTest, Varro, blocks_of, contents, kinds


def systems(model):
    return [json.dumps(body.get("system")) for body in model.bodies()]


class Prefix(SystemTest):
    """A chat goes on with the instructions and tools that it began with."""

    def test_an_upgrade_of_the_instructions_does_not_change_an_old_chat_until_its_user_wants_it(self):
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory) / "data"
            with self.start(data=data, default_model="anthropic:claude-opus-5-5", env={"VARRO_AGENT_INSTRUCTIONS": "Old words."}) as server:
                reply, events = Client(server).turn("[[thinking: hm]][[python: x = 41]][[then]][[text: done]]")
                self.assertIn("completed", events[-1].data)
            chat = reply.chat_id
            with self.start(data=data, default_model="anthropic:claude-opus-5-5", env={"VARRO_AGENT_INSTRUCTIONS": "New words."}) as server:
                client = Client(server)
                self.model.control("DELETE", "/__requests")
                _, events = client.turn("[[thinking: hm]][[python: print(x + 1)]][[then]][[text: done]]", chat)
                self.assertIn("42", contents(events)[2].data)
                self.assertIn("completed", events[-1].data)
                self.assertTrue(all("Old words." in system for system in systems(self.model)))
                page = client.get(f"/chat/{chat}").text
                self.assertIn(f'action="/chat/{chat}/instructions"', page)
                self.assertEqual(client.post(f"/chat/{chat}/instructions").status, 303)
                self.assertNotIn(f'action="/chat/{chat}/instructions"', client.get(f"/chat/{chat}").text)
                self.model.control("DELETE", "/__requests")
                _, events = client.turn("[[thinking: hm]][[text: and on]]", chat)
                self.assertIn("completed", events[-1].data)
                self.assertTrue(all("New words." in system for system in systems(self.model)))
                # A new chat begins with the new ones.
                client.turn("[[text: hello]]")
                self.assertIn("New words.", systems(self.model)[-1])
            with self.start(data=data, default_model="anthropic:claude-opus-5-5", env={"VARRO_AGENT_INSTRUCTIONS": "Newest words."}) as server:
                _, events = Client(server).turn("[[text: still]]", chat)
                self.assertIn("New words.", systems(self.model)[-1])

    def test_another_users_chat_is_not_renewed(self):
        self.assertEqual(self.client.post("/chat/999999/instructions").status, 404)


class Effort(SystemTest):
    def test_effort_is_chosen_per_chat_kept_over_a_restart_and_off_is_said_to_be_impossible(self):
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory) / "data"
            with self.start(data=data, default_model="anthropic:claude-opus-5-5") as server:
                client = Client(server)
                reply, _ = client.turn("[[text: a]]", effort="max")
                chat = reply.chat_id
                self.assertEqual(self.model.bodies()[-1]["output_config"], {"effort": "max"})
            with self.start(data=data, default_model="anthropic:claude-opus-5-5") as server:
                client = Client(server)
                client.turn("[[text: b]]", chat)
                self.assertEqual(self.model.bodies()[-1]["output_config"], {"effort": "max"})
                self.assertRegex(client.get(f"/chat/{chat}").text, r'value="max" selected')
                reply = client.send("[[text: c]]", chat, effort="off")
                self.assertIn("cannot be kept from thinking", reply.text)
                client.events(chat, after=reply.after)
                self.assertEqual(self.model.bodies()[-1]["output_config"], {"effort": "low"})
                client.turn("[[text: d]]", chat, effort="default")
                self.assertNotIn("output_config", self.model.bodies()[-1])

    def test_an_effort_that_is_none_is_refused_and_loses_nothing(self):
        self.assertEqual(self.client.send("[[text: a]]", effort="everything").status, 422)

    def test_off_is_off_where_the_model_can(self):
        with self.start(default_model="anthropic:claude-sonnet-5-5") as server:
            Client(server).turn("[[text: a]]", effort="off")
            self.assertEqual(self.model.bodies()[-1]["thinking"], {"type": "between_tools"})
        with self.start(default_model="anthropic:claude-haiku-5-5") as server:
            Client(server).turn("[[text: a]]", effort="off")
            self.assertEqual(self.model.bodies()[-1]["thinking"], {"type": "disabled"})


class Patience(SystemTest):
    def attempts(self, message, **env):
        env.setdefault("VARRO_MODEL_CLIENT_BACKOFF_FIRST_MS", "1")
        env.setdefault("VARRO_MODEL_CLIENT_BACKOFF_MAX_MS", "5")
        with self.start(env=env) as server:
            self.model.control("DELETE", "/__requests")
            reply, events = Client(server).turn(message)
            page = Client(server).get(f"/chat/{reply.chat_id}").text
            return len(self.model.bodies()), events, page

    def test_a_stream_that_breaks_after_content_is_asked_again_and_shown_once(self):
        requests, events, page = self.attempts("[[drop-middle: x2]][[text: whole and sound]]")
        self.assertEqual(requests, 3)
        self.assertEqual(kinds(events), ["text"])
        self.assertIn("completed", events[-1].data)
        self.assertEqual(page.count("whole and sound</p>"), 1)

    def test_a_vendor_that_is_overloaded_in_the_middle_of_its_answer_is_asked_again(self):
        requests, events, _ = self.attempts("[[stream-error: 529 x1]][[python: 6 * 7]][[then]][[text: fine]]")
        self.assertEqual(requests, 3)
        self.assertIn("completed", events[-1].data)

    def test_a_model_that_stays_silent_is_asked_once_more_and_not_five_times(self):
        requests, events, page = self.attempts("[[hold]][[text: never]]",
                                               VARRO_MODEL_CLIENT_FIRST_BYTE_MAX_MS="300",
                                               VARRO_MODEL_CLIENT_SILENCE_MAX_MS="300")
        self.assertEqual(requests, 2)
        self.assertIn('"failed"', events[-1].data)
        self.assertIn("did not answer in time", page)

    def test_a_slow_model_is_waited_for(self):
        requests, events, _ = self.attempts("[[delay: 1500]][[text: at last]]")
        self.assertEqual(requests, 1)
        self.assertIn("completed", events[-1].data)


class CutAndRefused(SystemTest):
    def test_a_call_that_the_output_limit_cut_is_not_called_invalid_json_and_not_tried_four_times(self):
        self.model.control("DELETE", "/__requests")
        reply, events = self.client.turn('[[python-args: {"code": "print(1]][[stop: length]][[then]]'
                                         '[[python-args: {"code": "print(2]][[stop: length]]')
        self.assertIn('"failed"', events[-1].data)
        page = self.client.get(f"/chat/{reply.chat_id}").text
        self.assertIn("twice in a row", page)
        self.assertIn("cut off in the middle", page)
        self.assertEqual(len(self.model.bodies()), 2)
        _, events = self.client.turn("[[text: and on]]", reply.chat_id)
        self.assertIn("completed", events[-1].data)

    def test_a_refused_half_answer_is_named_not_run_and_not_sent_back(self):
        refusal = {"text": "Here is how", "python": "print('should not run')", "stop": "refusal"}
        model = Model({"rules": [{"when": {"user_contains": "forbidden", "match": 1}, "answer": refusal}],
                       "otherwise": {"text": "fine"}})
        try:
            with self.start(model=model) as server:
                client = Client(server)
                reply, events = client.turn("something forbidden")
                self.assertIn('"failed"', events[-1].data)
                self.assertNotIn("tool-call", kinds(events))
                self.assertIn("The vendor refused this answer", client.get(f"/chat/{reply.chat_id}").text)
                _, events = client.turn("something else", reply.chat_id)
                self.assertIn("completed", events[-1].data)
                self.assertNotIn("Here is how", json.dumps(model.bodies()[-1]))
        finally:
            model.stop()


SMALL_CONTEXT = """
[[model]]
provider = "anthropic"
name = "claude-sonnet-4-5"
context_tokens_max = 12000
output_tokens_max = 2000
"""


class Context(SystemTest):
    def test_a_long_chat_is_shortened_by_structure_and_the_page_says_where(self):
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory) / "data"
            data.mkdir()
            (data / "varro.toml").write_text(SMALL_CONTEXT)
            cell = "[[python: print('number ' * 1000)]][[then]][[text: done]]"
            with self.start(data=data, default_model="anthropic:claude-sonnet-4-5") as server:
                client = Client(server)
                reply, events = client.turn(cell)
                chat, marks = reply.chat_id, 0
                for _ in range(9):
                    _, events = client.turn(cell, chat)
                    self.assertIn("completed", events[-1].data)
                    marks += kinds(events).count("note")
                self.assertGreaterEqual(marks, 1)
                self.assertLess(marks, 9)
                body = self.model.bodies()[-1]
                self.assertLess(len(json.dumps(body)), 12_000 * 4)
                calls = [b["id"] for m in body["messages"] for b in m["content"] if b["type"] == "tool_use"]
                returns = [b["tool_use_id"] for m in body["messages"] for b in m["content"]
                           if b["type"] == "tool_result"]
                self.assertEqual(calls, returns)
                page = client.get(f"/chat/{chat}").text
                self.assertEqual([b.kind for b in blocks_of(page)].count("note"), marks)
                self.assertIn("number number", page)  # the user still sees all of it
            with self.start(data=data, default_model="anthropic:claude-sonnet-4-5") as server:
                client = Client(server)
                page = client.get(f"/chat/{chat}").text
                self.assertEqual([b.kind for b in blocks_of(page)].count("note"), marks)
                _, events = client.turn(cell, chat)
                self.assertIn("completed", events[-1].data)


if __name__ == "__main__":
    unittest.main()
