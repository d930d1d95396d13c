"""Notebooks written to break the split: one or two for each way in which it was once broken."""

NOTEBOOKS = {
    # What a library's constructor holds on to
    "object array keeps its elements": """
import numpy as np
first, second = [1], [2]
pairs = np.empty(2, dtype=object)
pairs[:] = first, second
# %%
pairs[1].append(3)
# %%
print(first, second, pairs[1] is second)
""",
    "object column keeps its elements": """
import pandas as pd
boxes = [{'n': 1}, {'n': 2}]
s = pd.Series(boxes)
# %%
s[0]['n'] = 10
# %%
print(boxes)
""",
    "dictionary of an object's attributes": """
class Settings:
    rate = 1
s = Settings()
fields = s.__dict__
# %%
s.depth = 4
# %%
fields['width'] = 5
print(fields, s.width)
""",
    "array over somebody else's buffer": """
import numpy as np
raw = bytearray(4)
numbers = np.frombuffer(raw, dtype='u1')
# %%
numbers[2] = 200
# %%
print(raw)
""",
    "index shared by frames is renamed": """
import pandas as pd
left = pd.DataFrame({'a': [1, 2]})
right = pd.DataFrame({'b': [3, 4]}, index=left.index)
# %%
left.index.name = 'key'
# %%
print(right.index.name)
""",
    # Views survive more than one hop
    "views two steps further": """
import numpy as np
grid = np.arange(12).reshape(3, 4)
edge = grid[:, -1]
block = grid[1:, 1:3]
# %%
edge[:] = -1
# %%
block *= 100
# %%
grid[1, 1] = 7
print(grid.tolist(), edge, block.tolist(), np.shares_memory(grid, block))
""",
    "memory layout and flags": """
import numpy as np
every_third = np.arange(12)[::3]
frozen = np.zeros(2)
frozen.flags.writeable = False
wide = np.broadcast_to(np.array([1, 2]), (3, 2))
# %%
print(every_third.strides, frozen.flags.writeable, wide.flags.writeable, wide.strides)
""",
    "windows over an array": """
import numpy as np
series = np.arange(6)
windows = np.lib.stride_tricks.sliding_window_view(series, 2)
# %%
series[1] = 50
# %%
print(windows.tolist())
""",
    # What calls change
    "ufunc at and positional out": """
import numpy as np
hist = np.zeros(3)
low = np.array([-1.0, 4.0])
# %%
np.subtract.at(hist, [0, 0, 2], 1)
np.maximum(low, 0, low)
# %%
print(hist, low)
""",
    "in-place option in a dictionary": """
import pandas as pd
df = pd.DataFrame({'a': [2, 1]})
how = {'by': 'a', 'inplace': True}
# %%
df.sort_values(**how)
# %%
print(df['a'].tolist())
""",
    "reading fills a defaultdict": """
from collections import defaultdict
seen = defaultdict(int)
# %%
x = seen['a'] + seen['b']
# %%
print(sorted(seen), x)
""",
    "reading moves a buffer on": """
import io
text = io.StringIO('one two three')
# %%
head = text.read(4)
# %%
print(head, text.read(3), text.tell())
""",
    "list that holds itself": """
loop = ['x']
loop.append(loop)
# %%
loop[1][1][1].append('y')
# %%
print(len(loop))
""",
    "method called by name from operator": """
from operator import methodcaller
add = methodcaller('extend', [7, 8])
values = [1]
# %%
add(values)
# %%
print(values)
""",
    "implementations registered later": """
import functools
@functools.singledispatch
def describe(x):
    return 'thing'
# %%
@describe.register
def _(x: float):
    return 'number'
# %%
print(describe(1.5), describe('a'))
""",
    "class registered with an abstract one later": """
from abc import ABC
class Reader(ABC):
    pass
# %%
class Csv:
    pass
Reader.register(Csv)
# %%
print(isinstance(Csv(), Reader))
""",
    # Hidden state of functions
    "cache of a function": """
import functools
seen = []
@functools.lru_cache
def slow(x):
    seen.append(x)
    return -x
# %%
slow(1)
# %%
slow(1)
slow(2)
# %%
print(seen, slow.cache_info().hits)
""",
    "cached property stays computed": """
from functools import cached_property
class Report:
    rows = [1]
    @cached_property
    def size(self):
        return len(self.rows)
r = Report()
# %%
print(r.size)
# %%
Report.rows.append(2)
# %%
print(r.size)
""",
    "two functions share a variable": """
def gauge():
    level = 0
    def up(by):
        nonlocal level
        level += by
    def read():
        return level
    return {'up': up, 'read': read}
g = gauge()
raise_it, look = g['up'], g['read']
# %%
raise_it(3)
# %%
raise_it(4)
print(look(), g['read']())
""",
    # Classes that do something when they are made or loaded
    "subclasses enrol themselves": """
class Step:
    known = []
    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        Step.known.append(cls.__name__)
# %%
class Load(Step):
    pass
# %%
class Fit(Step):
    pass
# %%
print(Step.known, [c.__name__ for c in Step.__subclasses__()])
""",
    "metaclass counts": """
class Counting(type):
    made = 0
    def __init__(cls, name, bases, body):
        super().__init__(name, bases, body)
        Counting.made += 1
class One(metaclass=Counting):
    pass
# %%
class Two(One):
    pass
# %%
print(Counting.made)
""",
    "keys whose hash reads the class by name": """
class Key:
    salt = 7
    def __init__(self, text):
        self.text = text
    def __hash__(self):
        return hash(self.text) ^ Key.salt
    def __eq__(self, other):
        return self.text == other.text
prices = {Key('a'): 1}
# %%
prices[Key('b')] = 2
# %%
print(prices[Key('a')], len(prices))
""",
    "dictionary that writes a journal": """
writes = []
class Noted(dict):
    def __setitem__(self, key, value):
        writes.append(key)
        super().__setitem__(key, value)
d = Noted(first=1)
# %%
d['second'] = 2
# %%
print(writes, sorted(d))
""",
    "class inside a class": """
class Tree:
    class Leaf:
        pass
leaf = Tree.Leaf()
# %%
print(type(leaf).__qualname__, type(leaf) is Tree.Leaf)
""",
    "display calls methods that read names": """
unit = 'cm'
class Length:
    def __init__(self, n):
        self.n = n
    def __repr__(self):
        return f'{self.n} {unit}'
width = Length(3)
# %%
width
# %%
unit = 'mm'
# %%
[width, width]
""",
    "methods called by a library read the class's name": """
import pandas as pd
class Prices(pd.DataFrame):
    @property
    def _constructor(self):
        return Prices
p = Prices({'a': [1, 2, 3]})
# %%
q = p.head(2)
# %%
print(type(q).__name__, len(q))
""",
    "instance pickled by the user": """
import pickle
class Run:
    def __init__(self, n):
        self.n = n
runs = [Run(1)]
# %%
data = pickle.dumps(runs)
# %%
print(pickle.loads(data)[0].n)
""",
    # State in modules
    "library class patched": """
import pandas as pd
pd.Series.twice = lambda self: self * 2
# %%
s = pd.Series([1, 2])
# %%
print(s.twice().tolist())
""",
    "extension registered with a library": """
import pandas as pd
@pd.api.extensions.register_series_accessor('money')
class Money:
    def __init__(self, s):
        self.s = s
    def total(self):
        return f'{self.s.sum()} EUR'
# %%
s = pd.Series([1, 2])
# %%
print(s.money.total())
""",
    "module made by hand": """
import sys, types
made = types.ModuleType('made_here')
made.level = 3
sys.modules['made_here'] = made
# %%
from made_here import level
# %%
print(level)
""",
    "module written, then imported": """
from pathlib import Path
Path('written_here.py').write_text('LEVEL = 1\\n')
# %%
import written_here
# %%
written_here.LEVEL += 1
# %%
print(written_here.LEVEL)
""",
    "module written by a magic, then imported": """
%%writefile written_there.py
def f():
    return 'there'
# %%
from written_there import f
# %%
print(f())
""",
    "local module's state through its functions": """
from tally import hit, seen
# %%
hit('a')
# %%
hit('b')
import tally
print(seen, tally.seen is seen, tally.n)
""",
    "logging set up once": """
import logging
logging.basicConfig(filename='notes.log', level=logging.INFO, format='%(message)s', force=True)
# %%
logging.info('started')
# %%
logging.getLogger('sub').info('more')
# %%
print(open('notes.log').read())
""",
    "numpy told to raise": """
import numpy as np
np.seterr(over='raise')
# %%
try:
    np.float64(1e308) * 10
    print('went on')
except FloatingPointError:
    print('raised')
""",
    "time zone set": """
import os, time
os.environ['TZ'] = 'America/Lima'
time.tzset()
# %%
print(time.localtime(0).tm_hour)
""",
    "working directory there and back": """
import os
os.mkdir('below')
home = os.getcwd()
os.chdir('below')
# %%
open('x.txt', 'w').close()
# %%
os.chdir(home)
# %%
print(os.listdir('below'), os.path.basename(os.getcwd()) == os.path.basename(home))
""",
    "directory changed by a magic": """
%mkdir -p inner
%cd -q inner
# %%
open('y.txt', 'w').close()
# %%
%cd -q ..
# %%
import os
print(os.path.exists('inner/y.txt'))
""",
    "random functions under other names": """
import random
pick, again = random.random, random.seed
# %%
again(1)
# %%
a = pick()
# %%
print(a, pick())
""",
    "distribution draws from the shared generator": """
import numpy as np
from scipy import stats
np.random.seed(0)
coin = stats.bernoulli(0.5)
# %%
a = coin.rvs(8)
# %%
print(a, coin.rvs(8))
""",
    # Code that looks the namespace up
    "namespace passed to a function": """
from string import Template
city = 'Rome'
# %%
city = 'Oslo'
# %%
print(Template('to $city').substitute(globals()), '{city}'.format(**globals()))
""",
    "statement timed in the namespace": """
import timeit
runs = []
def work():
    runs.append(1)
# %%
t = timeit.timeit('work()', globals=globals(), number=3)
# %%
print(len(runs))
""",
    "tests found in the namespace": """
import unittest
def inc(x):
    return x + 1
class TestInc(unittest.TestCase):
    def test_inc(self):
        self.assertEqual(inc(1), 2)
# %%
suite = unittest.main(argv=[''], exit=False, verbosity=0).result
# %%
print(suite.testsRun)
""",
    "caller's names through its frame": """
import sys
def peek(name):
    return sys._getframe(1).f_globals[name]
# %%
depth = 3
# %%
print(peek('depth'))
""",
    "globals of a function written": """
def f():
    return level
level = 1
# %%
f.__globals__['level'] = 2
# %%
print(f(), level)
""",
    # IPython
    "help on a value": """
rows = [1]
# %%
rows?
?rows.append
# %%
print(rows)
""",
    "magic of one's own": """
from IPython.core.magic import register_line_magic
@register_line_magic
def shout(line):
    return line.upper()
# %%
loud = %shout quiet
# %%
print(loud)
""",
    "script run into the namespace": """
%run setup_names.py
# %%
print(rate, double(4))
""",
    "shell's user namespace": """
ip = get_ipython()
ip.user_ns['given'] = [1]
# %%
given.append(2)
print(given)
""",
    "last value three cells back": """
'a'
# %%
'b'
# %%
print(_, __)
""",
    "exit status of a command": """
!exit 4
# %%
print(_exit_code)
""",
    "names reset": """
keep, drop = 1, 2
# %%
%reset_selective -f drop
# %%
print(keep, 'drop' in globals())
""",
    # Figures
    "figure shown again": """
import matplotlib.pyplot as plt
fig, (left, right) = plt.subplots(1, 2, figsize=(2, 1))
plt.close(fig)
# %%
left.plot([1, 2])
# %%
fig
""",
    "axes drawn on in a later cell": """
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(2, 1))
# %%
line, = ax.plot([0, 1], [1, 3])
ax.set_title('later')
# %%
print(len(ax.lines), ax.get_title(), line.axes is ax)
fig
""",
    # Identity of what cannot change
    "a NaN in a list": """
gap = float('nan')
seen = [1.0, gap]
# %%
print(gap in seen, seen.index(gap), float('nan') in seen)
""",
    "one tuple under two names": """
origin = (0, 0)
start = origin
label = 'some text'
title = label
# %%
print(start is origin, title is label)
""",
    # Processes and odd values
    "parallel work with joblib": """
from joblib import Parallel, delayed
def half(x):
    return x / 2
# %%
halves = Parallel(n_jobs=2)(delayed(half)(i) for i in range(3))
# %%
print(halves)
""",
    "pool used within its cell": """
import multiprocessing
def half(x):
    return x / 2
# %%
with multiprocessing.get_context('fork').Pool(1) as workers:
    halves = workers.map(half, [2, 4])
# %%
print(halves)
""",
    "not a number is itself": """
gap = float('nan')
row = [1.0, gap]
# %%
print(row.index(gap), gap in row)
""",
    "equal tuples, one object": """
point = (1, 2)
points = [point, (1, 2)]
# %%
print([p is point for p in points])
""",
    "state that pickling drops": """
class Remembering:
    def __init__(self):
        self.memory = {}
    def __getstate__(self):
        return {'memory': {}}
    def ask(self, x):
        return self.memory.setdefault(x, len(self.memory))
r = Remembering()
# %%
r.ask('a')
# %%
print(r.ask('b'), len(r.memory))
""",
    "attribute of an array subclass": """
import numpy as np
class Signal(np.ndarray):
    def __array_finalize__(self, other):
        self.rate = getattr(other, 'rate', 0)
s = np.zeros(2).view(Signal)
s.rate = 44
# %%
print(s.rate)
""",
    "chain of a few thousand links": """
class Link:
    def __init__(self, next):
        self.next = next
chain = None
for _ in range(4000):
    chain = Link(chain)
# %%
n = 0
while chain is not None:
    chain, n = chain.next, n + 1
print(n)
""",
    "annotations left unevaluated": """
from __future__ import annotations
# %%
def load(path: Nowhere) -> Neither:
    return path
# %%
print(load.__annotations__, load(1))
""",
    "error kept with its traceback": """
try:
    [][1]
except IndexError as error:
    kept = error
# %%
print(kept, kept.__traceback__ is not None)
""",
    # Changes that the plan foresaw and the guard must not refuse
    "instances change, their class does not": """
class Tank:
    def __init__(self):
        self.level = 0
    def fill(self, by):
        self.level += by
tank, spare = Tank(), Tank()
# %%
tank.fill(2)
# %%
spare.fill(1)
tank.fill(3)
# %%
print(tank.level, spare.level)
""",
    "changed by a name that nobody reads again": """
log = {'loss': []}
# %%
losses = log['loss']
# %%
losses.append(0.5)
# %%
print(log)
""",
    "models changed by a loop variable": """
from sklearn.dummy import DummyClassifier
models = {'a': DummyClassifier(), 'b': DummyClassifier(strategy='prior')}
for model in models.values():
    print(model)
# %%
for model in models.values():
    model.fit([[0], [1]], [1, 1])
# %%
print({name: model.predict([[5]]).tolist() for name, model in models.items()})
# %%
models['a'].random_state = 3
print(models['a'].get_params()['random_state'])
""",
    # Compile time
    "display class that evaluates strings, shown again and again": """
import pandas as pd
class Beside:
    def __init__(self, *words):
        self.words = words
    def _repr_html_(self):
        return ''.join('<p>{0}</p>{1}'.format(w, eval(w)._repr_html_()) for w in self.words)
    def __repr__(self):
        return ' | '.join(w + repr(eval(w)) for w in self.words)
def make(columns, rows):
    return pd.DataFrame({c: [str(c) + str(r) for r in rows] for c in columns}, rows)
a, b = make('AB', [1, 2]), make('AB', [3, 4])
# %%
Beside('a', 'b', 'pd.concat([a, b])')
# %%
b.index = a.index
Beside('a', 'b')
# %%
c = make('BC', [1, 2])
Beside('a', 'c', 'pd.concat([a, c], axis=1)')
# %%
Beside('c', "pd.concat([b, c], join='inner')")
# %%
d = make('D', [5])
Beside('a', 'd', 'pd.concat([a, d])')
# %%
Beside('b', 'd', 'pd.concat([b, d])')
# %%
print(len(pd.concat([a, b, c, d])))
""",
    "functions handed on to unknown calls, six deep": """
from unittest.mock import MagicMock
lib = MagicMock()
def load(x):
    return lib.load(x)
def clean(x):
    return lib.map(lib.keep(lib.map(x, load), load), load)
def split(x):
    return lib.map(lib.keep(lib.map(x, clean), clean), clean)
def fit(x):
    return lib.map(lib.keep(lib.map(x, split), split), split)
def score(x):
    return lib.map(lib.keep(lib.map(x, fit), fit), fit)
def report(x):
    return lib.map(lib.keep(lib.map(x, score), score), score)
# %%
out = lib.run(report)
# %%
print(out is lib.run.return_value, lib.run.call_count)
""",
}

FILES = {
    "local module's state through its functions": {
        "tally.py": "n = 0\nseen = []\n\n\n"
        "def hit(x):\n    global n\n    n += 1\n    seen.append(x)\n"
    },
    "script run into the namespace": {
        "setup_names.py": "rate = 3\n\n\ndef double(x):\n    return 2 * x\n"
    },
}
