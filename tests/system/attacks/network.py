"""The network and the sockets of the host."""

from attacks import Attack

HONEST = r'''
import asyncio, tempfile
def talk(server, client):
    threading.Thread(target=lambda: server.accept()[0].sendall(b"hello")).start()
    return client.recv(16).decode()
for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, "/tmp/own.sock"), (socket.AF_UNIX, "\0own")):
    with socket.socket(family) as server, socket.socket(family) as client:
        server.bind(address), server.listen(1), client.connect(server.getsockname())
        print("between own sockets:", talk(server, client))
a, b = socket.socketpair()
a.sendall(b"pair"); print("socketpair:", b.recv(16))
async def later():
    await asyncio.sleep(0)
    return "loop runs"
print(await later())
'''

ATTACKS = [
    Attack("connects to the network", r'''
for host, port in (("127.0.0.1", @PORT@), ("127.0.0.1", @TRAP_PORT@), ("10.0.0.1", 80), ("169.254.169.254", 80),
                   ("8.8.8.8", 53), ("1.1.1.1", 443)):
    attempt(f"connect {host}", lambda: socket.create_connection((host, port), 3))
attempt("connect ::1", lambda: socket.create_connection(("::1", @TRAP_PORT@), 3))
def datagram(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(address)
        return udp.send(b"hello")
attempt("datagram 8.8.8.8", lambda: datagram(("8.8.8.8", 53)))
attempt("broadcast", lambda: datagram(("255.255.255.255", 9)))
''', told=(r"connect 127.0.0.1: .*(refused|unreachable)", r"connect 8.8.8.8: .*unreachable",
           r"datagram 8.8.8.8: .*unreachable"),
           twin=HONEST, twin_says=("between own sockets: hello",) * 3 + ("socketpair: b'pair'", "loop runs")),

    Attack("asks for names and addresses", r'''
for name in ("example.com", "metadata.google.internal", "_gateway"):
    attempt(f"look up {name}", lambda: socket.getaddrinfo(name, 80))
interfaces = content("/proc/net/dev").decode().splitlines()[2:] if os.path.exists("/proc/net/dev") else []
print("interfaces:", [line.split(":")[0].strip() for line in interfaces if not line.strip().startswith("lo:")] or "no other")
''', told=(r"look up example.com: .*(failure|not known|Temporary)", r"interfaces: no other"),
           twin='print("itself:", socket.gethostbyname("localhost"))', twin_says=("itself: 127.0.0.1",)),

    Attack("connects to sockets of the host", r'''
for path in ("@HOST@/trap.sock", "@DATA@/shells.sock", "/run/dbus/system_bus_socket", "/run/docker.sock",
             "/var/run/docker.sock", "/proc/1/root@HOST@/trap.sock", "\0@ABSTRACT@", "\0/tmp/.X11-unix/X0"):
    with socket.socket(socket.AF_UNIX) as client:
        attempt(f"connect {path!r}", lambda: client.connect(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        attempt(f"connect packets {path!r}", lambda: client.connect(path))
''', told=(r"trap.sock': .*No such file", r"x00@ABSTRACT@': .*(refused|not permitted)"),
           twin=HONEST, twin_says=("between own sockets: hello",) * 3),

    Attack("opens sockets of other kinds", r'''
for name, family, kind, protocol in (("vsock", 40, 1, 0), ("netlink", 16, 3, 0), ("packet", 17, 3, 768), ("raw", 2, 3, 1),
        ("raw 6", 10, 3, 58), ("bluetooth", 31, 3, 0), ("kernel crypto", 38, 5, 0), ("can", 29, 3, 1), ("kcm", 41, 5, 0),
        ("tipc", 30, 1, 0), ("xdp", 44, 3, 0), ("smc", 43, 1, 0), ("rds", 21, 5, 0), ("vsock by high bits", 40 | 1 << 32, 1, 0)):
    number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
    result, error = syscall(number, family, kind, protocol)
    print(f"{name}:", error or f"ESCAPED with {result}")
with socket.socket() as own:
    attempt("larger buffers", lambda: own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24))
''', told=(r"vsock: .*(not supported|not permitted)", r"raw: .*not permitted", r"packet: .*not"),
           twin='print(socket.socket(socket.AF_INET).family.name, socket.socket(socket.AF_INET6).family.name)',
           twin_says=("AF_INET AF_INET6",)),
]
