"""What hostile code can do to a backup of its files, and what damaged and foreign backups can do to a restore: nothing."""

import fcntl
import os
import pathlib
import socket
import stat
import subprocess
import tempfile
import threading
import unittest

from backups import backup, blob, check, files_of, lines_of, restore, whole, write_manifest
from cells import Chat
from harness import WAIT_SECONDS, Client, Varro, run_varro

DEPTH = 300  # directories; 255 of them are taken
SPARSE = 1 << 40  # bytes: far more than could be read
NAMES_MAX = 66_000  # of one file: more than ext4 has
OTHER = 65534  # a user who is not root


def tree_of(top):
    """Of each name: kind, rights, and contents, target or the further names of the same file."""
    found = {}
    for path, directories, files in os.walk(os.fsencode(top)):
        for name in directories + files:
            full = os.path.join(path, name)
            status = os.lstat(full)
            what = stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode) if not stat.S_ISLNK(status.st_mode) else None
            if stat.S_ISLNK(status.st_mode):
                what += (os.readlink(full),)
            elif stat.S_ISREG(status.st_mode):
                what += (status.st_size, status.st_nlink, status.st_mtime_ns)
                if status.st_size < 1 << 20:
                    what += (pathlib.Path(os.fsdecode(full)).read_bytes() if os.access(full, os.R_OK) else b"",)
            found[os.path.relpath(full, os.fsencode(top))] = what
    return found


