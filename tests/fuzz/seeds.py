#!/usr/bin/env python3
"""Writes what each fuzzer begins with: seeds.py DIRECTORY makes DIRECTORY/NAME/*, one small sound input a file.

The leading bytes are the choices that a fuzzer takes from the front of its input."""
import json
import pathlib
import sys

CUT = b"\0\x40"


def events(*bodies, named=False):
    text = ""
    for body in bodies:
        if named:
            text += f"event: {body['type']}\n"
        text += f"data: {json.dumps(body)}\n\n"
    return text.encode()


ANTHROPIC = events(
    {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": [],
                                          "usage": {"input_tokens": 3, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "so"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1,
     "content_block": {"type": "tool_use", "id": "t", "name": "python", "input": {}}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"code\":\"1\"}"}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"}, named=True)
CHAT = events(
    {"id": "c", "object": "chat.completion.chunk", "model": "x", "choices": [
        {"index": 0, "delta": {"role": "assistant", "content": "hi", "reasoning_content": "so"}}]},
    {"id": "c", "object": "chat.completion.chunk", "model": "x", "choices": [{"index": 0, "delta": {"tool_calls": [
        {"index": 0, "id": "t", "type": "function", "function": {"name": "python", "arguments": "{\"code\":\"1\"}"}}]}}]},
    {"id": "c", "object": "chat.completion.chunk", "model": "x",
     "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}],
     "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}) + b"data: [DONE]\n\n"
RESPONSES = events(
    {"type": "response.created", "response": {"id": "r", "model": "x", "status": "in_progress"}},
    {"type": "response.output_item.added", "output_index": 0,
     "item": {"type": "message", "id": "i", "role": "assistant", "content": []}},
    {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": "hi"},
    {"type": "response.completed", "response": {
        "id": "r", "model": "x", "status": "completed", "output": [
            {"type": "message", "id": "i", "role": "assistant",
             "content": [{"type": "output_text", "text": "hi", "annotations": []}]}],
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}}, named=True)
GOOGLE = events(
    {"candidates": [{"content": {"role": "model", "parts": [
        {"text": "so", "thought": True}, {"functionCall": {"name": "python", "args": {"code": "1"}},
                                          "thoughtSignature": "c2ln"}]}}]},
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}],
     "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}, "modelVersion": "x"})
WIRES = (ANTHROPIC, CHAT, RESPONSES, GOOGLE)

MESSAGES = [
    {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": ["hi", {
        "kind": "binary", "data": "aGk=", "media_type": "image/png"}], "timestamp": "2026-01-31T10:00:00Z"}]},
    {"kind": "request", "parts": [{"part_kind": "tool-return", "tool_name": "python", "content": {"a": 1},
                                   "tool_call_id": "t", "timestamp": "2026-01-31T10:00:00Z"}]},
    {"kind": "response", "parts": [{"part_kind": "text", "content": "hi"},
                                   {"part_kind": "thinking", "content": "so", "signature": "s"},
                                   {"part_kind": "tool-call", "tool_name": "python", "args": "{}", "tool_call_id": "t"}],
     "usage": {"input_tokens": 3, "output_tokens": 4}, "model_name": "x", "timestamp": "2026-01-31T10:00:00Z"},
]
FRAMES = [
    {"op": "ready", "python": "3.11.2"}, {"op": "begun", "id": 1},
    {"op": "output", "id": 1, "output": {"type": "stream", "name": "stdout", "text": "hi"}},
    {"op": "done", "id": 1, "status": "ok", "duration_us": 5}, {"op": "clear", "id": 1},
    {"op": "snapshot", "id": 2, "footer": 1, "bytes": 2, "total_bytes": 3, "cell": 1, "saved": ["x"], "lost": []},
]


def framed(value):
    text = json.dumps(value).encode()
    return len(text).to_bytes(4, "big") + text


SEEDS = {
    "http_request": [
        CUT + b"GET /chat/1?q=%20 HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\n\r\n",
        CUT + b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        CUT + b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n",
        CUT + b"POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
    ],
    "http_form": [
        b"\0message=a%20b&chat_id=7&csrf=%ff", b"\3{\"message\":\"a\",\"chat_id\":7}",
        b"\1--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n1,2\r\n--b--\r\n",
    ],
    "vendor_answer": [bytes([kind, 0, 0, 0]) + CUT + body for kind, body in enumerate(WIRES)]
    + [bytes([kind, 2, 1, 0]) + CUT + b'{"error":{"type":"overloaded_error","message":"busy"}}' for kind in range(4)],
    "stored_message": [json.dumps(message).encode() for message in MESSAGES],
    "worker_frame": [CUT + framed(frame) for frame in FRAMES] + [CUT + b"".join(framed(frame) for frame in FRAMES)],
    "picture_header": [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0", b"GIF89a\x10\0\x10\0",
        b"\xff\xd8\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\xff\xc0\0\x11\x08\0\x10\0\x10\3",
        b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x0f\0\0", b"BM" + b"\0" * 16 + b"\x10\0\0\0\x10\0\0\0",
        b"II*\0\x08\0\0\0\2\0\0\1\3\0\1\0\0\0\x10\0\0\0\1\1\3\0\1\0\0\0\x10\0\0\0", b"%PDF-1.7\n",
    ],
    "markdown_text": [
        b"# a\n\ntext $x^2$ and `code $y$`\n\n```python\n$z$\n```\n\n$$\n\\frac{1}{2}\n$$\n",
        b"> quote \\(a\\)\n> \\[b\\]\n\n- item\n  - $5 and $6\n\n| a | b |\n|---|---|\n| $x|y$ | `c|d` |\n",
        b"[file](my file.csv) ![plot](a b.png)\n\n    indented\n\n~~~\nopen",
    ],
    "vendor_list": [
        b"\0" + json.dumps({"data": [{"id": "a", "display_name": "A", "created_at": "2026-01-31T00:00:00Z"}],
                            "has_more": True, "last_id": "a"}).encode(),
        b"\1" + json.dumps({"object": "list", "data": [{"id": "a", "created": 1, "context_window": 5}]}).encode(),
        b"\3" + json.dumps({"models": [{"name": "models/a", "inputTokenLimit": 5}], "nextPageToken": "x"}).encode(),
        b"\0" + b"Fri, 30 Jan 2026 10:00:00 GMT", b"\0" + b"1.5", b"\0" + b"2026-01-31T10:00:00.5+05:30",
    ],
    "argument_schema": [
        json.dumps({"type": "object", "properties": {"code": {"type": "string", "maxLength": 3}}, "required": ["code"],
                    "additionalProperties": False}).encode() + b"\0" + b'{"code":"1"}',
        json.dumps({"anyOf": [{"enum": [1, "a"]}, {"type": "array", "items": {"$ref": "#/$defs/x"}, "uniqueItems": True}],
                    "$defs": {"x": {"type": "number", "multipleOf": 0.5}}}).encode() + b"\0" + b"[1, 1.5]",
    ],
}


def main():
    root = pathlib.Path(sys.argv[1])
    for name, seeds in SEEDS.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (folder / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    main()
