"""Open Responses: POST /v1/responses and what belongs to it, by plain HTTP and by OpenAI's own SDKs."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import unittest

from api_checkers import environment_with
from api_client import new_token
from harness import ROOT, AccountsTest, Client, SystemTest

SDK_SECONDS = 120
PYPI_SDK = ("openai==3.51.0",)
PYPI_TYPES = ("openresponses-types==2.4.0",)  # made of openresponses.org's schema of 2026-04-24
# Reads responses and events, and tells which the specification's types do not take. Items and events of an extension
# (those of cells) have no type there.
BY_TYPES = """
import json, sys
from openresponses_types import types
given = json.load(sys.stdin)
events = {list(kind.model_fields["type"].annotation)[0].value: kind
          for name, kind in vars(types).items() if name.endswith("StreamingEvent")}
checks = [(types.ResponseResource, one) for one in given["responses"]] + [(events[one["type"]], one) for one in given["events"]]
for kind, one in checks:
    try:
        kind.model_validate(one)
    except ValueError as error:
        print(f"{kind.__name__}: {error}")
"""
PLOT = "import matplotlib.pyplot as plt; plt.plot([1, 3, 2]); plt.show(); print('plotted')"


class Sdk(Client):
    """A program that speaks the Responses API."""

    def __init__(self, server, token=None):
        super().__init__(server, {"Authorization": f"Bearer {token}"} if token else None)

    def ask(self, method, path, body=None, headers=None):
        headers = {"Content-Type": "application/json", **(headers or {})}
        return self.request(method, "/v1" + path, body=None if body is None else json.dumps(body), headers=headers)

    def json(self, method, path, body=None, status=200, **kw):
        reply = self.ask(method, path, body, **kw)
        assert reply.status == status, (method, path, reply.status, reply.text)
        assert reply.headers["content-type"] == "application/json", reply.headers
        return json.loads(reply.text)

    def create(self, prompt, **fields):
        headers = fields.pop("headers", None)
        return self.json("POST", "/responses", {"input": prompt, **fields}, headers=headers)

    def refused(self, status, method, path, body=None, **kw):
        error = self.json(method, path, body, status, **kw)["error"]
        assert set(error) == {"message", "type", "param", "code"} and error["message"], error
        return error

    @contextlib.contextmanager
    def open(self, method, path, body=None, headers=None):
        connection = self.connect()
        with contextlib.closing(connection):
            connection.request(method, "/v1" + path, body=None if body is None else json.dumps(body),
                               headers={"Content-Type": "application/json", **self.headers, **(headers or {})})
            with connection.getresponse() as response:
                assert response.status == 200, response.read()
                assert response.getheader("Content-Type") == "text/event-stream"
                yield events_of(response)

    def stream(self, method, path, body=None, **kw):
        with self.open(method, path, body, **kw) as events:
            return list(events)


def events_of(response):
    """Each event's object; the end has to be said."""
    name, said = None, False
    while line := response.readline():
        line = line.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line == "data: [DONE]":
            assert name is None
            said = True
        elif line.startswith("data: "):
            assert not said
            event = json.loads(line.removeprefix("data: "))
            assert event["type"] == name, (name, event)
            yield event
        elif not line:
            name = None
    assert said, "the stream broke off"


def numbers(events):
    return [event["sequence_number"] for event in events]


def text_of(response):
    return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


def cells_of(response):
    return [item for item in response["output"] if item["type"] == "code_interpreter_call"]


def logs_of(response):
    return "".join(each["logs"] for cell in cells_of(response) for each in cell["outputs"] if each["type"] == "logs")


def count_in(data, table):
    database = sqlite3.connect(pathlib.Path(data) / "varro.db")
    try:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        database.close()