class Files(unittest.TestCase):
    """One data directory with a chat; each test has a copy of it, without a server."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="varro-backup-")
        cls.planted = pathlib.Path(cls.directory.name) / "planted"
        server = Varro(cls.planted)
        chat = Chat(Client(server))
        reply = Client(server).post("/chat/send", {"message": "hello"})
        assert reply.status == 200, reply.text
        chat.chat_id = reply.chat_id
        Client(server).events(chat.chat_id)
        assert chat.upload("upload.txt", b"uploaded").status == 201
        server.stop()
        cls.chat = chat.chat_id

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="varro-backup-"))
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", str(self.root)], check=False))
        self.data, self.backups, self.restored = (self.root / name for name in ("data", "backups", "restored"))
        subprocess.run(["cp", "-a", str(self.planted), str(self.data)], check=True)
        self.workspace = self.data / "workspaces" / str(self.chat)

    def refused(self, done, *words):
        self.assertEqual(done.returncode, 1, done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)
        return done.stderr

    def check_nothing_in(self, data):
        self.assertTrue(not data.exists() or set(os.listdir(data)) <= {"varro.lock"}, os.listdir(data) if data.exists() else "")

    # What a workspace may hold.

    def plant_oddities(self):
        os.chdir(self.workspace)  # a path of this depth is longer than the kernel takes
        try:
            for _ in range(DEPTH):
                os.mkdir("d")
                os.chdir("d")
            pathlib.Path("deepest").write_text("deep")
        finally:
            os.chdir("/")
        secret = self.root / "secret"
        secret.mkdir()
        (secret / "file").write_text("of somebody else")
        (self.workspace / "to-a-file").symlink_to(secret / "file")
        (self.workspace / "to-a-directory").symlink_to(secret)
        (self.workspace / "to-nowhere").symlink_to("\x1b[31m")
        os.mkfifo(self.workspace / "pipe")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.workspace / "socket"))
        with open(self.workspace / "sparse", "wb") as file:
            file.truncate(SPARSE)
            file.seek(SPARSE // 2)
            file.write(b"in the middle")
        with open(os.fsencode(self.workspace) + b"/\xff\n%41\x1b[2J", "wb") as file:
            file.write(b"bytes")
        (self.workspace / "named").write_text("has two names")
        (self.workspace / "sub").mkdir()
        os.link(self.workspace / "named", self.workspace / "sub" / "named-again")
        (self.workspace / "closed").write_text("nobody may read this")
        (self.workspace / "closed").chmod(0)
        (self.workspace / "closed-directory").mkdir()
        (self.workspace / "closed-directory" / "inner").write_text("nor this")
        (self.workspace / "closed-directory").chmod(0)
        (self.workspace / "empty").write_bytes(b"")
        (self.workspace / "run.sh").write_text("#!/bin/sh\n")
        (self.workspace / "run.sh").chmod(0o751)
        os.utime(self.workspace / "run.sh", ns=(1, 1_234_567_890_123_456_789))

    def test_oddities_of_a_workspace_come_back_as_they_were_and_what_is_no_file_is_named(self):
        self.plant_oddities()
        done = run_varro("backup", str(self.backups), "--data", str(self.data))
        self.assertEqual(done.returncode, 0, done.stderr)
        for what in ("pipe: a pipe", "socket: a socket", "directories deep"):
            self.assertIn(what, done.stderr)
        self.assertNotIn("\x1b", done.stderr)
        stored = b"".join(path.read_bytes() for path in whole(self.backups)[0].rglob("*")
                          if path.is_file() and path.stat().st_size < 1 << 20)
        self.assertNotIn(b"of somebody else", stored)
        self.assertIn(b"uploaded", stored)  # so it would have been found
        done = restore(self.backups, self.restored)
        self.assertEqual(done.returncode, 0, done.stderr)
        before, after = tree_of(self.workspace), tree_of(self.restored / "workspaces" / str(self.chat))
        missing = {name for name in before if name not in after}
        deep = {name for name in missing if name.startswith(b"d/")}
        self.assertEqual(missing - deep, {b"pipe", b"socket"})
        self.assertEqual(max(name.count(b"/") for name in after), 254)
        self.assertEqual({name: before[name] for name in after}, after)
        sparse = (self.restored / "workspaces" / str(self.chat) / "sparse").stat()
        self.assertLess(sparse.st_blocks * 512, 1 << 20)
        with open(self.restored / "workspaces" / str(self.chat) / "sparse", "rb") as file:
            file.seek(SPARSE // 2)
            self.assertEqual(file.read(14), b"in the middle\0")

    @unittest.skipUnless(os.geteuid() == 0, "only root has files of several users")
    def test_a_root_server_s_workspaces_belong_to_its_shells_user_and_all_else_to_root(self):
        (self.workspace / "link").symlink_to("upload.txt")
        (self.workspace / "sub").mkdir()
        (self.workspace / "sub" / "file").write_text("by a former user")
        owner = self.workspace.stat().st_uid
        self.assertNotEqual(owner, 0)
        backup(self.data, self.backups)
        self.assertEqual(restore(self.backups, self.restored).returncode, 0)
        workspace = self.restored / "workspaces" / str(self.chat)
        for path in (workspace, *workspace.rglob("*")):
            self.assertEqual((path.lstat().st_uid, path.lstat().st_gid), (owner, owner), path)
        for name in ("", "varro.db", "workspaces"):
            self.assertEqual((self.restored / name).stat().st_uid, 0, name)
            self.assertEqual((self.restored / name).stat().st_mode & 0o077, 0, name)

    @unittest.skipUnless(os.geteuid() == 0, "only root becomes somebody else")
    def test_a_server_that_is_not_root_reads_what_a_cell_has_closed_and_leaves_it_closed(self):
        self.plant_oddities()
        (self.workspace / "unsearchable").mkdir()
        (self.workspace / "unsearchable" / "inner").write_text("in a directory without x")
        (self.workspace / "unsearchable").chmod(0o644)
        self.workspace.chmod(0o600)
        subprocess.run(["chown", "-hR", str(OTHER), str(self.root)], check=True)
        os.chmod(self.root, 0o700)
        as_other = ("setpriv", f"--reuid={OTHER}", "--clear-groups")
        done = run_varro("backup", str(self.backups), "--data", str(self.data), launcher=as_other)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run_varro("restore", str(self.backups), "--data", str(self.restored), launcher=as_other)
        self.assertEqual(done.returncode, 0, done.stderr)
        for workspace in (self.workspace, self.restored / "workspaces" / str(self.chat)):
            for name, contents in (("closed", "nobody may read this"), ("closed-directory/inner", "nor this"),
                                   ("unsearchable/inner", "in a directory without x")):
                self.assertEqual((workspace / name).read_text(), contents)
            for name in ("closed", "closed-directory"):
                self.assertEqual((workspace / name).lstat().st_mode & 0o777, 0, name)
                self.assertEqual((workspace / name).lstat().st_uid, OTHER, name)
            self.assertEqual((workspace / "unsearchable").lstat().st_mode & 0o777, 0o644)
        self.assertEqual(self.workspace.stat().st_mode & 0o777, 0o600)

    def test_as_many_names_of_one_file_as_there_may_be_are_restored(self):
        first = self.workspace / "first"
        first.write_text("one file")
        names = 1
        try:
            while names < NAMES_MAX:
                os.link(first, self.workspace / f"name-{names}")
                names += 1
        except OSError:
            pass  # of this file system
        self.assertGreater(names, 1_000)
        backup(self.data, self.backups)
        self.assertEqual(check(self.backups).returncode, 0)
        done = restore(self.backups, self.restored)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = [path.stat() for path in (self.restored / "workspaces" / str(self.chat)).iterdir() if path.name != "upload.txt"]
        self.assertEqual(len(found), names)
        self.assertLessEqual(len({status.st_ino for status in found}), 2)
        self.assertEqual({status.st_size for status in found}, {8})

    def test_files_and_directories_that_come_change_and_go_meanwhile_cost_no_backup(self):
        stopped = threading.Event()

        def change():
            number = 0
            while not stopped.is_set():
                number += 1
                inner = self.workspace / f"comes-{number % 7}" / "inner"
                inner.mkdir(parents=True, exist_ok=True)
                (inner / "file").write_bytes(os.urandom(1 + number % 100_000))
                (self.workspace / "grows").open("ab").write(b"x" * 10_000)
                if number % 50 == 0:
                    (self.workspace / "grows").write_bytes(b"")
                subprocess.run(["rm", "-rf", str(self.workspace / f"comes-{(number + 3) % 7}")], check=True)

        changing = threading.Thread(target=change, daemon=True)
        changing.start()
        try:
            for _ in range(5):
                backup(self.data, self.backups)
        finally:
            stopped.set()
            changing.join(WAIT_SECONDS)
        for one in whole(self.backups):
            self.assertEqual(check(one).returncode, 0)
        self.assertEqual(restore(self.backups, self.restored).returncode, 0)

    # Damaged backups.

    def test_a_flipped_byte_is_found_and_nothing_is_put_in_place(self):
        one = backup(self.data, self.backups)
        entry = files_of(one)["workspace", self.chat, b"upload.txt"]
        stored = blob(one, entry)
        contents = bytearray(stored.read_bytes())
        self.assertEqual(contents, b"uploaded")
        contents[3] ^= 1
        stored.write_bytes(contents)
        self.refused(check(self.backups), "damaged", "upload.txt")
        self.refused(restore(self.backups, self.restored), "damaged", "upload.txt")
        self.check_nothing_in(self.restored)
        contents[3] ^= 1
        stored.write_bytes(contents)
        self.assertEqual(restore(self.backups, self.restored).returncode, 0)

    def test_files_that_are_missing_cut_off_or_replaced_by_a_link_are_found(self):
        one = backup(self.data, self.backups)
        stored = blob(one, files_of(one)["workspace", self.chat, b"upload.txt"])
        kept = self.root / "kept"
        stored.rename(kept)
        self.refused(check(one), "upload.txt", "missing")
        stored.symlink_to(kept)
        self.refused(check(one), "upload.txt", "missing")
        stored.unlink()
        stored.write_bytes(b"upload")
        self.refused(check(one), "upload.txt", "size")

    def test_a_manifest_that_was_cut_off_or_changed_is_refused(self):
        one = backup(self.data, self.backups)
        manifest = one / "manifest.jsonl"
        text = manifest.read_text()
        manifest.write_text(text[:text.rindex('{"end"')])
        self.refused(check(one), "not whole")
        manifest.write_text(text.replace("upload.txt", "upload.tyt"))
        self.refused(restore(one, self.restored), "damaged")
        manifest.write_text(text)
        self.assertEqual(check(one).returncode, 0)

    def test_names_of_a_foreign_manifest_lead_nowhere_else(self):
        one = backup(self.data, self.backups)
        lines = lines_of(one)
        place = next(i for i, line in enumerate(lines) if line.get("name") == "upload.txt")
        for name in ("..%2Fout", "%2Fout", "..", ".", "", "a%00b"):
            changed = [dict(line) for line in lines]
            changed[place]["name"] = name
            write_manifest(one, changed)
            self.refused(restore(one, self.restored), "cannot be read")
            self.check_nothing_in(self.restored)
        # A link that a directory of the same name would lead through.
        changed = [dict(line) for line in lines]
        link = dict(number=90, name="way", kind="link", mode=0o777, modified_ns=1, target=str(self.root), **{"in": 0})
        changed[place:place] = [link, dict(link, number=91, kind="directory"), dict(changed[place], number=92, **{"in": 91})]
        write_manifest(one, changed)
        self.refused(restore(one, self.restored), "way")
        self.check_nothing_in(self.restored)
        self.assertFalse((self.root / "upload.txt").exists())

    def test_a_backup_of_a_newer_varro_is_refused_with_both_versions(self):
        one = backup(self.data, self.backups)
        lines = lines_of(one)
        schema = lines[0]["schema"]
        lines[0].update(schema=schema + 1, version="9.9.9")
        write_manifest(one, lines)
        self.refused(restore(one, self.restored), "9.9.9", f"schema {schema + 1}", f"knows {schema}")
        lines[0]["varro_backup"] = 2
        write_manifest(one, lines)
        self.refused(check(one), "newer Varro")
        self.check_nothing_in(self.restored)

    def test_what_a_foreign_manifest_puts_beside_the_database_is_refused(self):
        one = backup(self.data, self.backups)
        lines = lines_of(one)
        database = next(line for line in lines if line.get("name") == "varro.db")
        place = lines.index(database) + 1
        link = dict(number=2, name="shells.sock", kind="link", mode=0o777, modified_ns=1, target="elsewhere", **{"in": 0})
        for foreign in (dict(database, number=2, name="search.db"), link, dict(link, name="models.json"),
                        dict(link, kind="directory", name="workspaces")):
            write_manifest(one, [*lines[:place], foreign, *lines[place:]])
            self.refused(restore(one, self.restored), "nothing that a backup has there")
            self.check_nothing_in(self.restored)

    # Places.

    def test_a_restore_takes_an_empty_directory_only_and_none_that_is_served(self):
        backup(self.data, self.backups)
        self.restored.mkdir()
        (self.restored / "mine").write_text("mine")
        self.refused(restore(self.backups, self.restored), "not empty")
        self.assertEqual(os.listdir(self.restored), ["mine"])
        (self.restored / "mine").unlink()
        server = Varro(self.data)
        try:
            self.refused(restore(self.backups, self.data), "in use by process")
        finally:
            server.stop()
        self.refused(restore(self.backups, self.data), "not empty")
        self.assertEqual(restore(self.backups, self.restored).returncode, 0)

    def test_a_server_does_not_start_where_a_restore_was_cut_off_and_the_next_restore_makes_it_good(self):
        backup(self.data, self.backups)
        (self.restored / "restore.partial" / "workspaces").mkdir(parents=True)
        refused = run_varro("serve", "--listen", "127.0.0.1:0", "--data", str(self.restored))
        self.refused(refused, "cut off", "restore.partial")
        self.assertFalse((self.restored / "varro.db").exists())
        self.assertEqual(restore(self.backups, self.restored).returncode, 0)
        server = Varro(self.restored)
        try:
            reply = Client(server).get(f"/chat/{self.chat}/files/upload.txt")
            self.assertEqual((reply.status, reply.body), (200, b"uploaded"))
        finally:
            server.stop()

    def test_backups_do_not_go_into_the_data_directory_nor_two_into_one_directory_at_once(self):
        self.refused(run_varro("backup", str(self.data / "backups"), "--data", str(self.data)), "data directory")
        self.assertFalse((self.data / "backups").exists())
        (self.root / "file").write_text("")
        self.refused(run_varro("backup", str(self.root / "file"), "--data", str(self.data)), "is a file")
        self.refused(run_varro("backup", str(self.backups), "--data", str(self.root / "nothing")), "no database")
        backup(self.data, self.backups)
        with open(self.backups / "backup.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            self.refused(run_varro("backup", str(self.backups), "--data", str(self.data)), "in use")
            self.assertEqual(check(self.backups).returncode, 0)  # readers share it
        self.assertEqual(len(whole(self.backups)), 1)

    def test_keep_removes_the_oldest_whole_ones_and_partial_ones_and_nothing_else(self):
        made = [backup(self.data, self.backups) for _ in range(3)]
        (self.backups / "000001-by-hand").mkdir()
        (self.backups / "000009-2026-01-01T00-00-00Z.partial" / "files").mkdir(parents=True)
        made.append(backup(self.data, self.backups, "--keep", "2"))
        self.assertEqual(set(os.listdir(self.backups)),
                         {"backup.lock", "000001-by-hand", made[2].name, made[3].name})
        self.assertTrue(made[3].name.startswith("000010-"))
        made.append(backup(self.data, self.backups, "--keep", "1"))
        self.assertEqual(set(os.listdir(self.backups)), {"backup.lock", "000001-by-hand", made[4].name})
        self.assertEqual(restore(self.backups, self.restored).returncode, 0)

    def test_all_that_a_backup_makes_is_for_its_owner_only(self):
        (self.workspace / "open").write_text("open")
        (self.workspace / "open").chmod(0o666)
        backup(self.data, self.backups)
        for path in (self.backups, *self.backups.rglob("*")):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)


if __name__ == "__main__":
    unittest.main()
