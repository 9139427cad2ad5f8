"""Which models are offered: from the vendors' lists, over restarts, without a network, and when one ends."""

import datetime
import http.client
import http.server
import json
import pathlib
import re
import tempfile
import threading
import time
import unittest
import urllib.parse

from harness import VARRO, WAIT_SECONDS, Client, Model, Process, run_varro

KEY = "sk-secret-4711"


def claude(name, retires_at=None, **fields):
    return {"type": "model", "id": name, "display_name": name.replace("-", " ").title(),
            "created_at": "2026-01-01T00:00:00Z", "lifecycle": "deprecated" if retires_at else "active",
            "retires_at": retires_at and f"{retires_at}T00:00:00Z", "max_input_tokens": 200_000, "max_tokens": 64_000,
            **fields}


def days_from_now(days):
    return (datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days)).isoformat()


class Vendor(http.server.ThreadingHTTPServer):
    """Lists of models as the three vendors give them; messages go on to the scripted model server."""

    daemon_threads = True

    def __init__(self, models, port=0):
        super().__init__(("127.0.0.1", port), VendorHandler)
        self.models = models  # names at Google's and OpenAI's addresses, entries at Anthropic's
        self.page_size = 1_000
        self.status = 200
        self.open = threading.Event()  # lists are answered once it is set
        self.open.set()
        self.asked = []
        self.model = None
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass  # a client that was stopped while it waited is no error here

    def close(self):
        self.open.set()
        self.shutdown()
        self.thread.join()
        self.server_close()


class VendorHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        vendor = self.server
        vendor.asked.append((self.path, dict(self.headers.items())))
        vendor.open.wait(WAIT_SECONDS)
        path, _, query = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        if vendor.status != 200:
            self.reply(vendor.status, {"error": {"type": "authentication_error", "message": f"invalid key {KEY}"}})
        elif path == "/v1/models":
            ids = [m["id"] for m in vendor.models]
            begin = ids.index(query["after_id"]) + 1 if "after_id" in query else 0
            page = vendor.models[begin:begin + min(int(query["limit"]), vendor.page_size)]
            self.reply(200, {"data": page, "has_more": begin + len(page) < len(ids), "last_id": page[-1]["id"]})
        elif path == "/openai/models":
            self.reply(200, {"object": "list", "data": [{"id": name, "object": "model", "created": 1, "owned_by": "x",
                                                         "shutdown_date": None} for name in vendor.models]})
        elif path == "/v1beta/models":
            begin = int(query.get("pageToken", 0))
            page = vendor.models[begin:begin + vendor.page_size]
            more = {"nextPageToken": str(begin + len(page))} if begin + len(page) < len(vendor.models) else {}
            self.reply(200, {"models": [{"name": f"models/{name}", "displayName": name, "inputTokenLimit": 1_048_576,
                                         "outputTokenLimit": 65_536,
                                         "supportedGenerationMethods": ["generateContent"]} for name in page], **more})
        else:
            self.reply(404, {"error": {"message": "no such path"}})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        onward = http.client.HTTPConnection("127.0.0.1", self.server.model.port, timeout=WAIT_SECONDS)
        onward.request("POST", self.path, body, {k: v for k, v in self.headers.items() if k.lower() != "host"})
        answer = onward.getresponse()
        content = answer.read()
        onward.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def options(page):
    """The list of models of a page: id → (label, chosen, disabled)."""
    select = re.search(r'<select name="model".*?</select>', page, re.S)[0]
    found = re.findall(r'<option value="([^"]*)"([^>]*)>([^<]*)</option>', select)
    return {i: (label, "selected" in rest, "disabled" in rest) for i, rest, label in found}


def chosen(page):
    return [i for i, (_, is_chosen, _) in options(page).items() if is_chosen]