class Responses(SystemTest):
    def setUp(self):
        self.sdk = Sdk(self.varro)

    def test_a_response_has_the_items_of_its_run_and_can_be_asked_for_again(self):
        response = self.sdk.create(f"[[thinking: a plot]][[python: {PLOT}]][[then]][[text: There it is.]]")
        self.assertEqual(response["status"], "completed")
        self.assertEqual(text_of(response), "There it is.")
        (cell,) = cells_of(response)
        self.assertEqual((cell["code"], cell["status"]), (PLOT, "completed"))
        self.assertIn("plotted", logs_of(response))
        (picture,) = [each for each in cell["outputs"] if each["type"] == "image"]
        path = picture["url"].removeprefix(f"http://127.0.0.1:{self.varro.port}")
        self.assertTrue(self.sdk.get(path).body.startswith(b"\x89PNG"), picture)
        self.assertGreater(response["usage"]["total_tokens"], 0)
        self.assertEqual(self.sdk.json("GET", f"/responses/{response['id']}"), response)

    def test_a_stream_has_the_same_response_and_goes_on_from_any_event(self):
        events = self.sdk.stream("POST", "/responses",
                                 {"input": "[[python: print(6 * 7)]][[then]][[text: 42]]", "stream": True})
        self.assertEqual(numbers(events), list(range(len(events))))
        self.assertEqual([events[0]["type"], events[1]["type"], events[-1]["type"]],
                         ["response.created", "response.in_progress", "response.completed"])
        response = events[-1]["response"]
        self.assertEqual(self.sdk.json("GET", f"/responses/{response['id']}"), response)
        done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
        self.assertEqual(sorted(done, key=lambda item: item["id"]),
                         sorted(response["output"], key=lambda item: item["id"]))
        for after in (0, 5, len(events) - 2):
            rest = self.sdk.stream("GET", f"/responses/{response['id']}?stream=true&starting_after={after}")
            self.assertEqual(rest, events[after + 1:])

    def test_a_stream_that_broke_off_goes_on_while_the_run_is_on(self):
        body = {"input": "[[python: x = 1]][[then]][[hold]][[text: after all]]", "stream": True}
        seen = []
        with self.sdk.open("POST", "/responses", body) as events:
            for event in events:
                seen.append(event)
                if event["type"] == "response.code_interpreter_call.completed":
                    break  # the connection ends here; the run does not
        address = f"/responses/{seen[0]['response']['id']}"
        self.assertEqual(self.sdk.json("GET", address)["status"], "in_progress")
        after = seen[-1]["sequence_number"]
        with self.sdk.open("GET", f"{address}?stream=true&starting_after={after}") as events:
            rest = [next(events)]  # the cell's item, which the first stream has not told
            self.model.control("POST", "/__release")
            rest += list(events)
        self.assertEqual(numbers(seen + rest), list(range(len(seen) + len(rest))))
        self.assertEqual(text_of(rest[-1]["response"]), "after all")

    def test_a_response_is_gone_on_from_and_branched_with_its_variables(self):
        first = self.sdk.create("[[python: x = 1]][[then]][[text: one]]")
        second = self.sdk.create("[[python: x += 10; print(x)]][[then]][[text: two]]",
                                 previous_response_id=first["id"])
        self.assertEqual(second["previous_response_id"], first["id"])
        self.assertEqual(second["conversation"], first["conversation"])
        self.assertIn("11", logs_of(second))
        # A second response to the first one: x is what it was then.
        branch = self.sdk.create("[[python: x += 100; print(x)]][[then]][[text: other]]",
                                 previous_response_id=first["id"])
        self.assertIn("101", logs_of(branch))
        self.assertNotEqual(branch["conversation"], first["conversation"])
        self.assertTrue(branch["previous_response_id"])
        self.assertEqual(text_of(self.sdk.json("GET", f"/responses/{branch['previous_response_id']}")), "one")
        # Both go on, and what was answered stays as it was.
        for response, shown in ((second, "12"), (branch, "102")):
            again = self.sdk.create("[[python: x += 1; print(x)]][[then]][[text: on]]",
                                    previous_response_id=response["id"])
            self.assertIn(shown, logs_of(again))
            self.assertEqual(self.sdk.json("GET", f"/responses/{response['id']}"), response)

    def test_pictures_and_files_go_in_and_files_come_out(self):
        png = base64.b64encode(PNG).decode()
        table = base64.b64encode(b"a,b\n1,2\n").decode()
        response = self.sdk.create([
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "input_text", "text": "[[python: print(open('t.csv').read()); open('out.txt', 'w').write('made')]]"
                                               "[[then]][[text: read]]"},
                {"type": "input_image", "image_url": f"data:image/png;base64,{png}"},
                {"type": "input_file", "filename": "t.csv", "file_data": f"data:text/csv;base64,{table}"}]}])
        self.assertIn("1,2", logs_of(response))
        sent = json.dumps(self.model.bodies()[-1])
        self.assertIn("Be brief.", sent)
        self.assertIn("/workspace/image-1.png:", sent)
        chat = response["conversation"]["id"].removeprefix("chat_")
        self.assertEqual(self.sdk.get(f"/api/v1/chats/{chat}/files/out.txt").body, b"made")

    def test_what_cannot_be_done_is_said_and_starts_nothing(self):
        runs, chats = count_in(self.data, "runs"), count_in(self.data, "chats")
        for body, param in (({}, "input"), ({"input": "x", "store": False}, "store"),
                            ({"input": "x", "temperature": 0.5}, "temperature"),
                            ({"input": "x", "instructions": "y"}, "instructions"),
                            ({"input": "x", "tools": [{"type": "function", "name": "f"}]}, "tools"),
                            ({"input": "x", "previous_response_id": "resp_x"}, "previous_response_id")):
            error = self.sdk.refused(400, "POST", "/responses", body)
            self.assertEqual((error["type"], error["param"]), ("invalid_request_error", param))
        self.sdk.refused(400, "POST", "/responses", {"input": "x", "previous_response_id": "resp_9999_9999"})
        self.sdk.refused(422, "POST", "/responses", {"input": "x", "model": "no:such"})
        self.sdk.refused(422, "POST", "/responses", {"input": " "})
        for path in ("/responses/resp_9999_9999", "/responses/x", "/nothing"):
            self.assertEqual(self.sdk.refused(404, "GET", path)["type"], "not_found_error")
        self.sdk.refused(405, "POST", "/models", {})
        self.assertEqual((count_in(self.data, "runs"), count_in(self.data, "chats")), (runs, chats))
        # A branch whose message is refused leaves no chat behind.
        first = self.sdk.create("[[text: one]]")
        self.sdk.create("[[text: two]]", previous_response_id=first["id"])
        chats = count_in(self.data, "chats")
        self.sdk.refused(422, "POST", "/responses", {"input": " ", "previous_response_id": first["id"]})
        self.assertEqual(count_in(self.data, "chats"), chats)
        for query in ("stream=1", "stream=true&starting_after=x", "starting_after=1"):
            self.sdk.refused(400, "GET", f"/responses/{first['id']}?{query}")

    def test_the_same_key_gets_the_same_response(self):
        key = {"Idempotency-Key": "once"}
        first = self.sdk.create("[[text: once]]", headers=key)
        runs = count_in(self.data, "runs")
        self.assertEqual(self.sdk.create("[[text: once]]", headers=key), first)
        self.assertEqual(count_in(self.data, "runs"), runs)
        self.sdk.refused(422, "POST", "/responses", {"input": "[[text: other]]"}, headers=key)
        self.assertEqual(count_in(self.data, "runs"), runs)

    def test_a_run_that_fails_is_a_failed_response(self):
        response = self.sdk.create("[[error: 400]]")
        self.assertEqual(response["status"], "failed")
        self.assertTrue(response["error"]["message"])
        events = self.sdk.stream("GET", f"/responses/{response['id']}?stream=true")
        self.assertEqual(events[-1]["type"], "response.failed")
        self.assertEqual(events[-1]["response"], response)

    def test_a_response_is_stopped_and_answered_with_what_there_is(self):
        with self.sdk.open("POST", "/responses", {"input": "[[hold]][[text: never]]", "stream": True}) as events:
            response = next(events)["response"]
        address = f"/responses/{response['id']}"
        stopped = self.sdk.json("POST", address + "/cancel")
        self.assertEqual((stopped["id"], stopped["status"]), (response["id"], "incomplete"))
        self.assertEqual(stopped["incomplete_details"], {"reason": "cancelled"})
        self.assertEqual(self.sdk.json("POST", address + "/cancel"), stopped)  # it is over already
        self.assertEqual(self.sdk.json("GET", address), stopped)
        self.sdk.refused(404, "POST", "/responses/resp_9999_9999/cancel")

    def test_a_response_is_deleted_with_its_chat_where_that_has_no_other(self):
        first = self.sdk.create("[[text: one]]")
        address = f"/responses/{first['id']}"
        self.assertEqual(self.sdk.json("DELETE", address), {"id": first["id"], "object": "response", "deleted": True})
        for method in ("GET", "DELETE"):
            self.sdk.refused(404, method, address)
        first = self.sdk.create("[[text: one]]")
        second = self.sdk.create("[[text: two]]", previous_response_id=first["id"])
        for response in (first, second):
            self.assertIn("/api/v1/chats/",
                          self.sdk.refused(409, "DELETE", f"/responses/{response['id']}")["message"])
            self.assertEqual(self.sdk.json("GET", f"/responses/{response['id']}"), response)

    def test_the_input_of_a_response_is_told_again(self):
        png = base64.b64encode(PNG).decode()
        response = self.sdk.create([{"role": "user", "content": [
            {"type": "input_text", "text": "[[text: seen]]"},
            {"type": "input_image", "image_url": f"data:image/png;base64,{png}"}]}])
        items = self.sdk.json("GET", f"/responses/{response['id']}/input_items")
        (item,) = items["data"]
        self.assertEqual((items["first_id"], items["last_id"], items["has_more"]), (item["id"], item["id"], False))
        text, picture = item["content"]
        self.assertEqual(text, {"type": "input_text", "text": "[[text: seen]]"})
        path = picture["image_url"].removeprefix(f"http://127.0.0.1:{self.varro.port}")
        self.assertEqual(self.sdk.get(path).body, PNG)
        self.sdk.refused(404, "GET", "/responses/resp_9999_9999/input_items")

    def test_what_is_left_of_a_limit_is_told_with_each_answer(self):
        with self.start(env={"VARRO_LIMITS_MODEL_REQUESTS_PER_DAY": "50"}) as server:
            sdk = Sdk(server)
            for body, status in (({"input": "[[text: one]]"}, 200), ({"input": "[[text: one]]", "stream": True}, 200),
                                 ({"input": "x", "speed": 3}, 400)):
                reply = sdk.ask("POST", "/responses", body)
                self.assertEqual(reply.status, status)
                self.assertRegex(reply.headers["ratelimit"], r'^"model_requests_per_day";r=\d+;t=\d+$')
                self.assertIn("q=50", reply.headers["ratelimit-policy"])
                self.assertTrue(reply.headers["x-request-id"])

    def test_the_metadata_of_a_response_is_kept_and_told_to_no_model(self):
        metadata = {"ticket": "pomegranate-42"}
        response = self.sdk.create("[[text: one]]", metadata=metadata)
        self.assertEqual(response["metadata"], metadata)
        self.assertNotIn("pomegranate", json.dumps(self.model.bodies()))
        second = self.sdk.create("[[text: two]]", previous_response_id=response["id"])
        self.assertEqual(second["metadata"], {})
        self.assertEqual(self.sdk.json("GET", f"/responses/{response['id']}"), response)
        self.sdk.refused(400, "POST", "/responses", {"input": "x", "metadata": {"a": 1}})

    def test_models_are_listed(self):
        models = self.sdk.json("GET", "/models")
        self.assertEqual(models["object"], "list")
        self.assertIn("anthropic:claude-sonnet-4-5", [model["id"] for model in models["data"]])


