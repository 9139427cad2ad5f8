"""The document at /api/v1/openapi.json, judged by two validators that others wrote."""

import json
import subprocess
import unittest

from api_checkers import VALIDATORS, environment_with
from api_client import Program
from harness import WAIT_SECONDS, SystemTest

BY_SPEC_VALIDATOR = """
import json, sys
from openapi_spec_validator import OpenAPIV31SpecValidator
errors = list(OpenAPIV31SpecValidator(json.load(sys.stdin)).iter_errors())
print("\\n".join(f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors))
"""
# Reads the document, and judges an answer by it: of a document that it cannot use it says so.
BY_CORE = """
import json, sys
from openapi_core import OpenAPI
given = json.load(sys.stdin)
api = OpenAPI.from_dict(given["document"])
from openapi_core.testing import MockRequest, MockResponse
request = MockRequest("http://localhost", "get", "/api/v1/chats")
api.validate_response(request, MockResponse(given["chats"].encode()))
try:
    api.validate_response(request, MockResponse(b'{"chats": [{}]}'))
    print("an answer without what is required is taken for a good one")
except Exception:
    pass
"""


class Document(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.python, directory = environment_with(VALIDATORS)
        if directory:
            cls.addClassCleanup(directory.cleanup)
        super().setUpClass()

    def judge(self, program, given):
        done = subprocess.run([self.python, "-c", program], input=json.dumps(given), text=True, capture_output=True,
                              timeout=WAIT_SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_two_validators_find_nothing(self):
        program = Program(self.varro)
        program.finish(program.begin("[[text: hi]]"))
        document = program.json("GET", "/openapi.json")
        self.assertEqual(document["openapi"], "3.1.0")
        self.assertEqual(self.judge(BY_SPEC_VALIDATOR, document), "")
        chats = program.ask("GET", "/chats").text
        self.assertEqual(self.judge(BY_CORE, {"document": document, "chats": chats}), "")
        del document["info"]["title"]
        self.assertNotEqual(self.judge(BY_SPEC_VALIDATOR, document), "")


if __name__ == "__main__":
    unittest.main()
