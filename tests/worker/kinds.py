"""Kinds of variables, and what becomes of each in a snapshot.

EQUAL: (what, code, check) · SHARED: the same, where the check is about identity or memory in common · REFUSED: (what,
code, {name: a part of the reason}). Checks are evaluated in a process that has not seen the code.
"""

EQUAL = [
    ("numbers", "a, b, c, d = 7, 2**200, 0.1, 1+2j", "(a, b, c, d) == (7, 2**200, 0.1, 1+2j)"),
    ("text and bytes", "a, b, c = 'héllo\\ud800', b'\\0\\xff', bytearray(b'x')",
     "(a, b, c) == ('héllo\\ud800', b'\\0\\xff', bytearray(b'x'))"),
    ("None, bool and Ellipsis", "a, b, c = None, True, ...", "a is None and b is True and c is ..."),
    ("lists, tuples, dicts and sets", "a = [1, (2, {3: {4, 5}}), frozenset([6])]",
     "a == [1, (2, {3: {4, 5}}), frozenset([6])]"),
    ("a large bytes object", "a = bytes(300_000)", "a == bytes(300_000)"),
    ("range and slice", "a, b = range(2, 9, 3), slice(1, None, 2)", "(a, b) == (range(2, 9, 3), slice(1, None, 2))"),
    ("deque, Counter, OrderedDict", "from collections import *\na, b, c = deque([1], 5), Counter('aab'), OrderedDict(x=1)",
     "a.maxlen == 5 and b['a'] == 2 and list(c) == ['x']"),
    ("a defaultdict of a lambda", "from collections import defaultdict\na = defaultdict(lambda: 9)", "a['new'] == 9"),
    ("dates and zones", "import datetime, zoneinfo\na = datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc)",
     "a.isoformat() == '2024-05-06T00:00:00+00:00'"),
    ("Decimal, Fraction, UUID",
     "import decimal, fractions, uuid\na, b, c = decimal.Decimal('1.10'), fractions.Fraction(1, 3), uuid.UUID(int=5)",
     "str(a) == '1.10' and b * 3 == 1 and c.int == 5"),
    ("a path", "import pathlib\na = pathlib.Path('/tmp/x')", "str(a) == '/tmp/x'"),
    ("a compiled pattern", "import re\na = re.compile('x+', re.I)", "a.match('XX')"),
    ("a module by its name", "import json as j", "j.loads('[1]') == [1]"),
    ("a function that uses a variable", "n = 2\ndef f(x, *, k=3): return x * n + k", "f(1) == 5"),
    ("a function that sees later changes of the variable", "n = 2\ndef f(): return n",
     "(globals().update(n=8), f())[1] == 8"),
    ("a recursive function", "def f(n): return 1 if n < 2 else n * f(n - 1)", "f(5) == 120"),
    ("a lambda with a default", "f = lambda x=[4]: x", "f() == [4]"),
    ("annotations, attributes and doc string", "def f(x: int) -> str: 'words'\nf.mark = 1",
     "f.__doc__ == 'words' and f.mark == 1 and f.__annotations__ == {'x': int, 'return': str}"),
    ("the source of a function", "def f():\n    return 'here'\n", "'here' in __import__('inspect').getsource(f)"),
    ("a generator function", "def f():\n    yield 1", "list(f()) == [1]"),
    ("a coroutine function", "async def f(): return 1", "__import__('asyncio').run(f()) == 1"),
    ("a decorated function",
     "import functools\ndef twice(f):\n    @functools.wraps(f)\n    def g(x): return 2 * f(x)\n    return g\n"
     "@twice\ndef h(x): return x + 1", "h(1) == 4 and h.__name__ == 'h'"),
    ("partial and itemgetter", "import functools, operator\na = functools.partial(pow, 2)\nb = operator.itemgetter(1)",
     "a(3) == 8 and b('xy') == 'y'"),
    ("an lru_cache, emptied", "import functools\n@functools.lru_cache(maxsize=7)\ndef f(x): return x + 1\nf(1)",
     "f(2) == 3 and f.cache_info().currsize == 1 and f.cache_info().maxsize == 7"),
    ("a closure that calls itself",
     "def make():\n    def f(n): return 1 if n < 2 else n * f(n - 1)\n    return f\nf = make()", "f(5) == 120"),
    ("an instance of a class", "class A:\n    def __init__(s): s.x = 1\n    def get(s): return s.x\na = A()",
     "a.get() == 1 and type(a) is A"),
    ("inheritance and super()", "class A:\n    def f(s): return 1\nclass B(A):\n    def f(s): return super().f() + 1\n",
     "B().f() == 2 and issubclass(B, A)"),
    ("slots, properties, class and static methods",
     "class A:\n    __slots__ = ('x',)\n    @property\n    def p(s): return s.x\n    @classmethod\n    def c(k): return k\n"
     "    @staticmethod\n    def s(): return 1\na = A()\na.x = 4",
     "a.p == 4 and A.c() is A and A.s() == 1 and not hasattr(a, '__dict__')"),
    ("an abstract class", "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def f(s): ...\nclass B(A):\n"
     "    def f(s): return 3\nb = B()", "b.f() == 3 and A.__abstractmethods__ == frozenset({'f'})"),
    ("a metaclass", "class M(type):\n    def hi(c): return c.__name__\nclass A(metaclass=M): pass", "A.hi() == 'A'"),
    ("a dataclass", "import dataclasses\n@dataclasses.dataclass\nclass P:\n    x: int\n    y: list = "
     "dataclasses.field(default_factory=list)\np = P(1)",
     "p == P(1) and P(2).y == [] and [f.name for f in __import__('dataclasses').fields(P)] == ['x', 'y']"),
    ("a frozen dataclass, replaced", "import dataclasses\n@dataclasses.dataclass(frozen=True, order=True)\nclass P:\n"
     "    x: int = 1\np = P()", "__import__('dataclasses').replace(p, x=3) > p and hash(p) == hash(P())"),
    ("an Enum and its members", "import enum\nclass C(enum.Enum):\n    RED = 1\n    BLUE = 2\nc = C.BLUE",
     "c is C.BLUE and C(1) is C.RED"),
    ("a Flag", "import enum\nclass F(enum.Flag):\n    A = enum.auto()\n    B = enum.auto()\nf = F.A | F.B",
     "f & F.A == F.A and f == F.A | F.B"),
    ("a namedtuple", "import collections\nP = collections.namedtuple('P', 'x y')\np = P(1, 2)",
     "p.y == 2 and type(p) is P"),
    ("typing: NewType, TypedDict, generic", "import typing\nU = typing.NewType('U', int)\nclass T(typing.TypedDict):\n"
     "    x: int\nG = typing.Optional[typing.List[int]]\nu = U(3)",
     "U(4) == 4 and T(x=1) == {'x': 1} and G == __import__('typing').Optional[__import__('typing').List[int]]"),
    ("an exception", "class E(ValueError): pass\ne = E('words')", "type(e) is E and e.args == ('words',)"),
    ("iterators where they stood", "a = iter([1, 2, 3])\nnext(a)\nimport itertools\nb = itertools.count(5)",
     "list(a) == [2, 3] and next(b) == 5"),
    ("text and bytes in memory", "import io\na, b = io.StringIO('abc'), io.BytesIO(b'xy')\na.read(1)",
     "a.read() == 'bc' and b.getvalue() == b'xy'"),
    ("random generators where they stood",
     "import random, numpy\nr, g = random.Random(5), numpy.random.default_rng(5)\nr.random(); g.random()\n"
     "import copy\nwant = copy.deepcopy(r).random(), copy.deepcopy(g).random()",
     "(r.random(), g.random()) == want"),
    ("a file that was being read", "a = open(TEXT_FILE)\na.readline()", "a.readline() == 'second\\n'"),
    ("arrays of every sort",
     "import numpy as np\na, b, c, d, e = np.arange(6).reshape(2, 3), np.array(['x', None], object), "
     "np.array([(1, 'a')], 'i4,U1'), np.asfortranarray(np.ones((300, 400))), np.array(5)",
     "a[1, 2] == 5 and b[1] is None and c[0][1] == 'a' and d.flags.f_contiguous and e == 5 and a.flags.writeable"),
    ("a read-only and a large array", "import numpy as np\na = np.arange(9)\na.flags.writeable = False\n"
     "b = np.arange(1_000_000)", "not a.flags.writeable and b.flags.writeable and b[-1] == 999_999"),
    ("a masked array, a matrix, a datetime64", "import numpy as np\na, b, c = np.ma.array([1, 2], mask=[0, 1]), "
     "np.matrix([[1]]), np.datetime64('2024-01-02')", "a.mask[1] and b.shape == (1, 1) and str(c) == '2024-01-02'"),
    ("a DataFrame", "import pandas as pd\nd = pd.DataFrame({'a': [1, 2], 'b': ['x', None], "
     "'c': pd.Categorical(['u', 'v']), 'd': pd.date_range('2024', periods=2)}).set_index('a')",
     "d.loc[2, 'c'] == 'v' and str(d.dtypes['d']).startswith('datetime64[') and d.index.name == 'a'"),
    ("a grouped and a rolling table", "import pandas as pd\ng = pd.DataFrame({'a': [1, 1, 2]}).groupby('a')",
     "g.size().tolist() == [2, 1]"),
    ("a figure", "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\nf, x = plt.subplots()\n"
     "x.plot([1, 2], [3, 9])\nplt.close('all')",
     "x.lines[0].get_ydata().tolist() == [3, 9] and x.figure is f"),
    ("something nested 2,000 deep", "a = []\nfor _ in range(2_000): a = [a]", "type(a) is list and len(a) == 1"),
    ("a memory view of bytes", "a = memoryview(b'xyz')", "type(a) is memoryview and a.tobytes() == b'xyz'"),
    ("names with an underscore", "_own = 3\n__own = 4", "_own + __own == 7"),
    ("the last result", "_ = [5]", "_ == [5]"),
]

