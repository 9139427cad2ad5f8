"""The pages of admins on the real server: disabling stops work, links, usage, what is live, without any script."""

import re
import sqlite3
import time
import unittest

from cells import until
from harness import AccountsTest, Client, run_varro

PAGES = ("/admin", "/admin/usage", "/admin/live", "/admin/turns", "/admin/errors", "/admin/invitations", "/admin/audit", "/admin/configuration")


class Admin(AccountsTest):
    names = ("root", "alice", "bob")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        run_varro("user", "role", "root", "admin", "--data", str(cls.data))

    def admin(self):
        return self.logged_in("root")

    def test_admins_see_the_pages_and_others_do_not(self):
        root, alice = self.admin(), self.logged_in("alice")
        for page in (*PAGES, "/admin/usage.csv"):
            self.assertEqual(root.get(page).status, 200, page)
            self.assertEqual(alice.get(page).status, 404, page)
            self.assertEqual(Client(self.varro).get(page).status, 303, page)
        self.assertIn('href="/admin"', root.get("/").text)
        self.assertNotIn("/admin", alice.get("/").text)

    def test_the_page_of_people_shows_groups_and_limits_and_who_set_them(self):
        root = self.admin()
        for command in (("group", "add", "data", "bob"), ("limit", "set", "--group", "data", "chats", "70"),
                        ("limit", "set", "--user", "bob", "tokens_per_day", "123456")):
            done = run_varro(*command, "--data", str(self.data))
            self.assertEqual(done.returncode, 0, done.stderr)
        row = re.search(r'<tr data-user="bob">.*?</tr>', root.get("/admin?q=bob").text, re.S)[0]
        for words in ("1 group, 2 limits", ">data<", "by varro group", "chats: 70", "group data (varro limit)",
                      "tokens_per_day: 123456", "their own", ">active<", ">user<"):
            self.assertIn(words, row)
        self.assertNotIn(">data<", root.get("/admin?q=alice").text)

    def test_a_disabled_user_is_out_and_their_run_and_shell_end(self):
        root, alice = self.admin(), self.logged_in("alice")
        reply = alice.send("[[python: import time\ntime.sleep(600)]]")
        self.assertEqual(reply.status, 200)
        chat = reply.chat_id

        def live():
            return root.get("/admin/live").text

        until(lambda: re.search(r"alice.*busy", live(), re.S), "the cell of alice runs")
        self.assertIn(f">{chat}<", live())
        self.assertNotIn("sleep", live())  # neither titles nor texts
        self.assertEqual(root.post("/admin/people/disable", {"name": "alice"}).status, 303)
        until(lambda: f'name="chat" value="{chat}"' not in live(), "her run and shell are over")
        self.assertEqual(alice.get("/").status, 303)
        self.assertEqual(Client(self.varro).login("alice", "alice-password").status, 401)
        self.assertEqual(root.post("/admin/people/enable", {"name": "alice"}).status, 303)
        again = self.logged_in("alice")
        self.assertIn("stopped", again.get(f"/chat/{chat}").text.lower())
        self.assertEqual(again.turn("[[python: 6 * 7]]", chat_id=chat)[0].status, 200)

    def test_a_user_whom_the_command_disables_has_nothing_on_within_seconds_and_others_go_on(self):
        root, alice, bob = self.admin(), self.logged_in("alice"), self.logged_in("bob")
        chat = alice.send("[[python: import time\ntime.sleep(600)]]").chat_id
        others = bob.send("[[python: import time\ntime.sleep(600)]]").chat_id

        def is_live(number):
            return f'name="chat" value="{number}"' in root.get("/admin/live").text

        until(lambda: len(re.findall("busy", root.get("/admin/live").text)) >= 2, "both cells run")
        disabled = run_varro("user", "disable", "alice", "--data", str(self.data))
        self.assertEqual(disabled.returncode, 0, disabled.stderr)
        begin = time.monotonic()
        until(lambda: not is_live(chat), "her run and shell are over")
        self.assertLess(time.monotonic() - begin, 30)  # 2 s on a machine that has nothing else to do
        self.assertTrue(is_live(others))
        self.assertEqual(bob.post(f"/chat/{others}/cancel").status, 204)
        enabled = run_varro("user", "enable", "alice", "--data", str(self.data))
        self.assertEqual(enabled.returncode, 0, enabled.stderr)
        again = self.logged_in("alice")
        self.assertEqual(again.turn("[[python: 6 * 7]]", chat_id=chat)[0].status, 200)

    def test_a_run_and_a_shell_are_stopped_by_their_buttons(self):
        root, bob = self.admin(), self.logged_in("bob")
        chat = bob.send("[[python: import time\ntime.sleep(600)]]").chat_id
        until(lambda: "busy" in root.get("/admin/live").text, "the cell runs")
        user = re.search(rf'name="user" value="(\d+)"><input type="hidden" name="chat" value="{chat}"',
                         root.get("/admin/live").text)[1]
        self.assertEqual(root.post("/admin/live/stop", {"what": "run", "user": user, "chat": chat}).status, 303)
        until(lambda: "No run is on." in root.get("/admin/live").text, "the run is over")
        self.assertIn(f'name="chat" value="{chat}"', root.get("/admin/live").text)  # its shell
        self.assertEqual(root.post("/admin/live/stop", {"what": "shell", "user": user, "chat": chat}).status, 303)
        until(lambda: f'name="chat" value="{chat}"' not in root.get("/admin/live").text, "the shell is gone")
        self.assertEqual(bob.post("/admin/live/stop", {"what": "run", "user": user, "chat": chat}).status, 404)
        self.assertEqual(root.post("/admin/live/stop", {"what": "all", "user": user, "chat": chat}).status, 422)
        audit = root.get("/admin/audit?action=work.stopped").text
        self.assertIn(f"run of chat {chat}", audit)
        self.assertIn(f"shell of chat {chat}", audit)

    def test_usage_and_its_csv_name_who_used_what(self):
        root, bob = self.admin(), self.logged_in("bob")
        bob.turn("[[text: hello]]")
        self.assertIn(">bob<", root.get("/admin/usage?by=user").text)
        reply = root.get("/admin/usage.csv?by=user")
        self.assertIn("text/csv", reply.headers["content-type"])
        self.assertRegex(reply.text, r"(?m)^bob,[1-9]")

    def test_the_configuration_shows_where_a_key_came_from_and_no_secret(self):
        page = self.admin().get("/admin/configuration").text
        self.assertIn("auth.mode", page)
        self.assertIn("--auth", page)
        self.assertNotIn("sk-test", page)

    def test_links_of_the_command_line_and_of_the_page_are_the_same_ones(self):
        root = self.admin()
        self.assertEqual(root.post("/admin/people/reset-link", {"name": "bob"}).status, 200)
        listed = run_varro("link", "list", "--data", str(self.data)).stdout
        number = next(line.split("\t")[0] for line in listed.splitlines() if "\tbob\t" in line)
        self.assertIn(number, root.get("/admin/invitations").text)
        self.assertEqual(run_varro("link", "revoke", number, "--data", str(self.data)).returncode, 0)
        self.assertNotIn(number, root.get("/admin/invitations").text)


