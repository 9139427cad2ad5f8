"""A collector of traces that is strict: it takes OTLP over HTTP in JSON, and refuses whatever is not exactly that."""

import http.server
import json
import re
import threading

# Of opentelemetry-proto 1.x (common.proto, resource.proto, trace.proto), in the names of its JSON.
FIELDS = {
    "request": {"resourceSpans"},
    "resourceSpans": {"resource", "scopeSpans"},
    "resource": {"attributes"},
    "scopeSpans": {"scope", "spans"},
    "scope": {"name", "version"},
    "span": {"traceId", "spanId", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano",
             "attributes", "status"},
    "status": {"code", "message"},
}
REQUIRED = FIELDS["span"] - {"parentSpanId", "status"}


class Malformed(Exception):
    """What was sent is no export of traces."""


def check(holds, what):
    if not holds:
        raise Malformed(what)


def check_fields(value, kind):
    check(isinstance(value, dict), f"{kind} is no object")
    check(set(value) <= FIELDS[kind], f"{kind} has {sorted(set(value) - FIELDS[kind])}")


def value_of(written):
    check(isinstance(written, dict) and len(written) == 1, "a value is one of its kinds")
    (kind, value), = written.items()
    if kind == "stringValue":
        check(isinstance(value, str), "a stringValue is a string")
        return value
    if kind == "intValue":
        check(isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value), "an intValue is a decimal string")
        return int(value)
    check(kind == "arrayValue" and set(value) == {"values"}, f"{kind} is no kind of value that Varro sends")
    return [value_of(each) for each in value["values"]]


def attributes_of(written):
    found = {}
    for each in written:
        check(set(each) == {"key", "value"}, "an attribute is a key and a value")
        check(each["key"] not in found, f"{each['key']} stands twice")
        found[each["key"]] = value_of(each["value"])
    return found


class Span:
    def __init__(self, written):
        check_fields(written, "span")
        check(REQUIRED <= set(written), f"a span lacks {sorted(REQUIRED - set(written))}")
        check(re.fullmatch("[0-9a-f]{32}", written["traceId"]) and int(written["traceId"], 16), "traceId")
        check(re.fullmatch("[0-9a-f]{16}", written["spanId"]) and int(written["spanId"], 16), "spanId")
        for name in ("startTimeUnixNano", "endTimeUnixNano"):
            check(isinstance(written[name], str) and re.fullmatch(r"\d{19}", written[name]), f"{name} is a decimal string")
        check(isinstance(written["kind"], int) and 1 <= written["kind"] <= 5, "kind is a number")
        check(isinstance(written["name"], str) and written["name"], "name")
        if "parentSpanId" in written:
            check(re.fullmatch("[0-9a-f]{16}", written["parentSpanId"]), "parentSpanId")
        if "status" in written:
            check_fields(written["status"], "status")
            check(written["status"].get("code") in (0, 1, 2), "a status has a number")
        self.trace, self.id, self.parent = written["traceId"], written["spanId"], written.get("parentSpanId")
        self.name, self.kind = written["name"], written["kind"]
        self.begin, self.end = int(written["startTimeUnixNano"]), int(written["endTimeUnixNano"])
        self.attributes = attributes_of(written["attributes"])
        self.failed = written.get("status", {}).get("code") == 2
        check(self.begin <= self.end, f"{self.name} ends before it begins")
        check(not self.failed or "error.type" in self.attributes, f"{self.name} failed without an error.type")

    def __repr__(self):
        return f"<{self.name} {(self.end - self.begin) / 1e6:.3f} ms {self.attributes}>"


def spans_of(body):
    check_fields(body, "request")
    found = []
    for resource in body["resourceSpans"]:
        check_fields(resource, "resourceSpans")
        check_fields(resource["resource"], "resource")
        named = attributes_of(resource["resource"]["attributes"])
        check(named.get("service.name") == "varro" and named.get("service.version"), "the resource says who it is")
        for scope in resource["scopeSpans"]:
            check_fields(scope, "scopeSpans")
            check_fields(scope["scope"], "scope")
            found += [Span(each) for each in scope["spans"]]
    return found


class Tree:
    """The spans of one trace; it is checked that they are one tree of nested times."""

    def __init__(self, spans, foreign_parent=None):
        self.spans = spans
        by_id = {each.id: each for each in spans}
        check(len(by_id) == len(spans), "an id stands twice")
        roots = [each for each in spans if each.parent == foreign_parent]
        check(len(roots) == 1, f"{len(roots)} roots")
        self.root = roots[0]
        for each in spans:
            if each is not self.root:
                check(each.parent in by_id, f"{each} has a parent that is not there")
                above = by_id[each.parent]
                check(above.begin <= each.begin and each.end <= above.end, f"{each} is not within {above}")

    def named(self, name):
        return [each for each in self.spans if each.name == name or each.name.startswith(name + " ")]


class Collector:
    """`answer` says for each request which status it gets; it may wait. `seen` are the raw bodies, also refused ones."""

    def __init__(self, answer=lambda number: 200):
        self.seen, self.spans, self.problems, self.fields = [], [], [], []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.seen.append(body)
                collector.fields.append(self.headers)
                status = answer(len(collector.seen))
                if status == 200:
                    status = collector.take(self.path, self.headers["Content-Type"], body)
                reply = b"{}"
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(reply)))
                    if status == 503:
                        self.send_header("Retry-After", "0")
                    self.end_headers()
                    self.wfile.write(reply)
                except OSError:
                    pass  # who asked has left

            def log_message(self, format, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/traces"

    def take(self, path, content_type, body):
        try:
            check((path, content_type) == ("/v1/traces", "application/json"), f"{path} {content_type}")
            self.spans += spans_of(json.loads(body))
        except (Malformed, ValueError, KeyError, TypeError) as problem:
            self.problems.append(repr(problem))
            return 400
        return 200

    def of_run(self, run, foreign_parent=None):
        """The trace of this run; None: it has not come yet."""
        roots = [each for each in self.spans if each.attributes.get("varro.run.id") == run]
        if not roots:
            return None
        return Tree([each for each in self.spans if each.trace == roots[-1].trace], foreign_parent)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
