"""Values that pickle refuses or brings back as another one, and which object is which."""

NOTEBOOKS = {
    "match of a pattern": """
import re
found = re.search(r'(?P<year>\\d{4})-(\\d+)', 'on 2024-05 and 2025-06')
# %%
print(found['year'], found.span(2), found.string[found.end():])
# %%
print(found, found.re.groups, found.lastindex)
""",
    "matches found one by one": """
import re
words = list(re.finditer(r'\\b(\\w)(\\w*)', 'one two three'))
longest = max(words, key=lambda m: len(m[0]))
# %%
print([m.start() for m in words], longest.group(1, 2))
# %%
print(longest is words[2], longest.pos, longest.endpos)
""",
    "function made to work on arrays": """
import numpy as np
seen = []
def half(v, by=2):
    seen.append(int(v))
    return v / by
every = np.vectorize(half)
pair = np.frompyfunc(lambda a, b: (a, b), 2, 1)
# %%
print(every([2, 4]), every([9], 3))
# %%
print(seen, pair([1, 2], 'x').tolist(), pair.nin)
""",
    "vectorised by a decorator": """
import numpy as np
@np.vectorize
def sign(v):
    return 'up' if v > 0 else 'down'
# %%
print(sign([1, -1]).tolist())
# %%
print(sign([-3]), sign.pyfunc.__name__)
""",
    "builtin function kept and replaced": """
import builtins
plain_round = builtins.round
builtins.round = lambda number: -1
# %%
print(round(1.6), plain_round(1.6))
# %%
builtins.round = plain_round
# %%
print(round(2.2), plain_round is round)
""",
    "attributes its reduce forgets": """
class Point:
    count = 0
    def __init__(self, x):
        self.x = x
        Point.count += 1
    def __reduce__(self):
        return Point, (self.x,)
p = Point(1)
p.label = 'kept'
# %%
p.x += 1
# %%
print(p.x, p.label, Point.count)
""",
    "attributes its state forgets": """
class Model:
    def __init__(self):
        self.weights, self.cache = [1], {'a': 1}
    def __getstate__(self):
        return {'weights': self.weights}
    def __setstate__(self, state):
        self.__dict__.update(state, cache={})
m = Model()
# %%
m.cache['b'] = 2
# %%
print(m.cache, m.weights)
""",
    "objects that refuse to be pickled": """
class Secret:
    def __init__(self, word):
        self.word = word
    def __reduce_ex__(self, protocol):
        raise RuntimeError('not me')
vault = [Secret('a'), Secret('b')]
# %%
vault[0].word += '!'
# %%
print([s.word for s in vault])
""",
    "state forgets what cannot travel": """
import threading
class Counter:
    def __init__(self):
        self.n, self.lock = 0, threading.Lock()
    def __getstate__(self):
        return {'n': self.n}
    def __setstate__(self, state):
        self.n, self.lock = state['n'], threading.Lock()
c = Counter()
# %%
with c.lock:
    c.n += 1
# %%
print(c.n)
""",
    "one instance of its class": """
class Settings:
    only = None
    made = 0
    def __new__(cls):
        if cls.only is None:
            cls.only = super().__new__(cls)
            cls.made += 1
        return cls.only
settings = Settings()
settings.level = 3
# %%
print(Settings() is settings, Settings.made)
# %%
Settings().level = 4
print(settings.level, Settings.made)
""",
    "instances made by a counting new": """
class Node:
    born = []
    def __new__(cls, name):
        self = super().__new__(cls)
        cls.born.append(name)
        return self
    def __init__(self, name):
        self.name = name
a, b = Node('a'), Node('b')
# %%
a.next = b
# %%
print(Node.born, a.next is b, a.next.name)
""",
    "frozen with slots": """
from dataclasses import dataclass
@dataclass(frozen=True, slots=True)
class Key:
    name: str
    size: int = 1
keys = {Key('a'): 1, Key('b', 2): 2}
first = next(iter(keys))
# %%
print(keys[Key('b', 2)], first in keys)
# %%
print(any(k is first for k in keys), first)
""",
    "traceback printed later": """
import traceback
def outer(d):
    return inner(d['rows'])
def inner(rows):
    return rows[0] + rows[9]
try:
    outer({'rows': [1]})
except IndexError as error:
    kept = error
# %%
print(''.join(traceback.format_exception(kept)))
# %%
frames = traceback.extract_tb(kept.__traceback__)
print([(f.name, f.lineno, f.line) for f in frames])
""",
    "traceback through a library": """
import json, sys, traceback
try:
    json.loads('{nonsense')
except ValueError:
    kind, value, trace = sys.exc_info()
# %%
print([f.name for f in traceback.extract_tb(trace)], value.pos)
# %%
print(trace.tb_frame.f_code.co_name, kind.__name__, value.__traceback__ is trace)
""",
    "error raised again from another": """
import traceback
class Broken(Exception):
    def __init__(self, what, code):
        super().__init__(what)
        self.code = code
try:
    try:
        1 / 0
    except ZeroDivisionError as low:
        raise Broken('no data', 7) from low
except Broken as high:
    problem = high
# %%
print(''.join(traceback.format_exception(problem)))
# %%
try:
    raise problem
except Broken as again:
    print(again is problem, again.code, type(again.__cause__).__name__)
    print(len(traceback.extract_tb(again.__traceback__)))
""",
    "sentinel as a default": """
MISSING = object()
def get(d, key, default=MISSING):
    if default is MISSING:
        return 'none'
    return d.get(key, default)
# %%
print(get({}, 'a'), get({}, 'a', 1))
# %%
print(get({}, 'a', MISSING), get.__defaults__[0] is MISSING)
""",
    "method taken off its object": """
class Tap:
    def __init__(self):
        self.n = 0
    def turn(self):
        self.n += 1
        return self.n
tap = Tap()
turn = tap.turn
# %%
turn()
# %%
print(tap.n, turn.__self__ is tap, turn == tap.turn)
""",
    "enum members": """
from enum import Enum, Flag, auto
class Colour(Enum):
    RED = 1
    BLUE = 2
    AZURE = 2
class Right(Flag):
    READ = auto()
    WRITE = auto()
mine = {Colour.RED: 'r', Colour.AZURE: 'b'}
both = Right.READ | Right.WRITE
# %%
print(mine[Colour.BLUE], Colour.RED is next(iter(mine)), both)
# %%
print(Colour(2) is Colour.BLUE, Right.READ in both, [c.name for c in mine])
""",
    "archive of arrays kept open": """
import numpy as np
np.savez('two.npz', a=np.arange(3), b=np.ones(2))
both = np.load('two.npz')
# %%
a = both['a']
a[0] = 9
print(a, sorted(both.files), both['a'])
# %%
both.close()
# %%
print(a.sum())
""",
    "table read in parts": """
import io
import pandas as pd
parts = pd.read_csv(io.StringIO('n\\n1\\n2\\n3\\n'), chunksize=2)
head = next(parts)
# %%
head['n'] += 10
rest = parts.get_chunk()
# %%
print(head['n'].tolist(), rest['n'].tolist())
""",
    "pair of sockets": """
import socket
here, there = socket.socketpair()
# %%
here.sendall(b'ping')
# %%
text = there.recv(9)
here.close()
there.close()
# %%
print(text)
""",
    "error whose reduce forgets": """
class Rejected(Exception):
    def __init__(self, row, *, why):
        super().__init__(row)
        self.why = why
    def __reduce__(self):
        return Rejected, (self.args[0],)
try:
    raise Rejected(3, why=['empty'])
except Rejected as error:
    kept = error
# %%
kept.why.append('late')
# %%
print(kept, kept.why, kept.__traceback__.tb_lineno)
""",
}