class AdminsRead(AccountsTest):
    """auth.admins_read_chats: what an admin reads is in the audit before it is shown, and changes nothing."""

    names = ("root", "alice", "bob")

    @classmethod
    def prepare(cls):
        super().prepare()
        (cls.data / "varro.toml").write_text("[auth]\nadmins_read_chats = true\n")
        run_varro("user", "role", "root", "admin", "--data", str(cls.data))

    def reads(self, what):
        listed = run_varro("audit", "list", "--action", "admin.read", "--data", str(self.data)).stdout
        return [line for line in listed.splitlines() if what in line]

    def test_each_reading_is_in_the_audit_and_nothing_can_be_changed(self):
        root, alice, bob = self.logged_in("root"), self.logged_in("alice"), self.logged_in("bob")
        chat = alice.turn("The **secret** plan. [[python: import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()]]"
                          "[[text: Done, see the *plot*.]]")[0].chat_id
        own = alice.get(f"/chat/{chat}").text
        until(lambda: self.seen(chat)[1] != 0, "the look of the owner is noted")
        used = self.seen(chat)
        self.assertIn("Read their chats", root.get("/admin/person?name=alice").text)
        listed = root.get("/admin/chats?name=alice")
        self.assertIn(f'href="/admin/chat/{chat}"', listed.text)
        for count in (1, 2):  # each time, not once an hour
            page = root.get(f"/admin/chat/{chat}")
            self.assertEqual(page.status, 200)
            self.assertEqual(page.headers["cache-control"], "no-store")
            rows = self.reads(f"/admin/chat/{chat}")
            self.assertEqual(len(rows), count)
            self.assertIn("alice", rows[0])
            self.assertIn("root", rows[0])
        self.assertIn("secret", page.text)
        self.assertIn("<em>plot</em>", page.text)
        for change in ("turn-tools", "hx-post", "hx-get", "<form", 'data-action="rerun"', f'"/chat/{chat}'):
            self.assertNotIn(change, page.text)
        self.assertIn("turn-tools", own)
        picture = re.search(rf'src="(/admin/chat/{chat}/files/m\d+-0\.png)"', page.text)[1]
        shown = root.get(picture)
        self.assertEqual(shown.headers["content-type"], "image/png")
        self.assertEqual(shown.headers["cache-control"], "no-store")
        self.assertTrue(self.reads(f"files of /admin/chat/{chat}"))
        for address in (f"/admin/chat/{chat}", picture, "/admin/chats?name=alice"):
            self.assertEqual(bob.get(address).status, 404)
            self.assertEqual(alice.get(address).status, 404)  # nor one's own, who is no admin
            self.assertEqual(Client(self.varro).get(address).status, 303)
        self.assertEqual(root.get(f"/chat/{chat}").status, 404)
        self.assertEqual(root.get(f"/admin/chat/{chat}999").status, 404)
        self.assertEqual(self.seen(chat), used)  # a look of an admin keeps no chat from its retention
        self.assertIn("Admins of this server may read your chats", alice.get("/account").text)
        self.assertEqual(run_varro("audit", "verify", "--data", str(self.data)).returncode, 0)

    def seen(self, chat):
        database = sqlite3.connect(self.data / "varro.db")
        row = database.execute("SELECT updated_at, used_at FROM chats WHERE id = ?", (chat,)).fetchone()
        database.close()
        return row


if __name__ == "__main__":
    unittest.main()
