"""Files, secrets and rights of the host."""

from attacks import Attack

WITHIN_SIGHT = r'''
# The two halves are never put together here, so whoever finds them together found the secret itself.
first, second_backwards = b"@FIRST@", b"@SECOND_BACKWARDS@"
def holds(data, first=first, second_backwards=second_backwards):
    at = data.find(first)
    while at >= 0:
        rest = data[at + len(first):at + len(first) + len(second_backwards)]
        if len(rest) == len(second_backwards) and all(a == b for a, b in zip(rest, reversed(second_backwards))):
            return True
        at = data.find(first, at + 1)
    return False
'''

WALK = WITHIN_SIGHT + r'''
def search():
    looked, found = 0, []
    for root in [f"/{name}" for name in os.listdir("/") if name not in ("usr", "proc")]:
        if os.path.islink(root):
            continue
        for directory, _, names in os.walk(root):
            for name in names:
                path = os.path.join(directory, name)
                try:
                    if stat.S_ISREG(os.stat(path, follow_symlinks=False).st_mode):
                        looked += 1
                        if holds(content(path, 1 << 22)):
                            found.append(path)
                except OSError:
                    pass
    return looked, found
'''

SCAN = WITHIN_SIGHT + r'''
def scan(first=first, second_backwards=second_backwards):
    scanned, found = 0, 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in maps.read().splitlines():
            area, rights = line.split()[:2]
            if "r" not in rights or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            at, end = (int(number, 16) for number in area.split("-"))
            while at < end:
                try:
                    memory.seek(at)
                    data = memory.read(min(end - at, 1 << 20))
                except OSError:
                    break
                if not data:
                    break
                scanned += len(data)
                found += holds(data, first, second_backwards)
                at += max(len(data) - 64, 1) if len(data) == 1 << 20 else len(data)
    return scanned, found
'''

OWN_FILE = r'''
import pwd
with open("own.txt", "w") as file:
    file.write("mine")
print("own file:", open("/workspace/own.txt").read(), "- user:", pwd.getpwuid(os.getuid()).pw_name)
print("system:", len(os.listdir("/usr/share")) > 5)
'''