SHARED = [
    ("two names for one list", "a = [1]\nb = a", "a is b"),
    ("a list inside another variable", "a = [1]\nb = {'x': (a,)}", "b['x'][0] is a"),
    ("three variables in a chain", "a = []\nb = [a]\nc = [b]\nd = [a]", "c[0] is b and b[0] is a and d[0] is a"),
    ("a list that holds itself", "a = []\na.append(a)", "a[0] is a"),
    ("two variables that hold each other", "a, b = {}, {}\na['b'], b['a'] = b, a", "a['b'] is b and b['a'] is a"),
    ("what only two lists have in common", "x = [0]\na, b = [x], [x]\ndel x", "a[0] is b[0]"),
    ("instances of one class", "class A: pass\na, b = A(), A()", "type(a) is type(b) is A"),
    ("a class that lists its instances", "class A:\n    all = []\n    def __init__(s): s.all.append(s)\na, b = A(), A()",
     "A.all == [a, b] and A.all[0] is a"),
    ("a bound method", "class A:\n    def f(s): return s\na = A()\nm = a.f", "m() is a"),
    ("a function in a table of functions", "def f(): return 1\ntable = {'f': f}", "table['f'] is f"),
    ("closures over one variable", "def make():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n"
     "    return up, lambda: n\nup, get = make()", "(up(), up(), get())[2] == 2"),
    ("a view of an array", "import numpy as np\na = np.arange(10)\nb = a[2:6]\nc = a[::-2]",
     "(a.__setitem__(3, 77), b[1] == 77, a.__setitem__(9, 5), c[0] == 5)[1::2] == (True, True)"),
    ("two views of an array that has no name", "import numpy as np\na = np.arange(10)\nb, c = a[:8], a[2:].reshape(2, 4)\n"
     "del a", "(b.__setitem__(2, 9), int(c[0, 0]))[1] == 9"),
    ("a table and one of its columns", "import pandas as pd\nd = pd.DataFrame({'a': [1.0, 2.0], 'b': [3.0, 4.0]})\n"
     "s = d['a']", "(s.__setitem__(0, 9.0), d.iloc[0, 0])[1] == 9.0"),
    ("a table inside a list", "import pandas as pd\nd = pd.DataFrame({'a': [1]})\nl = [d]", "l[0] is d"),
    ("a weak reference", "import weakref\nclass A: pass\na = A()\nw = weakref.ref(a)", "w() is a"),
    ("a weak reference to what is gone", "import weakref\nclass A: pass\nw = weakref.ref(A())", "w() is None"),
    ("a figure and its axes", "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\n"
     "f, x = plt.subplots(1, 2)\nplt.close('all')", "x[0].figure is f and x[1] is f.axes[1]"),
]

