"""Calls that nobody wrote: operators, protocols, displays, hooks, and what libraries call back."""

NOTEBOOKS = {
    "html shown from other names": """
class Card:
    def __init__(self, n):
        self.n = n
    def _repr_html_(self):
        return frame(self.n)
# %%
border = '='
def frame(n):
    return f'{border}{n}{border}'
# %%
card = Card(3)
# %%
card
""",
    "repr of an element printed": """
class Coin:
    def __init__(self, n):
        self.n = n
    def __repr__(self):
        return f'{self.n}{currency}'
currency = 'EUR'
purse = {'all': [Coin(1), Coin(2)]}
# %%
print(purse)
# %%
purse
""",
    "format of an element in a string": """
class Temp:
    def __init__(self, v):
        self.v = v
    def __format__(self, spec):
        return f'{self.v:.{places}f}{unit}'
places, unit = 1, 'C'
# %%
t = Temp(3.14159)
# %%
print(f'{t} {t:x} {[t][0]!s:>1.3}'[:12], '{}'.format(t), '%s' % (t.v,))
""",
    "shows itself": """
class Panel:
    def _ipython_display_(self):
        print('panel', title)
title = 'T'
# %%
p = Panel()
# %%
p
# %%
display([1], p)
""",
    "property reads a name": """
class Tank:
    def __init__(self, litres):
        self.litres = litres
    @property
    def full(self):
        return self.litres >= limit
limit = 50
# %%
tanks = [Tank(10), Tank(60)]
# %%
print([t.full for t in tanks])
""",
    "attribute found by a hook": """
class Env:
    def __getattr__(self, name):
        if name.startswith('_'):
            raise AttributeError(name)
        return table[name]
table = {'home': '/h'}
env = Env()
# %%
table['user'] = 'me'
# %%
print(env.user, env.home, getattr(env, 'user'))
""",
    "truth and length of an instance": """
class Queue:
    def __init__(self):
        self.items = []
    def __len__(self):
        return len(self.items) + extra
    def __bool__(self):
        seen.append('bool')
        return len(self) > 1
seen, extra = [], 1
q = Queue()
# %%
if q:
    print('some')
n = len(q)
# %%
print(n, seen, 'yes' if not q else 'no')
# %%
print(seen)
""",
    "equality and hash that count": """
tally = {'eq': 0, 'hash': 0}
class Key:
    def __init__(self, n):
        self.n = n
    def __eq__(self, other):
        tally['eq'] += 1
        return self.n == other.n
    def __hash__(self):
        tally['hash'] += 1
        return hash(self.n)
# %%
keys = [Key(1), Key(1), Key(2)]
print(len(set(keys)), Key(2) in keys)
# %%
print(tally)
""",
    "order by a method": """
class Card:
    def __init__(self, rank):
        self.rank = rank
    def __lt__(self, other):
        return order.index(self.rank) < order.index(other.rank)
    def __repr__(self):
        return self.rank
order = ['2', 'K', 'A']
hand = [Card('A'), Card('2'), Card('K')]
# %%
order.reverse()
# %%
hand.sort()
print(hand, sorted(hand), min(hand), max(hand))
""",
    "key function reads a name": """
weights = {'a': 3, 'b': 1}
by_weight = lambda w: weights[w]
words = ['a', 'b']
# %%
weights['b'] = 9
# %%
print(sorted(words, key=by_weight), max(words, key=by_weight))
""",
    "context manager keeps a log": """
journal = []
class Section:
    def __init__(self, name):
        self.name = name
    def __enter__(self):
        journal.append(f'{mark}{self.name}')
        return self
    def __exit__(self, *exc):
        journal.append(f'/{self.name}')
        return swallow
mark, swallow = '>', True
# %%
with Section('a') as s:
    raise ValueError('gone')
# %%
print(journal, s.name)
""",
    "context manager by a generator": """
from contextlib import contextmanager
depth = [0]
@contextmanager
def nested():
    depth[0] += step
    try:
        yield depth[0]
    finally:
        depth.append('out')
step = 2
# %%
with nested() as d:
    print(d)
# %%
print(depth)
""",
    "iteration by methods": """
class Count:
    def __init__(self, n):
        self.n = n
    def __iter__(self):
        served.append(self.n)
        return iter(range(base, base + self.n))
    def __contains__(self, item):
        served.append('in')
        return item in pool
served, base, pool = [], 10, {1}
c = Count(2)
# %%
print(list(c), sum(c), 1 in c, [*c])
a, b = c
# %%
print(served, a, b)
""",
    "set_name fills a registry": """
fields = []
class Field:
    def __set_name__(self, owner, name):
        self.name = name
        fields.append((owner.__name__, name))
    def __get__(self, obj, kind=None):
        return self if obj is None else obj.__dict__.get(self.name, default)
    def __set__(self, obj, value):
        obj.__dict__[self.name] = convert(value)
default = 0
# %%
def convert(v):
    return int(v)
class Model:
    size = Field()
# %%
m = Model()
print(m.size)
m.size = '12'
# %%
print(m.size, fields)
""",
    "metaclass makes singletons": """
made = {}
class Single(type):
    def __call__(cls, *args):
        if cls not in made:
            made[cls] = super().__call__(*args)
        return made[cls]
# %%
class Hub(metaclass=Single):
    def __init__(self, n):
        self.n = n
# %%
one, two = Hub(1), Hub(2)
# %%
print(one is two, two.n, len(made))
""",
    "subclasses asked for": """
class Shape: pass
# %%
class Disc(Shape): pass
# %%
class Ball(Disc): pass
# %%
print(sorted(c.__name__ for c in Shape.__subclasses__()), Disc.__subclasses__()[0].__name__)
""",
    "all subclasses made": """
class Plugin:
    @classmethod
    def everything(cls):
        return [sub() for sub in cls.__subclasses__()]
# %%
class Csv(Plugin):
    name = 'csv'
# %%
class Xml(Plugin):
    name = 'xml'
# %%
names = [p.name for p in Plugin.everything()]
# %%
print(names)
""",
    "subclasses walked": """
class Animal: pass
def walk(cls):
    for sub in cls.__subclasses__():
        yield sub.__name__
        yield from walk(sub)
# %%
class Dog(Animal): pass
class Cat(Animal): pass
# %%
class Puppy(Dog): pass
# %%
print(list(walk(Animal)))
""",
    "registry by decorator": """
handlers = {}
def handles(kind):
    def register(f):
        handlers[kind] = f
        return f
    return register
# %%
@handles('add')
def add(a, b):
    return a + b + bonus
# %%
bonus = 100
@handles('mul')
def mul(a, b):
    return a * b
# %%
print({k: f(2, 3) for k, f in handlers.items()})
""",
    "registry by the base class": """
class Base:
    kinds = []
    def __init_subclass__(cls, **options):
        super().__init_subclass__()
        cls.kinds.append(prefix + cls.__name__)
prefix = 'k:'
# %%
class One(Base): pass
# %%
prefix = 'm:'
class Two(Base): pass
# %%
print(Base.kinds, [c.__name__ for c in Base.__subclasses__()])
""",
    "registry by the metaclass": """
known = {}
class Registered(type):
    def __init__(cls, name, bases, ns):
        super().__init__(name, bases, ns)
        known[name] = cls
# %%
class Alpha(metaclass=Registered): pass
# %%
class Beta(Alpha): pass
# %%
print(sorted(known), known['Beta'] is Beta)
""",
    "map consumed in another cell": """
factor = 2
def grow(n):
    return n * factor
later = map(grow, [1, 2, 3])
# %%
factor = 10
# %%
print(list(later))
""",
    "filter kept in a list": """
low = 1
kept = [filter(lambda n: n > low, [0, 1, 2, 3])]
# %%
low = 2
# %%
print(list(kept[0]))
""",
    "generator expression runs later": """
scale = 1
squares = (n * n * scale for n in range(3))
# %%
scale = 100
# %%
print(list(squares))
""",
    "callbacks on an object": """
class Button:
    def __init__(self):
        self.handlers = []
    def on(self, f):
        self.handlers.append(f)
        return f
    def press(self):
        return [f() for f in self.handlers]
button = Button()
clicks = []
# %%
@button.on
def note():
    clicks.append(name)
    return len(clicks)
# %%
name = 'n'
print(button.press(), button.press())
# %%
print(clicks)
""",
    "finaliser writes a log": """
ends = []
class Temp:
    def __del__(self):
        ends.append(word)
word = 'bye'
t = Temp()
# %%
t = None
# %%
print(ends)
""",
    "deleted with its finaliser": """
closed = []
class Res:
    def __init__(self, n):
        self.n = n
    def __del__(self):
        closed.append(self.n)
a = Res(1)
# %%
del a
# %%
print(closed)
""",
    "frame with methods of its own": """
import pandas as pd
class Track(pd.DataFrame):
    @property
    def _constructor(self):
        return Track
    def speed(self):
        return self['km'] / self['h'] * unit
# %%
unit = 10
t = Track({'km': [10, 20], 'h': [1, 4]})
# %%
fast = t[t['km'] > 15]
print(type(fast).__name__, fast.speed().tolist())
# %%
print(type(t.head(1)).__name__, type(t + 1).__name__, type(t.copy()).__name__)
# %%
s = t.speed()
t['v'] = s
print(type(t.sort_values('v')).__name__, t)
""",
    "frame that remembers": """
import pandas as pd
class Tagged(pd.DataFrame):
    _metadata = ['tag']
    @property
    def _constructor(self):
        return Tagged
    @property
    def _constructor_sliced(self):
        return Column
class Column(pd.Series):
    @property
    def _constructor(self):
        return Column
# %%
d = Tagged({'a': [3, 1]})
d.tag = 'first'
# %%
e = d.sort_values('a')
print(type(e).__name__, e.tag, type(e['a']).__name__, type(e['a'] * 2).__name__)
# %%
d
# %%
print(type(d.iloc[:1]).__name__, type(d.loc[0]).__name__)
""",
    "array with a hook": """
import numpy as np
class Metres(np.ndarray):
    def __new__(cls, values):
        return np.asarray(values, dtype=float).view(cls)
    def __array_finalize__(self, obj):
        self.unit = default_unit
default_unit = 'm'
# %%
way = Metres([1, 2])
# %%
print(type(way + 1).__name__, (way * 2).unit, way[:1].unit, np.sqrt(way).unit)
""",
    "list of one's own": """
class Loud(list):
    def append(self, item):
        super().append(str(item) + ending)
ending = '!'
words = Loud()
# %%
words.append('a')
words += ['b']
# %%
words.extend(['c'])
words.append('d')
print(words)
""",
    "dict with a hook for missing keys": """
class Lazy(dict):
    def __missing__(self, key):
        self[key] = made = make(key)
        return made
def make(key):
    return key * times
times = 2
lazy = Lazy()
# %%
print(lazy['ab'])
# %%
print(dict(lazy), lazy['c'])
""",
    "user dict": """
from collections import UserDict
class Lower(UserDict):
    def __setitem__(self, key, value):
        super().__setitem__(norm(key), value)
def norm(key):
    return key.lower() + tail
tail = '_'
d = Lower(A=1)
# %%
d['B'] = 2
d.update(C=3)
# %%
print(dict(d), d)
""",
    "transformer in a pipeline": """
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import Pipeline
from sklearn.linear_model import LinearRegression
import numpy as np
class Times(BaseEstimator, TransformerMixin):
    def __init__(self, by=1):
        self.by = by
    def fit(self, X, y=None):
        fitted.append(self.by)
        return self
    def transform(self, X):
        return clip(X * self.by)
fitted = []
# %%
def clip(X):
    return np.minimum(X, top)
top = 40
# %%
model = Pipeline([('t', Times(3)), ('m', LinearRegression())])
X = np.arange(10.0).reshape(-1, 1)
# %%
model.fit(X, X[:, 0] * 3 + 1)
# %%
print(np.round(model.predict([[2.0], [30.0]]), 6), fitted)
""",
    "estimator searched over": """
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GridSearchCV
import numpy as np
runs = []
class Shrunk(RegressorMixin, BaseEstimator):
    def __init__(self, keep=1.0):
        self.keep = keep
    def fit(self, X, y):
        runs.append(self.keep)
        self.value_ = average(y) * self.keep
        return self
    def predict(self, X):
        return np.full(len(X), self.value_)
# %%
def average(y):
    return float(np.mean(y)) + bias
bias = 0.5
# %%
search = GridSearchCV(Shrunk(), {'keep': [0.5, 1.0]}, cv=2, scoring='neg_mean_squared_error')
search.fit(np.zeros((6, 1)), np.array([1.0, 2, 3, 4, 5, 6]))
# %%
print(search.best_params_, len(runs), search.predict([[0]]))
""",
    "scorer and cross validation": """
from sklearn.model_selection import cross_val_score
from sklearn.metrics import make_scorer
from sklearn.linear_model import Ridge
import numpy as np
used = []
def loss(y, p):
    used.append(len(y))
    return float(np.abs(y - p).max()) * gain
gain = 2
score = make_scorer(loss)
# %%
out = cross_val_score(Ridge(), np.arange(6.0).reshape(-1, 1), np.arange(6.0), cv=3, scoring=score)
# %%
print(np.round(out, 4), used)
""",
    "function transformer": """
from sklearn.preprocessing import FunctionTransformer
import numpy as np
seen = []
def logged(X):
    seen.append(X.shape)
    return X + shift
tr = FunctionTransformer(logged)
# %%
shift = 5
# %%
print(tr.fit_transform(np.zeros((2, 1))))
# %%
print(seen)
""",
    "frame functions called back": """
import pandas as pd
df = pd.DataFrame({'k': list('aab'), 'v': [1, 2, 3]})
visited = []
def visit(row):
    visited.append(row['k'])
    return row['v'] * rate
rate = 2
# %%
out = df.apply(visit, axis=1)
# %%
def spread(s):
    visited.append('agg')
    return s.max() - s.min() + rate
def tail(frame, n):
    visited.append(n)
    return frame.tail(n)
# %%
print(df.groupby('k')['v'].agg(spread).tolist(), df.pipe(tail, 1)['v'].tolist(), out.tolist())
# %%
print(visited)
""",
    "functions of a series": """
import pandas as pd
hits = []
def code(v):
    hits.append(v)
    return names.get(v, other)
names, other = {1: 'one'}, '?'
s = pd.Series([1, 2])
# %%
names[2] = 'two'
# %%
print(s.map(code).tolist(), s.apply(code).tolist(), s.transform(lambda v: v * 2).tolist())
# %%
print(hits)
""",
    "optimiser calls back": """
from scipy.optimize import minimize, brentq
path = []
def cost(x):
    return float((x[0] - goal) ** 2)
def keep(x):
    path.append(round(float(x[0]), 3))
goal = 3.0
# %%
res = minimize(cost, [0.0], callback=keep)
print(round(float(res.x[0]), 3), round(brentq(lambda t: t - goal, 0, 9), 6))
# %%
print(len(path) > 0, path[-1])
""",
    "integrated and solved": """
from scipy.integrate import quad, solve_ivp
evals = [0]
def rhs(t, y):
    evals[0] += 1
    return [-decay * y[0]]
decay = 1.0
# %%
sol = solve_ivp(rhs, (0, 1), [1.0])
area = quad(lambda t: decay * t, 0, 2)[0]
# %%
print(evals[0] > 0, round(float(sol.y[0][-1]), 2), area)
""",
    "vectorised function counts": """
import numpy as np
n_calls = []
def f(v):
    n_calls.append(1)
    return v + add
add = 1
# %%
print(np.vectorize(f, otypes=[float])([1.0, 2.0]))
print(np.apply_along_axis(lambda r: r.sum() + add, 1, np.ones((2, 2))))
# %%
print(len(n_calls), np.fromiter((f(i) for i in range(2)), float))
""",
    "substitution calls back": """
import re, itertools, functools
found = []
def swap(m):
    found.append(m.group())
    return table.get(m.group(), '-')
table = {'a': '1'}
# %%
print(re.sub('[ab]', swap, 'abc'))
# %%
print(found, list(itertools.takewhile(lambda c: c in table, 'aab')), functools.reduce(lambda x, y: x + y + table['a'], 'xy'))
""",
    "ids compared later": """
thing = [1]
token = id(thing)
# %%
other = [1]
# %%
print(id(thing) == token, id(other) == token)
del token
""",
    "ids as keys": """
objs = [object(), object()]
number = {id(o): n for n, o in enumerate(objs)}
# %%
print([number[id(o)] for o in objs])
number.clear()
""",
    "memo keyed by id": """
cache = {}
def size(x):
    key = id(x)
    if key not in cache:
        cache[key] = len(x)
    return cache[key]
data = [1, 2]
size(data)
# %%
print(size(data), len(cache))
cache.clear()
""",
    "seen set of ids": """
seen = set()
def is_new(x):
    if id(x) in seen:
        return False
    seen.add(id(x))
    return True
a = {}
print(is_new(a))
# %%
print(is_new(a))
# %%
print(is_new({}), len(seen))
seen.clear()
""",
    "values of a frame of one type": """
import pandas as pd
df = pd.DataFrame({'p': [1.0, 2.0], 'q': [3.0, 4.0]})
raw = df.values
# %%
df.loc[1, 'q'] = 40.0
# %%
print(raw.tolist(), df['q'].tolist())
""",
    "column as an array": """
import pandas as pd
df = pd.DataFrame({'p': [1.0, 2.0], 'n': ['x', 'y']})
col = df['p'].to_numpy()
idx = df.index.values
# %%
df.iloc[0, 0] = -1.0
# %%
df['p'] *= 2
print(col.tolist(), df['p'].tolist(), idx.tolist())
""",
    "values of a series": """
import pandas as pd
s = pd.Series([1, 2, 3])
v, a = s.values, s.array
# %%
s[0] = 10
# %%
s.iloc[1] = 20
print(v.tolist(), list(a), s.tolist())
""",
    "frame on an array": """
import numpy as np, pandas as pd
base = np.zeros((2, 2))
df = pd.DataFrame(base, copy=False)
# %%
base[0, 0] = 5
# %%
print(df.values.tolist())
""",
    "functions handed on, many deep": """
import heapq
def make(n):
    if n == 0:
        return lambda x: x + start
    inner = make(n - 1)
    return lambda x: inner(x)
start = 1
deep = make(200)
# %%
print(heapq.nlargest(1, [1, 2], key=deep))
# %%
print(deep(1))
""",
    "handler of the log": """
import logging
lines = []
class Keep(logging.Handler):
    def emit(self, record):
        lines.append(prefix + record.getMessage())
prefix = '* '
log = logging.getLogger('keep')
log.propagate = False
log.addHandler(Keep())
log.warning('one')
# %%
log.warning('two')
# %%
print(lines)
""",
    "encoder for documents": """
import json
class Enc(json.JSONEncoder):
    def default(self, o):
        met.append(type(o).__name__)
        return label(o)
met = []
# %%
def label(o):
    return f'{mark}{sorted(o)}'
mark = '#'
# %%
print(json.dumps({'s': {2, 1}}, cls=Enc), json.dumps([{3}], default=label))
# %%
print(met, json.loads('{"a": 1}', object_hook=lambda d: {mark: d}))
""",
    "tree visited": """
import ast
found = []
class Names(ast.NodeVisitor):
    def visit_Name(self, node):
        if node.id not in skip:
            found.append(node.id)
skip = {'b'}
# %%
Names().visit(ast.parse('a + b * c'))
# %%
print(found)
""",
    "page parsed": """
from html.parser import HTMLParser
tags = []
class P(HTMLParser):
    def handle_starttag(self, tag, attrs):
        tags.append(rename.get(tag, tag))
rename = {'b': 'strong'}
p = P()
# %%
p.feed('<p><b>x</b>')
# %%
p.feed('<i>')
print(tags)
""",
    "thread of one's own": """
import threading
totals = []
class Worker(threading.Thread):
    def __init__(self, n):
        super().__init__()
        self.n = n
    def run(self):
        totals.append(self.n * factor)
factor = 3
# %%
workers = [Worker(n) for n in (1, 2)]
for w in workers:
    w.start(); w.join()
# %%
print(totals)
""",
    "member looked up by the enumeration": """
from enum import Enum
class Level(Enum):
    LOW = 1
    HIGH = 2
    @classmethod
    def _missing_(cls, value):
        asked.append(value)
        return cls[aliases[value]]
    @property
    def text(self):
        return self.name + tail
asked, aliases, tail = [], {'l': 'LOW'}, '.'
# %%
print(Level('l'), Level('l').text)
# %%
print(asked, Level.HIGH.text)
""",
    "dataclass made from other names": """
from dataclasses import dataclass, field, replace, asdict
@dataclass(order=True)
class Job:
    rank: int
    tags: list = field(default_factory=lambda: list(base_tags))
    def __post_init__(self):
        made.append(self.rank)
base_tags, made = ['t'], []
# %%
base_tags.append('u')
jobs = [Job(2), Job(1)]
# %%
print(sorted(jobs), replace(jobs[0], rank=5), made)
# %%
print(made, asdict(jobs[0]))
""",
    "named tuple with methods": """
from typing import NamedTuple
class P(NamedTuple):
    x: int
    y: int = 0
    @property
    def size(self):
        return norm(self)
    def __repr__(self):
        return f'P{open_}{self.x}'
open_ = '<'
# %%
def norm(p):
    return abs(p.x) + abs(p.y)
# %%
ps = [P(1), P(-3, 4)]
print(ps, max(ps, key=lambda p: p.size))
# %%
ps
""",
    "hook for isinstance": """
from abc import ABC
class Sized(ABC):
    @classmethod
    def __subclasshook__(cls, other):
        asked.append(other.__name__)
        return hasattr(other, wanted)
class Strict(type):
    def __instancecheck__(cls, obj):
        asked.append('strict')
        return type(obj).__name__ in allowed
class Any_(metaclass=Strict): pass
asked, wanted, allowed = [], 'size', {'int'}
# %%
class Box:
    size = 1
print(isinstance(Box(), Sized), isinstance(1, Any_), isinstance('', Any_))
# %%
print(asked)
""",
    "mapping of one's own": """
from collections.abc import Mapping, MutableSequence
class View(Mapping):
    def __getitem__(self, key):
        looks.append(key)
        return store[key]
    def __iter__(self):
        return iter(order)
    def __len__(self):
        return len(order)
looks, store, order = [], {'a': 1, 'b': 2}, ['b', 'a']
v = View()
# %%
print(list(v.items()), v.get('a'), 'z' in v, v == {'a': 1, 'b': 2}, dict(v))
# %%
print(looks)
""",
    "stack of exits": """
from contextlib import ExitStack, ContextDecorator
done = []
class Timed(ContextDecorator):
    def __enter__(self):
        done.append('in')
        return self
    def __exit__(self, *a):
        done.append(word)
word = 'out'
# %%
@Timed()
def work():
    return len(done)
with ExitStack() as stack:
    stack.callback(done.append, 'cb')
    print(work())
# %%
print(done, work())
# %%
print(done)
""",
    "operators of all kinds": """
class M:
    def __init__(self, v):
        self.v = v
    def __matmul__(self, o):
        ops.append('@'); return M(self.v * o.v % mod)
    def __rmul__(self, n):
        ops.append('r*'); return M(n * self.v % mod)
    def __index__(self):
        ops.append('i'); return self.v
    def __neg__(self):
        ops.append('-'); return M(-self.v % mod)
    def __round__(self, n=0):
        ops.append('round'); return self.v // mod
    def __reversed__(self):
        ops.append('rev'); return iter([self.v, mod])
    def __call__(self):
        ops.append('()'); return self.v
ops, mod = [], 7
m = M(3)
# %%
r = (m @ m).v, (2 * m).v, list('abcdefg')[m], (-m).v
q = round(m), list(reversed(m)), m()
# %%
print(r, q, ops)
""",
    "class that is asked like an instance": """
class Meta(type):
    def __iter__(cls):
        uses.append('iter')
        return iter(members)
    def __len__(cls):
        return len(members)
    def __getattr__(cls, name):
        uses.append(name)
        return members.index(name)
    def __contains__(cls, x):
        return x in members
    def __getitem__(cls, i):
        return members[i]
    def __repr__(cls):
        return f'<{cls.__name__} of {len(members)}>'
class Colours(metaclass=Meta): pass
members, uses = ['red'], []
# %%
members.append('blue')
# %%
print(list(Colours), len(Colours), Colours.blue, 'red' in Colours, Colours[0], Colours)
# %%
print(uses)
""",
    "generic with a hook": """
class Typed:
    def __class_getitem__(cls, item):
        params.append(item)
        return type(f'{cls.__name__}{sep}{item.__name__}', (cls,), {})
params, sep = [], '_'
# %%
T = Typed[int]
# %%
print(T.__name__, params, issubclass(T, Typed))
""",
    "array made by a method": """
import numpy as np
class Signal:
    def __init__(self, n):
        self.n = n
    def __array__(self, dtype=None, copy=None):
        conversions.append(self.n)
        return np.arange(self.n, dtype=dtype or float) * gain
    def __array_ufunc__(self, ufunc, method, *inputs, **kw):
        conversions.append(ufunc.__name__)
        return getattr(ufunc, method)(*[np.asarray(i) for i in inputs], **kw)
conversions, gain = [], 2
s = Signal(3)
# %%
print(np.asarray(s), np.sqrt(s).round(2), s.__class__.__name__)
print(np.sum(np.array(s)))
# %%
print(conversions)
""",
    "format of an axis": """
import matplotlib.pyplot as plt
unit = 'm'
drawn = []
def label(v, pos):
    drawn.append(pos)
    return f'{v:.0f}{unit}'
fig, ax = plt.subplots(figsize=(2, 1))
ax.plot([0, 1])
ax.xaxis.set_major_formatter(label)
plt.close(fig)
# %%
fig
# %%
fig.canvas.draw()
print([t.get_text() for t in ax.get_xticklabels()][:1], len(drawn) > 0)
""",
    "style applied when shown": """
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
def money(v):
    return f'{sign}{v}'
styled = df.style.format(money).hide(axis='index').set_uuid('u')
# %%
sign = '$'
# %%
styled
# %%
print(sign in styled.to_html())
""",
    "methods added in a loop": """
class Api: pass
def make(name):
    def call(self):
        return f'{host}/{name}'
    return call
# %%
for n in ('users', 'posts'):
    setattr(Api, n, make(n))
# %%
host = 'h'
api = Api()
# %%
print(api.users(), Api().posts())
""",
    "plain objects told apart by their text": """
class Node: pass
node = Node()
seen = {str(node)}
# %%
print(str(node) in seen, str(Node()) in seen)
# %%
print(repr(node) in seen)
seen.clear()
""",
    "plain objects told apart by their hash": """
class Node: pass
a, b = Node(), Node()
index = {hash(a): 'a', hash(b): 'b'}
# %%
print(index[hash(a)], index.get(hash(b)))
index.clear()
""",
    "objects as keys": """
class Node:
    def __init__(self, n):
        self.n = n
a, b = Node(1), Node(2)
edges = {a: [b], b: []}
visited = {a}
# %%
edges[b].append(a)
visited.add(b)
# %%
print([n.n for n in edges[a]], edges[b][0] is a, a in visited, len(visited))
""",
    "mixin kept by the parent": """
class Meta(type):
    registry = {}
    def __new__(mcs, name, bases, ns, **kw):
        cls = super().__new__(mcs, name, bases, ns)
        mcs.registry[name] = kw.get('tag', default_tag)
        return cls
default_tag = 'none'
class A(metaclass=Meta): pass
# %%
default_tag = 'later'
class B(A, tag='b'): pass
class C(A): pass
# %%
print(Meta.registry, type(B).registry is Meta.registry)
""",
    "lazy property of a class": """
class classproperty:
    def __init__(self, f):
        self.f = f
    def __get__(self, obj, cls):
        reads.append(cls.__name__)
        return self.f(cls)
class Conf:
    @classproperty
    def path(cls):
        return root + '/' + cls.__name__
reads, root = [], '/r'
# %%
print(Conf.path, Conf().path)
# %%
root = '/s'
print(Conf.path, reads)
""",
    "retry decorator by a class": """
class retry:
    def __init__(self, times):
        self.times = times
    def __call__(self, f):
        def wrapped(*a):
            for n in range(self.times):
                try:
                    return f(*a)
                except ValueError:
                    failures.append(n)
            return fallback
        return wrapped
failures, fallback = [], 'none'
# %%
@retry(2)
def risky(x):
    if x < limit:
        raise ValueError
    return x
limit = 5
# %%
print(risky(1), risky(9))
# %%
print(failures)
""",
    "coroutine reads names": """
import asyncio
order = []
async def job(n):
    await asyncio.sleep(0)
    order.append(n * rate)
    return n
rate = 2
# %%
got = await asyncio.gather(job(1), job(2))
# %%
print(got, order)
""",
    "objects with slots and defaults": """
class S:
    __slots__ = ('v', '__weakref__')
    def __init__(self, v=None):
        self.v = v if v is not None else fresh()
def fresh():
    counter.append(len(counter))
    return counter[-1]
counter = []
# %%
xs = [S(), S(), S(9)]
# %%
print([x.v for x in xs], counter)
""",
    "subclass of an exception": """
class Oops(Exception):
    def __str__(self):
        shown.append(1)
        return f'{head}: {self.args[0]}'
shown, head = [], 'oops'
err = Oops('x')
# %%
print(err, f'{err}', [str(err)])
try:
    raise err
except Oops as e:
    msg = str(e)
# %%
print(len(shown), msg)
""",
    "sorting by a comparison": """
from functools import cmp_to_key, singledispatch, partial
steps = []
def cmp(a, b):
    steps.append((a, b))
    return (ranks[a] > ranks[b]) - (ranks[a] < ranks[b])
ranks = {'x': 2, 'y': 1}
key = cmp_to_key(cmp)
add = partial(lambda a, b: a + b + extra, 1)
extra = 10
# %%
print(sorted(['x', 'y'], key=key), list(map(add, [1, 2])))
# %%
print(len(steps) > 0, add(5))
""",
    "plug-ins made by their parent": """
class Step:
    @classmethod
    def run_all(cls, x):
        for sub in cls.__subclasses__():
            x = sub().apply(x)
        return x
# %%
class Double(Step):
    def apply(self, x):
        trace.append('d')
        return x * two
trace, two = [], 2
# %%
class Inc(Step):
    def apply(self, x):
        trace.append('i')
        return x + 1
# %%
y = Step.run_all(5)
# %%
print(y, trace)
""",
    "shared state of all instances": """
class Borg:
    _shared = {}
    def __init__(self):
        self.__dict__ = self._shared
a = Borg()
a.x = 1
# %%
b = Borg()
b.y = 2
# %%
print(a.y, Borg().x, a.__dict__ is b.__dict__)
""",
    "finaliser by weakref": """
import weakref
class Node: pass
log = []
n = Node()
fin = weakref.finalize(n, log.append, 'gone')
# %%
del n
# %%
print(log, fin.alive)
""",
    "object closed with the list": """
ended = []
class R:
    def __init__(self, n):
        self.n = n
    def __del__(self):
        ended.append(self.n)
pool = [R(1), R(2)]
# %%
pool.pop()
# %%
pool.clear()
# %%
print(ended)
""",
    "address kept in an object": """
class Tracker:
    def __init__(self):
        self.seen = {}
    def mark(self, o):
        self.seen[id(o)] = len(self.seen)
        return self.seen[id(o)]
t = Tracker()
x, y = [1], [2]
t.mark(x)
# %%
t.mark(y)
# %%
print(t.mark(x) , len(t.seen))
t.seen.clear()
""",
    "identity of shared parts": """
inner = [1]
outer = {'a': inner, 'b': (inner,)}
# %%
same = outer['a'] is outer['b'][0]
other = outer['a'] is inner
# %%
print(same, other, id(outer['a']) == id(inner))
""",
    "array of a frame, both ways": """
import pandas as pd, numpy as np
df = pd.DataFrame(np.ones((2, 2)), columns=['a', 'b'])
v = df.to_numpy()
w = df['a'].values
# %%
df.iloc[0, 0] = 7
# %%
print(v.tolist(), w.tolist())
# %%
df['a'] = 0.0
print(v.tolist(), df.values.tolist())
""",
    "copy of a frame stays its own": """
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
same = df
part = df[:]
col = df['a']
arr = df.values
# %%
df.loc[0, 'a'] = 9
# %%
print(same['a'].tolist(), part['a'].tolist(), col.tolist(), arr.tolist())
""",
    "filter of the log": """
import logging
class Only(logging.Filter):
    def filter(self, record):
        counted.append(record.levelname)
        return record.levelname in wanted
counted, wanted = [], {'ERROR'}
log = logging.getLogger('only')
log.addFilter(Only())
log.propagate = False
# %%
log.error('x')
log.warning('y')
# %%
print(counted)
""",
    "splitter and column chooser": """
import numpy as np, pandas as pd
from sklearn.model_selection import cross_val_score
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.linear_model import LinearRegression
splits = []
class Halves:
    def split(self, X, y=None, groups=None):
        n = len(X) // parts
        splits.append(n)
        yield np.arange(n), np.arange(n, len(X))
    def get_n_splits(self, *a):
        return 1
parts = 2
# %%
def numeric(X):
    return [c for c in X.columns if c not in dropped]
dropped = ['z']
# %%
X = pd.DataFrame({'a': np.arange(8.0), 'z': 0.0})
model = make_pipeline(ColumnTransformer([('n', FunctionTransformer(lambda v: v * gain), numeric)]), LinearRegression())
gain = 3
# %%
print(cross_val_score(model, X, X['a'] * 2, cv=Halves()).round(6), splits)
""",
    "names in a comprehension's class": """
class Table:
    cols = ['a', 'b']
    def rows(self):
        return [{c: cast(r, c) for c in self.cols} for r in source]
source = [1, 2]
# %%
def cast(r, c):
    return f'{r}{c}{end}'
end = '!'
t = Table()
# %%
print(t.rows())
""",
    "trace of calls": """
import sys
names = []
def tracer(frame, event, arg):
    if event == 'call' and frame.f_code.co_name in watched:
        names.append(frame.f_code.co_name)
watched = {'work'}
def work():
    return 1
# %%
sys.setprofile(tracer)
work(); work()
sys.setprofile(None)
# %%
print(names)
""",
}