class Conformance(SystemTest):
    """Held to the types of the specification, by the kinds of requests that its own suite has and that are possible
    here: a text, a stream, a message of the role system, a picture."""

    def judged(self, python, responses, events):
        done = subprocess.run([python, "-c", BY_TYPES], input=json.dumps({"responses": responses, "events": events}),
                              text=True, capture_output=True, timeout=SDK_SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_responses_and_events_are_those_of_the_specification(self):
        python, directory = environment_with(PYPI_TYPES)
        if directory:
            self.addCleanup(directory.cleanup)
        sdk = Sdk(self.varro)
        url = "data:image/png;base64," + base64.b64encode(PNG).decode()
        responses = [sdk.create(asked) for asked in (
            [{"type": "message", "role": "user", "content": "[[thinking: how]][[text: hello]]"}],
            [{"type": "message", "role": "system", "content": "Speak as a pirate."},
             {"type": "message", "role": "user", "content": "[[text: hello]]"}],
            [{"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "[[text: a dot]]"}, {"type": "input_image", "image_url": url}]}])]
        for response in responses:
            self.assertEqual(response["status"], "completed")
            self.assertTrue(text_of(response))
        events = sdk.stream("POST", "/responses", {"input": "[[thinking: how]][[text: one two]]", "stream": True})
        self.assertEqual(events[-1]["type"], "response.completed")
        self.assertEqual(self.judged(python, responses + [events[-1]["response"]], events), "")
        del responses[0]["usage"]
        self.assertIn("usage", self.judged(python, responses, []))


# One pixel.
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")


class Users(AccountsTest):
    names = ("ada", "bob")
    environment = {"VARRO_STREAM_KEEP_ALIVE_MS": "100"}  # so that the SDKs see some

    def test_a_response_is_there_for_who_asked_for_it_and_by_the_token_that_is_for_it(self):
        ada, reader, bob = (Sdk(self.varro, new_token(self.data, name, scope))
                            for name, scope in (("ada", "chat"), ("ada", "read"), ("bob", "chat")))
        response = ada.create("[[text: mine]]")
        address = f"/responses/{response['id']}"
        self.assertEqual(reader.json("GET", address), response)
        reader.refused(403, "POST", "/responses", {"input": "x"})
        bob.refused(404, "GET", address)
        bob.refused(404, "GET", address + "?stream=true")
        bob.refused(400, "POST", "/responses", {"input": "x", "previous_response_id": response["id"]})
        nobody = Sdk(self.varro)
        for method, path, body in (("GET", address, None), ("POST", "/responses", {"input": "x"}),
                                   ("GET", "/models", None)):
            self.assertEqual(nobody.refused(401, method, path, body)["type"], "authentication_error")

    def test_the_sdk_of_npm_drives_a_chat(self):
        node = shutil.which("node")
        if node is None or not (ROOT / "node_modules" / "openai").exists():
            print("SKIPPED: node or the npm package openai is absent", file=sys.stderr)
            self.skipTest("node_modules is absent")
        self.drive([node, "responses_sdk.mjs"])

    def test_the_sdk_of_pypi_drives_a_chat(self):
        python, directory = environment_with(PYPI_SDK)
        try:
            self.drive([python, "-B", "responses_sdk.py"])
        finally:
            if directory:
                directory.cleanup()

    def drive(self, command):
        done = subprocess.run([*command, f"http://127.0.0.1:{self.varro.port}/v1"], text=True, capture_output=True,
                              timeout=SDK_SECONDS, cwd=pathlib.Path(__file__).parent,
                              env={**os.environ, "OPENAI_API_KEY": new_token(self.data, "ada")})
        self.assertEqual((done.returncode, done.stdout.strip().splitlines()[-1:]), (0, ["ok"]),
                         done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
