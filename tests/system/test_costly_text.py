"""Text that costs a parser of Markdown far more than its size, shown by cells while another user opens pages."""

import tempfile
import threading
import time
import unittest

from harness import Client, SystemTest

ATTACKERS = 2  # a scheduler's thread each, on a machine of two cores
OTHERS_SECONDS_MAX = 2.0  # other programs use the machine, too; without a bound it is half a minute
SHOW = "[[python: from IPython.display import Markdown, display\ndisplay(Markdown({text}))]][[then]][[text: shown]]"
COSTLY = {
    "columns of a table": '"|x\\n" + "|-" * 49500',
    "an address many times": '"(x): http://a/".replace("(", chr(91)).replace(")", chr(93)) + "u" * 4000 + "\\n\\n" '
                             '+ (chr(91) + "x" + chr(93)) * 80000',
    "closing brackets after a link": '"x http://a.b/" + ")" * 250000',
    "forged places of formulas": '"$$" + "A" * 20000 + "$$ " + "&#xE000;0&#xE001;" * 13000',
}
ORDINARY = '"# Head\\n\\nSome **words** and $x^2$.\\n\\n" * 50'


def html_of(events):
    return "".join(event.data for event in events if event.name == "content")


class CostlyText(SystemTest):
    def watch_others(self, chat, over, worst):
        client = Client(self.varro)
        while not over.is_set():
            for path in ("/readyz", f"/chat/{chat}", "/"):
                before = time.monotonic()
                reply = client.get(path)
                worst.append((time.monotonic() - before, path, reply.status))

    def block_of(self, client, text):
        reply, events = client.turn(SHOW.format(text=text))
        self.assertIn("completed", events[-1].data)
        return reply.chat_id, html_of(events)

    def test_others_are_served_while_it_is_shown_and_when_it_is_opened(self):
        other, _ = self.block_of(Client(self.varro), ORDINARY)
        for name, text in COSTLY.items():
            with self.subTest(name):
                over, worst, chats = threading.Event(), [], []
                watcher = threading.Thread(target=self.watch_others, args=(other, over, worst))
                watcher.start()
                attackers = [threading.Thread(target=lambda t=text, n=n: chats.append(
                    self.block_of(Client(self.varro), t + f' + "\\n\\n{n}"'))) for n in range(ATTACKERS)]
                for attacker in attackers:
                    attacker.start()
                for attacker in attackers:
                    attacker.join()
                for chat, _ in chats:
                    Client(self.varro).get(f"/chat/{chat}")
                over.set()
                watcher.join()
                self.assertEqual(len(chats), ATTACKERS)
                self.assertEqual({status for _, _, status in worst}, {200})
                print(f"{name}: others wait at most {max(worst)[0] * 1000:.0f} ms")
                self.assertLess(max(worst)[0], OTHERS_SECONDS_MAX)
                for _, html in chats:
                    self.assertLess(len(html), 8 << 20)

    def test_it_is_shown_as_it_was_written_with_a_word_and_ordinary_text_is_formatted(self):
        _, html = self.block_of(Client(self.varro), COSTLY["columns of a table"])
        self.assertIn("formatting it would take too much", html)
        self.assertIn("|-|-|-", html)
        _, html = self.block_of(Client(self.varro), ORDINARY)
        self.assertNotIn("formatting it would take too much", html)
        self.assertEqual(html.count("<strong>words</strong>"), 50)

    def test_a_server_that_was_restarted_shows_the_same(self):
        with tempfile.TemporaryDirectory(prefix="varro-system-") as directory:
            pages = []
            chat = None
            for _ in range(2):
                with self.start(data=directory) as server:
                    client = Client(server)
                    if chat is None:
                        chat, _ = self.block_of(client, COSTLY["columns of a table"])
                    pages.append(html_of(client.events(chat, after=0)))
            self.assertEqual(pages[0], pages[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
