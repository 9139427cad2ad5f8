"""Pictures and documents on their way to a model: what a vendor takes of them, whatever a chat holds.

What was sent is read from the requests that varro-model recorded, and judged here by the vendors' documented limits.
"""

import base64
import json
import pathlib
import re
import struct
import tempfile
import time
import unittest
import zlib

from harness import Client, SystemTest, contents

IMAGES_MAX = 100
MANY_IMAGES = 20
EDGE_MAX_OF_MANY = 2000
BASE64_MAX = 5 << 20
BODY_MAX = 32 << 20

PLOT_300_DPI = ("import matplotlib.pyplot as plt; f = plt.figure(figsize=(9.683, 6.59), dpi=300); "
                "plt.plot([1, 3, 2]); plt.title('large'); plt.show()")
# `show(n)` shows n pictures that are all different, and cheap to make.
SHOW_SOURCE = """
import struct, zlib
from IPython.display import Image, display

shown = 0

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

def png(width, height, seed):
    rows = (bytes(1) + (struct.pack(">I", seed) * (width // 4 + 1))[:width]) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    magic = bytes([137, 80, 78, 71, 13, 10, 26, 10])
    return magic + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")

def show(count, width=320, height=200):
    global shown
    for _ in range(count):
        shown += 1
        display(Image(data=png(width, height, shown)))
"""
SHOW = f"import base64; exec(base64.b64decode('{base64.b64encode(SHOW_SOURCE.encode()).decode()}').decode())"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, seed=0):
    rows = (b"\0" + (struct.pack(">I", seed) * (width // 4 + 1))[:width]) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pdf(pages):
    objects = ["<< /Type /Catalog /Pages 2 0 R >>",
               f"<< /Type /Pages /Count {pages} /Kids [{' '.join(f'{i + 3} 0 R' for i in range(pages))}] >>"]
    objects += ["<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>"] * pages
    out, table = "%PDF-1.4\n", ""
    for number, body in enumerate(objects, 1):
        table += f"{len(out):010d} 00000 n \n"
        out += f"{number} 0 obj\n{body}\nendobj\n"
    out += (f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n"
            f"<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n")
    return out.encode()


def size_of(data):
    """Width and height of a whole PNG, whose pixels are all there, or of a JPEG; raises for everything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack(">II", data[16:24])
        at, pixels = 8, b""
        while True:
            length, kind = struct.unpack(">I4s", data[at:at + 8])
            if kind == b"IDAT":
                pixels += data[at + 8:at + 8 + length]
            if kind == b"IEND":
                break
            at += 12 + length
        assert len(zlib.decompress(pixels)) >= height
        return width, height
    assert data.startswith(b"\xff\xd8\xff") and data.endswith(b"\xff\xd9"), data[:20]
    at = 2
    while True:
        marker, length = struct.unpack(">HH", data[at:at + 4])
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            height, width = struct.unpack(">HH", data[at + 5:at + 9])
            return width, height
        at += 2 + length


def blocks(value, kind):
    """Every block of this type in a body, at any depth."""
    if isinstance(value, list):
        return [block for child in value for block in blocks(child, kind)]
    if isinstance(value, dict):
        found = [value] if value.get("type") == kind else []
        return found + [block for child in value.values() for block in blocks(child, kind)]
    return []


def without_marks(value):
    """A message without the marks of prompt caching, which wander."""
    if isinstance(value, list):
        return [without_marks(child) for child in value]
    if isinstance(value, dict):
        return {key: without_marks(child) for key, child in value.items() if key != "cache_control"}
    return value


def upload(client, message, files, chat=None):
    fields = {"message": message} | ({} if chat is None else {"chat_id": str(chat)})
    body = b"".join(f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                    for name, value in fields.items())
    for name, data in files:
        body += f'--XX\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode() + data + b"\r\n"
    return client.request("POST", "/chat/send", body=body + b"--XX--\r\n",
                          headers={"Content-Type": "multipart/form-data; boundary=XX"})


class Pictures(SystemTest):
    def images_of(self, body):
        """The pictures of a request to Anthropic, after a look whether the vendor would take them."""
        found = blocks(body["messages"], "image")
        self.assertLessEqual(len(found), IMAGES_MAX)
        self.assertLess(len(json.dumps(body)), BODY_MAX)
        sizes = []
        for block in found:
            source = block["source"]
            self.assertLess(len(source["data"]), BASE64_MAX)
            data = base64.b64decode(source["data"], validate=True)
            size = size_of(data)
            self.assertEqual(source["media_type"], "image/png" if data[:1] == b"\x89" else "image/jpeg")
            self.assertLessEqual(max(size), EDGE_MAX_OF_MANY if len(found) > MANY_IMAGES else 8000)
            sizes.append(size)
        return sizes

    def turn(self, client, message, chat=None):
        reply, events = client.turn(message, chat)
        self.assertIn("completed", events[-1].data)
        return reply.chat_id

    def test_a_plot_of_300_dpi_and_many_after_it_are_taken_in_every_request(self):
        chat = self.turn(self.client, f"[[python: {PLOT_300_DPI}]][[then]][[text: a plot]]")
        self.assertEqual(max(self.images_of(self.model.bodies()[-1])[0]), 1568)
        page = self.client.get(f"/chat/{chat}").text
        self.assertRegex(page, r'width="2\d\d\d" height="1\d\d\d"')  # the original is kept
        self.turn(self.client, f"[[python: {SHOW}]][[python: show(20)]][[then]][[text: and small ones]]", chat)
        for _ in range(3):
            self.turn(self.client, "[[python: show(3)]][[then]][[text: more]]", chat)
        self.assertEqual(len(self.images_of(self.model.bodies()[-1])), 30)

    def test_bytes_that_are_no_picture_do_not_end_a_chat(self):
        chat = self.turn(self.client, "[[python: from IPython.display import Image, SVG, display; "
                         "display(Image(data=b'cut off', format='png')); "
                         "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"10\"/>'))]]"
                         "[[then]][[text: done]]")
        self.turn(self.client, "[[text: and on]]", chat)
        body = self.model.bodies()[-1]
        self.assertEqual(self.images_of(body), [])
        text = json.dumps(body)
        self.assertIn("[picture left out: its bytes cannot be read as one]", text)
        self.assertIn("[picture left out: image/svg+xml is not a type that can be sent]", text)

    def test_of_a_thousand_plots_the_newest_go_and_what_was_sent_stays_over_a_restart(self):
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory) / "data"
            with self.start(data=data) as server:
                client = Client(server)
                chat = self.turn(client, f"[[python: {PLOT_300_DPI}]][[python: {SHOW}]][[then]][[text: ready]]")
                for i in range(50):
                    large = "show(3, 2905, 1977); show(17)" if i % 10 == 9 else "show(20)"
                    self.turn(client, f"[[python: {large}]][[then]][[text: shown]]", chat)
                    self.images_of(self.model.bodies()[-1])
                    self.model.control("DELETE", "/__requests")
                before = time.monotonic()
                self.turn(client, "[[text: looked at]]", chat)
                print(f"a turn after 1,001 plots: {(time.monotonic() - before) * 1000:.0f} ms")
                body = self.model.bodies()[-1]
                sent = self.images_of(body)
                self.assertGreaterEqual(len(sent), IMAGES_MAX // 2)
                self.assertGreater(json.dumps(body).count("older ones are not sent any more"), 800)
            with self.start(data=data) as server:
                self.model.control("DELETE", "/__requests")
                before = time.monotonic()
                self.turn(Client(server), "[[text: still]]", chat)
                print(f"the first one after a restart: {(time.monotonic() - before) * 1000:.0f} ms")
                again = self.model.bodies()[-1]
                count = len(body["messages"])
                self.assertEqual(without_marks(again["messages"][:count]), without_marks(body["messages"]))

    def test_pictures_and_documents_of_a_user_reach_the_model_and_stay_with_the_message(self):
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory) / "data"
            files = [("photo.png", png(3000, 1000)), ("paper.pdf", pdf(3)), ("table.csv", b"a,b\n1,2\n")]
            with self.start(data=data) as server:
                client = Client(server)
                reply = upload(client, "[[text: I see]]", files)
                self.assertEqual(reply.status, 200)
                chat = reply.chat_id
                client.events(chat, after=reply.after)
                body = self.model.bodies()[-1]
                self.assertEqual(max(self.images_of(body)[0]), 1568)
                documents = blocks(body["messages"], "document")
                self.assertEqual(base64.b64decode(documents[0]["source"]["data"]), files[1][1])
                text = json.dumps(body)
                self.assertIn("/workspace/photo.png:", text)
                self.assertIn("/workspace/paper.pdf:", text)
                self.assertIn("Uploaded files: photo.png, paper.pdf, table.csv", text)
            with self.start(data=data) as server:
                client = Client(server)
                page = client.get(f"/chat/{chat}").text
                self.assertIn('alt="photo.png"', page)
                self.assertIn("paper.pdf</a>", page)
                seq = contents(client.events(chat, after=0))[0].block.seq
                self.assertEqual(client.request("GET", f"/chat/{chat}/files/m{seq}-0.png").body, files[0][1])
                # Asked again, edited and forked, they go along.
                for path, form in ((f"/chat/{chat}/regenerate", {}), (f"/chat/{chat}/edit", {"turn": "1", "message": "[[text: oh]]"})):
                    reply = client.post(path, form)
                    self.assertEqual(reply.status, 200)
                    client.events(chat, after=reply.after)
                    body = self.model.bodies()[-1]
                    self.assertEqual((len(self.images_of(body)), len(blocks(body["messages"], "document"))), (1, 1))
                forked = client.post(f"/chat/{chat}/fork", {"turn": "1"}).headers["location"].rsplit("/", 1)[1]
                self.turn(client, "[[text: hm]]", forked)
                self.assertEqual(len(self.images_of(self.model.bodies()[-1])), 1)
                self.assertIn('"kind":"binary"', client.get(f"/chat/{chat}/export.json").text)
                self.assertIn("Uploaded files: photo.png", client.get(f"/chat/{chat}/export.md").text)
                self.assertIn(f"/chat/{chat}", client.get("/chats?q=paper.pdf").text)

    def test_files_need_no_text_and_broken_ones_do_not_end_a_chat(self):
        files = [("cut.png", png(100, 100)[:60]), ("many.pdf", pdf(120)), ("odd.pdf", b"%PDF-1.7 and nothing else"),
                 ("bomb.png", png(4, 4)[:16] + struct.pack(">II", 60000, 60000) + png(4, 4)[24:])]
        reply = upload(self.client, "", files)
        self.assertEqual(reply.status, 200)
        self.client.events(reply.chat_id, after=reply.after)
        _, events = self.client.turn("[[text: and on]]", reply.chat_id)
        self.assertIn("completed", events[-1].data)
        body = self.model.bodies()[-1]
        self.assertEqual(self.images_of(body), [])
        self.assertEqual(blocks(body["messages"], "document"), [])
        text = json.dumps(body)
        self.assertIn("it has 120 pages, more than fit into a request", text)
        self.assertIn("its bytes cannot be read as a PDF", text)
        self.assertIn("it has too many pixels", text)

    def test_a_model_without_eyes_reads_the_names(self):
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory)
            (data / "varro.toml").write_text('[[model]]\nprovider = "anthropic"\nname = "claude-blind"\nvision = false\n')
            with self.start(data=data, default_model="anthropic:claude-blind") as server:
                reply = upload(Client(server), "[[text: I read]]", [("photo.png", png(300, 100))])
                self.assertEqual(reply.status, 200)
                Client(server).events(reply.chat_id, after=reply.after)
                text = json.dumps(self.model.bodies()[-1])
                self.assertIn("/workspace/photo.png:", text)
                self.assertIn("[file ", text)
                self.assertNotIn('"type": "image"', text)


class PicturesForOpenAI(SystemTest):
    vendor = "openai"

    def test_plots_are_taken_and_what_is_no_picture_is_told(self):
        reply, events = self.client.turn(f"[[python: {PLOT_300_DPI}]][[python: from IPython.display import Image, SVG, display; "
                                         "display(Image(data=b'cut off', format='png')); "
                                         "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>'))]]"
                                         "[[then]][[text: done]]")
        self.assertIn("completed", events[-1].data)
        _, events = self.client.turn("[[text: and on]]", reply.chat_id)
        self.assertIn("completed", events[-1].data)
        text = json.dumps(self.model.bodies()[-1])
        sent = re.findall(r"data:(image/[a-z+]+);base64,([A-Za-z0-9+/=]+)", text)
        self.assertEqual([kind for kind, _ in sent], ["image/png"])
        self.assertEqual(max(size_of(base64.b64decode(sent[0][1]))), 1568)
        self.assertIn("image/svg+xml is not a type that can be sent", text)
        self.assertIn("its bytes cannot be read as one", text)

    def test_a_server_that_takes_no_documents_gets_the_pages_as_pictures_over_a_restart_too(self):
        toml = (f'[provider.anyone]\nkind = "openai"\nbase_url = "http://127.0.0.1:{self.model.port}/v1"\n'
                '[[model]]\nprovider = "anyone"\nname = "gpt-4o"\nvision = true\n')
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            data = pathlib.Path(directory)
            (data / "varro.toml").write_text(toml)
            with self.start(data=data, default_model="anyone:gpt-4o") as server:
                client = Client(server)
                reply = upload(client, "[[text: I see]]", [("scan.pdf", pdf(3))])
                self.assertEqual(reply.status, 200)
                self.assertIn("completed", client.events(reply.chat_id, after=reply.after)[-1].data)
                first = self.model.bodies()[-1]["messages"]
            text = json.dumps(first)
            self.assertIn("[This document has 3 pages without text. Pictures of its first 3 pages follow.]", text)
            self.assertNotIn("application/pdf", text)
            pages = [base64.b64decode(data) for data in re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)]
            self.assertEqual([size_of(page) for page in pages], [(417, 417)] * 3)  # 200 points at 150 dpi
            with self.start(data=data, default_model="anyone:gpt-4o") as server:
                _, events = Client(server).turn("[[text: and on]]", reply.chat_id)
                self.assertIn("completed", events[-1].data)
                self.assertEqual(self.model.bodies()[-1]["messages"][:len(first)], first)


if __name__ == "__main__":
    unittest.main(verbosity=2)
