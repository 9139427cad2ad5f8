"""What cells show has a bound for each cell, and counts for the quota of its user."""

import pathlib
import unittest

from cells import Chat, until
from harness import Client, SystemTest

MIB = 1 << 20
SHOWN_MIB, USER_MIB, PICTURE_MIB = 4, 24, 1
SETTINGS = f"""
[shell]
display_bytes_max = {SHOWN_MIB * MIB}
user_bytes_max = {USER_MIB * MIB}
"""
PICTURES = f"""
import os, struct, zlib
from IPython.display import HTML, Image, display
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
def picture(size):
    "A PNG of one pixel, with so many bytes of noise beside it."
    return (b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
            + chunk(b"zzZz", os.urandom(size)) + chunk(b"IDAT", zlib.compress(b"\\0\\0")) + chunk(b"IEND", b""))
def show(count):
    for _ in range(count):
        display(Image(picture({PICTURE_MIB * MIB} - 200)))
"""


class OutputBounds(SystemTest):
    @classmethod
    def prepare(cls):
        (cls.data.parent / "bounds.toml").write_text(SETTINGS)
        cls.arguments = ["--config", str(cls.data.parent / "bounds.toml")]

    def database_bytes(self):
        return sum(file.stat().st_size for file in pathlib.Path(self.data).glob("varro.db*"))

    def pictures(self, cell):
        return len([kind for kind, _ in cell.outputs if kind == "image"])

    def test_a_cell_shows_its_share_and_says_what_was_left_out(self):
        chat = Chat(Client(self.varro))
        honest = chat.run(PICTURES + f"show({SHOWN_MIB})")
        self.assertEqual((self.pictures(honest), honest.of("stderr")), (SHOWN_MIB, ""))
        cell = chat.run("show(20)\nprint('the end')")
        self.assertEqual(self.pictures(cell), SHOWN_MIB)
        self.assertIn(f"a cell may show {SHOWN_MIB} MiB together (shell.display_bytes_max)", cell.of("stderr"))
        self.assertIn("the end", cell.stdout)
        looped = chat.run("shown = display(Image(picture(500_000)), display_id=True)\n"
                          "for _ in range(200):\n    shown.update(Image(picture(500_000)))\nprint('the end')")
        self.assertEqual((self.pictures(looped), looped.of("stderr"), looped.stdout.strip()), (1, "", "the end"))
        chat.delete()

    def test_what_is_stored_counts_for_the_user_until_the_chat_is_deleted(self):
        chat = Chat(Client(self.varro))
        chat.run(PICTURES)
        cells = 0
        while True:
            cell = chat.run(f"show({SHOWN_MIB})\nprint('the end')")
            self.assertIn("the end", cell.stdout)
            cells += 1
            if "(shell.user_bytes_max)" in cell.of("stderr"):
                break
            self.assertEqual(self.pictures(cell), SHOWN_MIB)
            self.assertLess(cells * SHOWN_MIB, 2 * USER_MIB)
        self.assertGreater(cells, 2)
        last = chat.run(f"show({SHOWN_MIB})")
        self.assertLess(self.pictures(last), SHOWN_MIB)
        refused = chat.upload("more.bin", b"x" * (8 * MIB))
        self.assertEqual(refused.status, 413, refused.text)
        self.assertIn("shell.user_bytes_max", refused.text)
        self.assertLess(self.database_bytes(), 3 * USER_MIB * MIB)
        self.assertEqual(chat.delete(), 204)
        other = Chat(Client(self.varro))
        other.run(PICTURES)
        until(lambda: self.pictures(other.run(f"show({SHOWN_MIB})")) == SHOWN_MIB, "the deleted chat gives its part back")
        other.delete()


class HistoryBounds(SystemTest):
    """What one chat's messages may hold, and what all chats in memory may."""

    CHAT_MIB, RESIDENT_MIB = 6, 20

    @classmethod
    def prepare(cls):
        (cls.data.parent / "bounds.toml").write_text(f"""
            [shell]
            display_bytes_max = {SHOWN_MIB * MIB}
            [chat]
            history_bytes_max = {cls.CHAT_MIB * MIB}
            resident_bytes_max = {cls.RESIDENT_MIB * MIB}
            """)
        cls.arguments = ["--config", str(cls.data.parent / "bounds.toml")]

    def test_a_full_chat_shows_text_only_then_takes_no_message_and_a_fork_goes_on(self):
        client = Client(self.varro)
        chat = Chat(client)
        chat.run(PICTURES)
        first = chat.run(f"show({SHOWN_MIB})")
        self.assertEqual(first.of("stderr"), "")
        second = chat.run(f"show({SHOWN_MIB})\nprint('the end')")
        self.assertIn("(chat.history_bytes_max)", second.of("stderr"))
        self.assertIn("the end", second.stdout)
        self.assertIn("image", [kind for kind, _ in first.outputs])
        long = "x" * (MIB - 1_000)
        refused = client.send(long, chat.chat_id)
        while refused.status == 200:
            client.events(chat.chat_id, after=refused.after)
            refused = client.send(long, chat.chat_id)
        self.assertEqual(refused.status, 413, refused.text)
        self.assertIn("(chat.history_bytes_max)", refused.text)
        forked = client.post(f"/chat/{chat.chat_id}/fork", {"turn": "1"})
        self.assertEqual(forked.status, 303, forked.text)
        fork = Chat(client, int(forked.headers["location"].rsplit("/", 1)[1]))
        self.assertEqual(fork.run("show(1)\nprint('again')").stdout.strip(), "again")
        fork.delete()
        chat.delete()

    def test_chats_in_memory_have_a_bound_and_one_that_is_deleted_makes_room(self):
        client = Client(self.varro)
        chats = []
        while True:
            chat = Chat(client)
            reply = client.send("hello")
            if reply.status != 200:
                break
            chat.chat_id = reply.chat_id
            client.events(chat.chat_id, after=reply.after)
            chats.append(chat)
            chat.run(PICTURES + f"show({SHOWN_MIB})")
            self.assertLess(len(chats) * SHOWN_MIB, self.RESIDENT_MIB)
        self.assertGreater(len(chats), 1)
        self.assertEqual(reply.status, 503, reply.text)
        self.assertIn("chat.resident_bytes_max", reply.text)
        self.assertEqual(chats[0].delete(), 204)
        self.assertEqual(client.send("hello again").status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