def note(page):
    """What is said about the model, or nothing."""
    attributes, text = re.search(r'<div id="model-note"([^>]*)>(.*?)</div>', page, re.S).groups()
    return "" if " hidden" in attributes else text


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = Model()

    @classmethod
    def tearDownClass(cls):
        cls.model.stop()

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="varro-system-")
        self.addCleanup(directory.cleanup)
        self.data = pathlib.Path(directory.name) / "data"

    def vendor(self, models, **kw):
        vendor = Vendor(models, **kw)
        vendor.model = self.model
        self.addCleanup(vendor.close)
        return vendor

    def serve(self, env, *arguments, wait_ms=20_000):
        """varro as a newcomer with a key starts it: no model is named."""
        argv = [VARRO, "serve", "--listen", "127.0.0.1:0", "--data", str(self.data), *arguments]
        server = Process(argv, {"VARRO_MODELS_START_WAIT_MS": str(wait_ms), **env})
        self.addCleanup(lambda: server.popen.poll() is None and server.stop())
        return server

    def anthropic(self, url):
        return {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}

    def nowhere(self):
        """An address where nobody listens."""
        closed = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        port = closed.server_address[1]
        closed.server_close()
        return f"http://127.0.0.1:{port}"

    def until(self, condition, what):
        end = time.monotonic() + WAIT_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)

    def test_the_vendors_list_is_offered_page_by_page_and_its_middle_size_is_the_default(self):
        vendor = self.vendor([claude("claude-fable-9"), claude("claude-sonnet-9"), claude("claude-sonnet-8"),
                              claude("claude-haiku-9")])
        vendor.page_size = 1
        page = Client(self.serve(self.anthropic(vendor.url))).get("/").text
        self.assertEqual(list(options(page)), ["anthropic:claude-fable-9", "anthropic:claude-sonnet-9",
                                               "anthropic:claude-haiku-9", "anthropic:claude-sonnet-8", "offline"])
        self.assertEqual(chosen(page), ["anthropic:claude-sonnet-9"])
        self.assertEqual(options(page)["anthropic:claude-sonnet-9"][0], "Claude Sonnet 9")
        self.assertEqual(vendor.asked[0][1]["x-api-key"], KEY)

    def test_a_gemini_key_alone_suffices_and_so_does_an_openai_key(self):
        vendor = self.vendor(["gemini-9.5-flash", "gemini-9-pro", "gemini-9-flash-image", "gemini-9-live"])
        vendor.page_size = 3
        server = self.serve({"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": f"{vendor.url}/v1beta"})
        page = Client(server).get("/").text
        self.assertEqual(list(options(page)), ["google:gemini-9-pro", "google:gemini-9.5-flash", "offline"])
        self.assertEqual(chosen(page), ["google:gemini-9.5-flash"])
        self.assertEqual(vendor.asked[0][1]["x-goog-api-key"], KEY)
        self.data = self.data.parent / "second"
        vendor = self.vendor(["gpt-9-sol", "gpt-9-realtime", "text-embedding-9", "gpt-image-9", "gpt-9.1-astra"])
        page = Client(self.serve({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{vendor.url}/openai"})).get("/").text
        self.assertEqual(list(options(page)), ["openai:gpt-9.1-astra", "openai:gpt-9-sol", "offline"])
        self.assertEqual(chosen(page), ["openai:gpt-9-sol"])
        self.assertEqual(vendor.asked[0][1]["Authorization"], f"Bearer {KEY}")

    def test_without_a_network_a_few_names_are_offered_and_the_log_has_no_key(self):
        server = self.serve(self.anthropic(self.nowhere()))
        page = Client(server).get("/").text
        self.assertTrue(chosen(page)[0].startswith("anthropic:claude-"), page)
        self.assertEqual(Client(server).get("/").status, 200)
        server.stop()
        self.assertIn("the list of models of anthropic", server.errors())
        self.assertNotIn(KEY, server.errors())

    def test_a_slow_list_does_not_hold_up_the_start_and_replaces_the_names_when_it_arrives(self):
        vendor = self.vendor([claude("claude-sonnet-9")])
        vendor.open.clear()
        client = Client(self.serve(self.anthropic(vendor.url), wait_ms=100))
        self.assertNotIn("anthropic:claude-sonnet-9", options(client.get("/").text))
        vendor.open.set()
        self.until(lambda: list(options(client.get("/").text)) == ["anthropic:claude-sonnet-9", "offline"],
                   "the list is offered")

    def test_after_a_restart_without_a_network_the_list_of_before_is_offered_at_once(self):
        vendor = self.vendor([claude("claude-sonnet-9")])
        self.serve(self.anthropic(vendor.url)).stop()
        kept = (self.data / "models.json").read_text()
        self.assertIn("claude-sonnet-9", kept)
        self.assertNotIn(KEY, kept)
        vendor.open.clear()  # as good as no network: nothing is answered
        page = Client(self.serve(self.anthropic(vendor.url))).get("/").text
        self.assertEqual(list(options(page)), ["anthropic:claude-sonnet-9", "offline"])

    def test_a_damaged_cache_is_passed_over(self):
        self.data.mkdir()
        (self.data / "models.json").write_bytes(b"\xff\x00{")
        vendor = self.vendor([claude("claude-sonnet-9")])
        page = Client(self.serve(self.anthropic(vendor.url))).get("/").text
        self.assertEqual(list(options(page)), ["anthropic:claude-sonnet-9", "offline"])

    def test_a_wrong_key_stops_nothing_and_doctor_says_so_without_it(self):
        vendor = self.vendor([claude("claude-sonnet-9")])
        vendor.status = 401
        server = self.serve(self.anthropic(vendor.url))
        self.assertTrue(chosen(Client(server).get("/").text)[0].startswith("anthropic:claude-"))
        server.stop()
        self.assertIn("401", server.errors())
        self.assertNotIn(KEY, server.errors())
        done = run_varro("doctor", "--data", str(self.data), env=self.anthropic(vendor.url))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"FAIL  provider anthropic at .*: refused")
        self.assertNotIn(KEY, done.stdout + done.stderr)

    def test_doctor_counts_each_vendors_models_and_says_whether_the_default_is_among_them(self):
        vendor = self.vendor([claude("claude-sonnet-9"), claude("claude-haiku-9")])
        env = self.anthropic(vendor.url)
        done = run_varro("doctor", "--data", str(self.data), env=env)
        self.assertRegex(done.stdout, r"ok    provider anthropic at .*: answers; its list has 2 models")
        self.assertIn("the default is anthropic:claude-sonnet-9", done.stdout)
        done = run_varro("doctor", "--data", str(self.data), "--model", "anthropic:claude-gone", env=env)
        self.assertIn("default model anthropic:claude-gone: is not in the list", done.stdout)

    def test_a_model_that_ends_soon_is_marked_where_it_is_used_and_not_offered_for_new_chats(self):
        ends = days_from_now(10)
        vendor = self.vendor([claude("claude-sonnet-8"), claude("claude-haiku-9")])
        client = Client(self.serve(self.anthropic(vendor.url)))
        reply, _ = client.turn("[[text: hello]]")
        vendor.models = [claude("claude-sonnet-8", ends), claude("claude-sonnet-9"), claude("claude-haiku-9")]
        client.server.stop()
        # The cache stands in until the new list is there.
        client = Client(self.serve(self.anthropic(vendor.url)))
        self.until(lambda: "anthropic:claude-sonnet-9" in options(client.get("/").text), "the new list is offered")
        self.assertNotIn("anthropic:claude-sonnet-8", options(client.get("/").text))
        page = client.get(f"/chat/{reply.chat_id}").text
        self.assertEqual(chosen(page), ["anthropic:claude-sonnet-8"])
        self.assertEqual(options(page)["anthropic:claude-sonnet-8"][0], f"Claude Sonnet 8 (ends {ends})")
        self.assertIn(f"Claude Sonnet 8 ends on {ends}. Claude Sonnet 9 takes its place.", note(page))
        self.assertIn('data-action="choose-model" data-model="anthropic:claude-sonnet-9"', note(page))
        # It still answers, and the other one does once it is chosen.
        _, events = client.turn("[[text: again]]", reply.chat_id)
        self.assertTrue(any("again" in event.data for event in events))
        answer, _ = client.turn("[[text: moved]]", reply.chat_id, model="anthropic:claude-sonnet-9")
        self.assertEqual(note(answer.text), "")
        self.assertEqual(self.model.bodies()[-1]["model"], "claude-sonnet-9")

    def test_a_chat_on_a_model_that_is_gone_opens_proposes_another_and_goes_on_with_it(self):
        vendor = self.vendor([claude("claude-sonnet-8"), claude("claude-haiku-9")])
        client = Client(self.serve(self.anthropic(vendor.url)))
        reply, _ = client.turn("[[text: hello]]")
        chat = reply.chat_id
        vendor.models = [claude("claude-sonnet-9"), claude("claude-haiku-9")]
        client.server.stop()
        client = Client(self.serve(self.anthropic(vendor.url)))
        self.until(lambda: "anthropic:claude-sonnet-9" in options(client.get("/").text), "the new list is offered")
        page = client.get(f"/chat/{chat}").text
        self.assertIn("hello", page)
        self.assertEqual(chosen(page), ["anthropic:claude-sonnet-9"])
        self.assertTrue(options(page)["anthropic:claude-sonnet-8"][2], "the old one is shown, and cannot be chosen")
        self.assertIn("anthropic:claude-sonnet-8 is not offered any more. Claude Sonnet 9 is chosen", note(page))
        for refused in (client.send("more", chat), client.send("more", chat, model="anthropic:claude-sonnet-8"),
                        client.post(f"/chat/{chat}/regenerate", {"turn": "1"})):
            self.assertEqual(refused.status, 422, refused.text)
            self.assertIn("anthropic:claude-sonnet-9", refused.text)
        answer, events = client.turn("[[text: onward]]", chat, model=chosen(page)[0])
        self.assertTrue(any("onward" in event.data for event in events))
        self.assertEqual(note(answer.text), "")
        self.assertEqual(chosen(client.get(f"/chat/{chat}").text), ["anthropic:claude-sonnet-9"])

    def test_a_written_model_is_offered_alone_whatever_the_list_has(self):
        vendor = self.vendor([claude("claude-sonnet-9"), claude("claude-sonnet-8", days_from_now(-3))])
        config = self.data.parent / "varro.toml"
        config.write_text('[[model]]\nprovider = "anthropic"\nname = "claude-sonnet-8"\nlabel = "Old"\n')
        page = Client(self.serve(self.anthropic(vendor.url), "--config", str(config))).get("/").text
        self.assertEqual(options(page)["anthropic:claude-sonnet-8"][0], f"Old (ended {days_from_now(-3)})")
        self.assertEqual(list(options(page)), ["anthropic:claude-sonnet-8", "offline"])

    def test_no_provider_is_asked_when_the_configuration_says_so(self):
        vendor = self.vendor([claude("claude-sonnet-9")])
        server = self.serve({**self.anthropic(vendor.url), "VARRO_MODELS_FETCH": "false"})
        self.assertTrue(chosen(Client(server).get("/").text)[0].startswith("anthropic:claude-"))
        server.stop()
        self.assertEqual(vendor.asked, [])


if __name__ == "__main__":
    unittest.main()
