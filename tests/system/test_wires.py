"""Chats on each vendor's wire, with cells and plots, over restarts, and from one vendor's model to another's.

The scripted server refuses what the vendors document that they refuse: thinking that is bound to its beginning, reasoning
items and signatures that do not come back, tools where a model does not take them."""

import contextlib
import json
import pathlib
import tempfile
import unittest

from harness import Client, Model, SystemTest, Varro, contents, kinds

MODELS = """
[provider.openai]
kind = "openai-responses"
base_url = "http://127.0.0.1:{port}/v1"

[provider.gemini]
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"

[provider.anyone]
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"

[[model]]
provider = "anthropic"
name = "claude-opus-5-5"
[[model]]
provider = "anthropic"
name = "claude-haiku-5-5"
vision = false
[[model]]
provider = "openai"
name = "gpt-6-sol"
[[model]]
provider = "google"
name = "gemini-3-pro-preview"
[[model]]
provider = "gemini"
name = "gemini-3-flash-preview"
[[model]]
provider = "anyone"
name = "gpt-4o"
"""

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()"
TURN = f"[[thinking: I look.]][[python: x = 6 * 7\nprint(x)]][[thinking: And a plot.]][[python: {PLOT}]][[then]][[text: done]]"


class Wires(SystemTest):
    @contextlib.contextmanager
    def everyone(self, data):
        data.mkdir(exist_ok=True)
        (data / "varro.toml").write_text(MODELS.format(port=self.model.port))
        keys = {"ANTHROPIC_API_KEY": "sk-test-0000", "OPENAI_API_KEY": "sk-test-0000", "GEMINI_API_KEY": "test-0000",
                "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{self.model.port}",
                "GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{self.model.port}/v1beta"}
        with self.start(data=data, model=None, env=keys) as server:
            yield Client(server)

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="varro-system-")
        self.addCleanup(directory.cleanup)
        self.data = pathlib.Path(directory.name) / "data"
        self.refused = self.model.state()["refused"]

    def nothing_was_refused(self):
        state = self.model.state()
        self.assertEqual(state["refused"], self.refused, state["last_refusal"])

    def turns(self, client, chat, *models):
        for name in models:
            with self.subTest(model=name):
                reply, events = client.turn(TURN, chat, model=name)
                chat = reply.chat_id
                self.assertIn("completed", events[-1].data)
                self.assertIn("42", "".join(event.data for event in contents(events)))
                self.assertEqual(kinds(events).count("thinking"), 2)
        return chat

    def over_a_restart(self, name):
        with self.everyone(self.data) as client:
            chat = self.turns(client, None, name, name)
        with self.everyone(self.data) as client:
            self.turns(client, chat, name, name)
        self.nothing_was_refused()

    def test_claude_with_bound_thinking(self):
        self.over_a_restart("anthropic:claude-opus-5-5")

    def test_openais_responses(self):
        self.over_a_restart("openai:gpt-6-sol")
        bodies = [b for b in self.model.bodies() if b.get("model") == "gpt-6-sol"]
        self.assertTrue(all(b["store"] is False for b in bodies))
        reasoning = [i for i in bodies[-1]["input"] if i.get("type") == "reasoning"]
        self.assertGreaterEqual(len(reasoning), 7)
        self.assertTrue(all(item["encrypted_content"] for item in reasoning))

    def test_gemini(self):
        self.over_a_restart("google:gemini-3-pro-preview")
        self.assertIn("thoughtSignature", json.dumps(self.model.bodies()[-1]))

    def test_gemini_on_the_compatible_endpoint(self):
        self.over_a_restart("gemini:gemini-3-flash-preview")
        self.assertIn("thought_signature", json.dumps(self.model.bodies()[-1]))

    def test_one_chat_goes_from_vendor_to_vendor_and_back(self):
        tour = ("anthropic:claude-opus-5-5", "openai:gpt-6-sol", "google:gemini-3-pro-preview",
                "anthropic:claude-haiku-5-5", "gemini:gemini-3-flash-preview", "anyone:gpt-4o",
                "anthropic:claude-opus-5-5", "openai:gpt-6-sol")
        with self.everyone(self.data) as client:
            chat = self.turns(client, None, *tour[:4])
        with self.everyone(self.data) as client:
            self.turns(client, chat, *tour[4:])
            # Edited, asked again, and forked.
            reply = client.post(f"/chat/{chat}/edit", {"turn": 3, "message": TURN})
            self.assertIn("completed", client.events(chat, after=reply.after)[-1].data)
            reply = client.post(f"/chat/{chat}/regenerate", {"model": "anthropic:claude-opus-5-5"})
            self.assertIn("completed", client.events(chat, after=reply.after)[-1].data)
            fork = client.post(f"/chat/{chat}/fork", {"turn": 2})
            forked = int(fork.headers["location"].rsplit("/", 1)[1])
            self.turns(client, forked, "openai:gpt-6-sol", "google:gemini-3-pro-preview")
        self.nothing_was_refused()


REFUSES_CHAT = {"rules": [
    {"when": {"api": "openai"}, "answer": {"error": {"status": 400, "type": "invalid_request_error", "message":
        "Function tools with reasoning_effort are not supported for house in /v1/chat/completions. "
        "To use function tools, use /v1/responses or set reasoning_effort to 'none'."}}}],
    "otherwise": {"text": "fine"}}
KNOWS_NO_RESPONSES = {"rules": [
    {"when": {"api": "openai-responses"}, "answer": {"error": {"status": 404, "type": "invalid_request_error",
                                                               "message": "Unknown request URL: POST /v1/responses"}}}],
    "otherwise": {"text": "fine"}}


class Fallback(SystemTest):
    """Which of OpenAI's two wires a server knows is learned from its own error, once."""

    def paths(self, script, name):
        model = Model(script)
        try:
            with self.start(model=model, vendor="openai", default_model=name) as server:
                client = Client(server)
                reply, events = client.turn("hello")
                self.assertIn("completed", events[-1].data)
                _, events = client.turn("again", reply.chat_id)
                self.assertIn("completed", events[-1].data)
            return [r["path"].split("?")[0] for r in model.requests() if r["method"] == "POST"]
        finally:
            model.stop()

    def test_a_server_that_wants_responses_gets_them_and_is_remembered(self):
        self.assertEqual(self.paths(REFUSES_CHAT, "openai:house"),
                         ["/v1/chat/completions", "/v1/responses", "/v1/responses"])

    def test_a_server_that_knows_no_responses_gets_chat_completions_and_is_remembered(self):
        self.assertEqual(self.paths(KNOWS_NO_RESPONSES, "openai:gpt-6-sol"),
                         ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"])


if __name__ == "__main__":
    unittest.main()