REFUSED = [
    ("a generator", "g = (i for i in [1])", {"g": "a generator cannot be saved"}),
    ("a list with a generator", "l = [1, (i for i in [1])]", {"l": "it holds a generator, which cannot be saved"}),
    ("a coroutine", "async def f(): pass\nc = f()\nc.close()", {"c": "a coroutine cannot be saved"}),
    ("a lock", "import threading\nl = threading.Lock()", {"l": "a lock cannot be saved"}),
    ("a thread", "import threading\nt = threading.Thread()", {"t": "a thread cannot be saved"}),
    ("a pool of threads", "import concurrent.futures as c\np = c.ThreadPoolExecutor()", {"p": "a pool of threads"}),
    ("a process", "import subprocess\np = subprocess.Popen(['true'])\np.wait()", {"p": "a process cannot be saved"}),
    ("a database connection", "import sqlite3\nc = sqlite3.connect(':memory:')", {"c": "a database connection"}),
    ("a database cursor", "import sqlite3\nc = sqlite3.connect(':memory:').cursor()", {"c": "a database cursor"}),
    ("a network connection", "import socket\ns = socket.socket()", {"s": "a network connection cannot be saved"}),
    ("a file that is written", "f = open('/dev/null', 'w')", {"f": "a file that is open for writing cannot be saved"}),
    ("an object with such a file", "class A: pass\na = A()\na.f = open('/dev/null', 'w')",
     {"a": "it holds a file that is open for writing, which cannot be saved"}),
    ("a closed file", "f = open('/dev/null')\nf.close()", {"f": "a closed file cannot be saved"}),
    ("a frame", "import sys\nf = sys._getframe()", {"f": "a running function's frame cannot be saved"}),
    ("an object that refuses", "class A:\n    def __reduce__(s): raise RuntimeError('no way')\na = A()",
     {"a": "saving it failed with RuntimeError: no way"}),
    ("an object that asks to exit", "class A:\n    def __reduce__(s): raise SystemExit(3)\na = A()",
     {"a": "saving it failed with SystemExit: 3"}),
    ("an object without end", "class A:\n    def __reduce__(s): return (list, ([A()],))\na = A()",
     {"a": "it is nested too deeply, or without end"}),
    ("an object whose errors have no text", "class E(Exception):\n    def __str__(s): raise E\nclass A:\n"
     "    def __reduce__(s): raise E\na = A()", {"a": "saving it failed with E"}),
    ("a class whose type is hostile", "class M(type):\n    def __hash__(c): raise RuntimeError('no')\nclass A(metaclass=M): pass\n"
     "a = A()", {"a": "saving it failed with RuntimeError", "A": "saving it failed with RuntimeError"}),
]
