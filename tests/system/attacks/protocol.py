"""The descriptor through which a shell answers the server: user code can reach it."""

from attacks import Attack

SOCKETS = r'''
import json, struct
def sockets():
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.append(int(name))
        except OSError:
            pass
    return found
def send(data):
    for number in sockets():
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(number, view):]
        except OSError as error:
            print(error)
def frame(value):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack(">I", len(body)) + body
def wait():
    while True:
        time.sleep(1)
'''
HONEST = "kept = 1\nprint('descriptors', len(os.listdir('/proc/self/fd')) < 40)"
HONEST_SAYS = ("descriptors True",)
BROKEN = (r"(?i)(python process|shell).*(killed|ended|lost|protocol|connection)", r"variables are gone")

NEVER = ("ESCAPED", "did not end within")  # it is found out, not waited for


def broken(name, code):
    return Attack(name, SOCKETS + code + "\nwait()\n", told=BROKEN, never=NEVER, twin=HONEST, twin_says=HONEST_SAYS)


ATTACKS = [
    broken("closes every descriptor", "os.closerange(0, 4096)"),
    broken("closes the descriptor of the protocol", "[os.close(number) for number in sockets()]"),
    broken("shuts down the descriptor of the protocol",
           "[socket.socket(fileno=os.dup(number)).shutdown(socket.SHUT_WR) for number in sockets()]"),
    broken("writes garbage into the protocol", "send(os.urandom(1 << 20))"),
    broken("writes zeros into the protocol", "send(bytes(1 << 16))"),
    broken("announces a frame of 4 GB", "send(b'\\xff\\xff\\xff\\xff' + b'x' * (1 << 20))"),
    broken("sends a frame that is not JSON", "send(frame(b'{\"op\": \"done\",' + b'\\xff' * 100))"),
    broken("sends a frame that is nested deeply", "send(frame(b'[' * 1_000_000))"),
    broken("sends a frame that is nested deeply and closed", "send(frame(b'[' * 500_000 + b']' * 500_000))"),
    broken("sends an unknown operation", "send(frame({'op': 'shutdown', 'id': 1}))"),
    broken("says again that it is ready", "send(frame({'op': 'ready', 'python': '3.11', 'pid': 1}))"),
    broken("answers a cell that nobody asked for",
           "send(frame({'op': 'done', 'id': 2**63, 'status': 'ok', 'duration_us': 1}))"),
    broken("answers with numbers that are none",
           "send(frame(b'{\"op\": \"done\", \"id\": 1e400, \"status\": \"ok\", \"duration_us\": -1}'))"),
    broken("sends outputs of another cell",
           "send(frame({'op': 'output', 'id': 99, 'output': {'type': 'value', 'text': 'x'}}))"),
    broken("sends outputs beyond every limit", r'''
cell = 1
for _ in range(200):
    for cell in range(1, 9):
        send(frame({"op": "output", "id": cell, "output": {"type": "value", "text": "y" * (1 << 20)}}))
'''),
    broken("sends an image of no kind and a table that lies", r'''
for cell in range(1, 9):
    send(frame({"op": "output", "id": cell, "output": {"type": "image", "media_type": "text/html", "data": "PHA+"}}))
    send(frame({"op": "output", "id": cell, "output": {"type": "table", "columns": ["a"], "dtypes": [], "rows": [[[]]],
                                                       "rows_total": -1, "columns_total": 2**70}}))
'''),
    broken("answers for snapshots that nobody asked for",
           "send(frame({'op': 'snapshot', 'id': 1, 'status': 'ok', 'footer': -1, 'bytes': 2**63, 'saved': [[]], 'lost': 5}))"),

    Attack("sends descriptors until the server has none left", SOCKETS + r'''
many = [os.open("/dev/null", os.O_RDONLY) for _ in range(100)]
print("sending", flush=True)
for number in sockets():
    with socket.socket(fileno=os.dup(number)) as channel:
        sent = 0
        while sent < 100:
            try:
                socket.send_fds(channel, [frame({"op": "nothing"})], many)
                sent += 1
            except OSError:  # too many on their way: once more
                time.sleep(0.001)
wait()
''', told=BROKEN, never=NEVER, twin=SOCKETS + r'''
a, b = socket.socketpair(socket.AF_UNIX)
with a, b:
    socket.send_fds(a, [b"x"], [1])
    print("own descriptors", len(socket.recv_fds(b, 1, 4)[1]))
''', twin_says=("own descriptors 1",)),

    Attack("ends its own cell before it ends", SOCKETS + r'''
cell = sys.stdout.outputs.cell
print("mine:", cell, flush=True)
send(frame({"op": "done", "id": cell, "status": "ok", "duration_us": 1}))
''', told=(r"mine: \d+",), ends_late=True,
           twin=HONEST, twin_says=HONEST_SAYS),

    Attack("begins a frame and never ends it", SOCKETS + r'''
send(struct.pack(">I", 1000) + b"{")
open("running", "w").close()
wait()
''', told=(r"(?i)stopped|killed|protocol",), stop_at="running", twin=HONEST, twin_says=HONEST_SAYS),

    Attack("closes its standard streams", r'''
for number in (0, 1, 2):
    os.close(number)
sys.stdout = sys.stderr = None
value = 6 * 7
''', told=(), twin="print('out'); print('err', file=sys.stderr)", twin_says=("out", "err")),

    Attack("replaces the parts of its shell", r'''
import gc
own = sys.stdout.outputs
for thing in [own, own.frames, own.guard, sys.stdout, get_ipython(), *gc.get_objects()]:
    if thing is get_ipython() or type(thing).__module__.startswith("varro_worker") and hasattr(thing, "__dict__"):
        for name in list(vars(thing)):
            try:
                setattr(thing, name, None)
            except Exception:
                pass
print("still speaks")
''', told=BROKEN, twin="get_ipython().events.register('post_run_cell', lambda *_: None)\nprint('hook')", twin_says=("hook",)),
]