ATTACKS = [
    Attack("reads files of the host", r'''
for path in ("/etc/shadow", "/etc/gshadow", "/etc/ssl/private", "/root/.ssh", "@DATA@/varro.db", "@DATA@/varro.db-wal",
             "@DATA@/host-key.txt", "@HOST@/host.txt", "@DATA@/workspaces/@OTHER@/secret.txt",
             "/workspace/../@OTHER@/secret.txt", "/workspace/../../varro.db", "/workspaces/@OTHER@/secret.txt",
             "/proc/1/root@DATA@/varro.db", "/proc/1/root@HOST@/host.txt", "/proc/1/cwd/../@OTHER@/secret.txt",
             "/proc/self/root@DATA@/varro.db", "/proc/@PID@/environ", "/proc/@PID@/cwd/host-key.txt",
             "/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/proc/kcore",
             "/sys/kernel/security/lsm", "/sys/firmware/dmi/tables/DMI"):
    attempt(f"read {path}", lambda: os.listdir(path) if os.path.isdir(path) else content(path))
''', told=(r"read /etc/shadow: .*(No such file|Permission denied)", r"read @DATA@/varro.db: .*No such file",
           r"read @DATA@/workspaces/@OTHER@/secret.txt: .*No such file"),
           twin=OWN_FILE, twin_says=("own file: mine - user: user", "system: True")),

    Attack("reads tables of the kernel", r'''
for path in ("/proc/kallsyms", "/proc/keys", "/proc/modules", "/proc/interrupts", "/proc/cmdline", "/proc/sys/kernel/hostname",
             "/proc/net/tcp", "/proc/timer_list", "/proc/vmallocinfo"):
    attempt(f"read {path}", lambda: content(path))
''', told=(r"read /proc/kallsyms: .*No such file", r"read /proc/cmdline: .*No such file"),
           twin="print('own process:', 'Pid:' in content('/proc/self/status').decode())", twin_says=("own process: True",)),

    Attack("searches every file in sight for a secret", WALK + r'''
looked, found = search()
print(f"looked into {looked} files:", "ESCAPED" if found else "not there", found)
''', told=(r"looked into \d+ files: not there",), twin=WALK + r'''
with open("mine.bin", "wb") as file:
    file.write(b"before" + first)
    file.write(bytes(reversed(second_backwards)))
print("found", search()[1])
os.remove("mine.bin")
''', twin_says=("found ['/workspace/mine.bin']",)),

    Attack("looks into other processes by proc", WITHIN_SIGHT + r'''
own, looked = os.getpid(), 0
for pid in sorted({int(name) for name in os.listdir("/proc") if name.isdigit()} | set(range(1, 40)) | {@PID@}):
    try:
        if pid == own or f"Tgid:\t{own}\n" in content(f"/proc/{pid}/status").decode():
            continue  # itself and its threads
        if f"PPid:\t{own}\n" in content(f"/proc/{pid}/status").decode():
            continue  # its own children: the copies of itself that write snapshots
    except OSError:
        continue
    looked += 1
    for name in ("environ", "cmdline", "maps", "auxv", "stack", "syscall"):
        try:
            if holds(content(f"/proc/{pid}/{name}")):
                print(f"ESCAPED: the secret is in {pid}'s {name}")
        except OSError:
            pass
    attempt(f"memory of {pid}", lambda: open(f"/proc/{pid}/mem", "r+b"))
    attempt(f"descriptors of {pid}", lambda: os.listdir(f"/proc/{pid}/fd"))
    attempt(f"root of {pid}", lambda: os.listdir(f"/proc/{pid}/root/"))
print(f"looked at {looked} processes; mine is {own}")
''', told=(r"looked at [0-5] processes",), twin=r'''
child = subprocess.Popen(["sleep", "30"])
while b"sleep" not in content(f"/proc/{child.pid}/cmdline"):
    pass
line = content(f"/proc/{child.pid}/cmdline").replace(b"\0", b" ").decode()
print("own child:", line, "| own status:", "Pid:" in content("/proc/self/status").decode())
child.kill(), child.wait()
''', twin_says=("own child: sleep 30", "own status: True")),

    Attack("searches its own memory for secrets of the server and of other chats", SCAN + r'''
scanned, found = scan()
print(f"scanned {scanned >> 20} MiB:", "ESCAPED" if found else "not there")
''', told=(r"scanned [1-9]\d* MiB: not there",), twin=SCAN + r'''
import secrets
mine = bytearray(secrets.token_hex(32).encode())
print("found itself:", scan(bytes(mine[:20]), bytes(reversed(mine[20:40])))[1] > 0)
''', twin_says=("found itself: True",)),

    Attack("looks for secrets in its environment", WITHIN_SIGHT + r'''
whole = content("/proc/self/environ") + "\n".join(f"{k}={v}" for k, v in os.environ.items()).encode()
names = sorted(os.environ)
print("ESCAPED" if holds(whole) or any("KEY" in name or "ANTHROPIC" in name for name in names) else "only:", names)
''', told=(r"only: .*PATH",), twin=r'''
os.environ["MINE"] = "set here"
print(subprocess.run(["sh", "-c", "echo child sees $MINE"], capture_output=True, text=True).stdout)
''', twin_says=("child sees set here",)),

    Attack("writes outside of its workspace", r'''
for path in ("/x", "/usr/x", "/usr/bin/python3", "/usr/lib/python3/dist-packages/x.pth", "/etc/x", "/etc/passwd",
             "/varro/worker.zip", "/dev/x", "/sys/x", "/var/x", "/run/x", "/proc/sys/kernel/core_pattern",
             "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger", "@DATA@/x", "@HOST@/x",
             "/workspace/../x", "/proc/1/root/x"):
    attempt(f"write {path}", lambda: open(path, "r+b" if os.path.exists(path) else "wb"))
attempt("chmod /usr", lambda: os.chmod("/usr", 0o777))
attempt("rename /workspace", lambda: os.rename("/workspace", "/elsewhere"))
attempt("lower its own oom score", lambda: open("/proc/self/oom_score_adj", "wb", buffering=0).write(b"-1000"))
''', told=(r"write /usr/x: .*Read-only file system", r"write /x: .*(Read-only|Permission denied)"), twin=r'''
import tempfile
for path in ("/workspace/sub/data.bin", "/tmp/data.bin", tempfile.mkdtemp() + "/data.bin"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"x" * (10 << 20))
    print("wrote", os.path.getsize(path))
    os.remove(path)
''', twin_says=("wrote 10485760",) * 3),

    Attack("uses descriptors that it was born with", WITHIN_SIGHT + r'''
kinds = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFSOCK: "socket", stat.S_IFIFO: "pipe",
         stat.S_IFCHR: "device", 0: "other"}
found = {}
for number in sorted(int(name) for name in os.listdir("/proc/self/fd")):
    try:
        status = os.fstat(number)
    except OSError:
        continue
    kind = kinds[stat.S_IFMT(status.st_mode)]
    found[kind] = found.get(kind, 0) + 1
    if kind == "directory":
        print("ESCAPED by", os.readlink(f"/proc/self/fd/{number}"), os.listdir(number)[:5])
    if kind == "file":
        print("a file:", os.readlink(f"/proc/self/fd/{number}"))
        if holds(os.pread(number, 1 << 20, 0)):
            print("ESCAPED: the secret is in it")
print("descriptors:", found)
''', told=(r"descriptors: .*'socket': 1\b",), twin=r'''
directory = os.open(".", os.O_RDONLY)
print("own directory:", len(os.listdir(directory)) >= 0); os.close(directory)
''', twin_says=("own directory: True",)),

    Attack("makes and opens devices", r'''
for kind, name in ((stat.S_IFBLK, "block"), (stat.S_IFCHR, "character")):
    for directory in ("/workspace", "/tmp"):
        attempt(f"{name} device in {directory}", lambda: os.mknod(f"{directory}/{name}", kind | 0o666, os.makedev(1, 1)))
harmless = {"null", "zero", "full", "random", "urandom", "tty", "fd", "stdin", "stdout", "stderr", "shm", "pts", "ptmx",
            "console", "core"}
print("further devices:", sorted(set(os.listdir("/dev")) - harmless) or "none")
''', told=(r"block device in /workspace: .*(not permitted|denied)", r"further devices: none"), twin=r'''
open("/dev/null", "wb").write(b"x")
print("devices:", len(content("/dev/urandom", 16)), content("/dev/zero", 4))
''', twin_says=(r"devices: 16 b'\x00\x00\x00\x00'",)),

    Attack("gains rights", r'''
status = dict(line.split(":", 1) for line in content("/proc/self/status").decode().splitlines())
for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
    print(name, "none" if int(status[name], 16) == 0 else "ESCAPED " + status[name])
print("NoNewPrivs", status["NoNewPrivs"].strip(), "Seccomp", status["Seccomp"].strip())
attempt("setuid", lambda: os.setuid(0))
attempt("setgroups", lambda: os.setgroups([0]))
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
denied("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)))
for program in ("su -c id", "sudo -n id", "mount", "newgrp"):
    done = subprocess.run(program.split(), capture_output=True, text=True, stdin=subprocess.DEVNULL) \
        if subprocess.run(["which", program.split()[0]], capture_output=True).returncode == 0 else None
    print(program, "->", "not there" if done is None else "ESCAPED" if "uid=0" in done.stdout else "no root")
''', told=(r"CapEff none", r"NoNewPrivs 1 Seccomp 2", r"setuid: .*(not permitted|Invalid argument)"),
           twin='print("program:", subprocess.run(["id", "-u"], capture_output=True, text=True).stdout)',
           twin_says=("program: 1000",)),
]
