"""Code that reads, binds or changes names without naming them, and calls that nobody wrote."""

NOTEBOOKS = {
    # Readers of the notebook's module
    "test case collected by the runner": """
import unittest
class Sums(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3 + OFFSET)
# %%
OFFSET = 0
def total(values):
    return sum(values)
# %%
result = unittest.main(argv=['x'], exit=False, verbosity=0).result
print(result.testsRun, len(result.failures), len(result.errors))
""",
    "tests loaded from the module": """
import sys, unittest
class Words(unittest.TestCase):
    def test_upper(self):
        self.assertEqual(shout('a'), 'A!')
# %%
mark = '!'
def shout(text):
    return text.upper() + mark
# %%
loader = unittest.TestLoader()
suite = loader.loadTestsFromModule(sys.modules['__main__'])
outcome = unittest.TestResult()
suite.run(outcome)
print(outcome.testsRun, outcome.wasSuccessful())
""",
    "test class handed to the loader": """
import unittest
limit = 3
class Limits(unittest.TestCase):
    def setUp(self):
        self.top = limit
    def test_top(self):
        self.assertEqual(self.top, check())
# %%
def check():
    return limit
# %%
suite = unittest.defaultTestLoader.loadTestsFromTestCase(Limits)
outcome = unittest.TestResult()
suite.run(outcome)
print(outcome.testsRun, outcome.errors, outcome.failures)
""",
    "examples in docstrings": """
import doctest
factor = 3
# %%
def triple(n):
    '''
    >>> triple(2)
    6
    >>> double(triple(1))
    6
    '''
    return n * factor
# %%
def double(n):
    return n * 2
# %%
print(doctest.testmod())
""",
    "examples in one docstring": """
import doctest
unit = 'km'
# %%
def label(n):
    '''
    >>> label(2) + suffix
    '2km.'
    '''
    return f'{n}{unit}'
suffix = '.'
# %%
doctest.run_docstring_examples(label, globals(), name='label')
print('done')
""",
    "members of the module": """
import inspect, sys
def first(): pass
# %%
def second(): pass
# %%
found = [n for n, f in inspect.getmembers(sys.modules['__main__'], inspect.isfunction)]
print([n for n in found if n in ('first', 'second')])
""",
    "module imported by its name": """
import __main__
rate = 2
# %%
__main__.speed = rate * 10
# %%
print(speed, getattr(__main__, 'rate'), hasattr(__main__, 'nothing'))
""",
    "module's dictionary": """
import sys
here = sys.modules[__name__]
a1, a2 = 1, 2
# %%
setattr(here, 'a3', 3)
# %%
print(sorted(n for n in vars(here) if n.startswith('a') and len(n) == 2))
""",
    "function pickled by the user": """
import pickle
base = 10
def shift(n):
    return n + base
# %%
data = pickle.dumps(shift)
# %%
again = pickle.loads(data)
print(again(1), again is shift)
""",
    "instances read back from a file": """
import pickle
class Point:
    def __init__(self, x):
        self.x = x
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.scaled = self.x * zoom
zoom = 4
# %%
with open('points.pkl', 'wb') as f:
    pickle.dump([Point(1), Point(2)], f)
# %%
with open('points.pkl', 'rb') as f:
    points = pickle.load(f)
print([p.scaled for p in points])
""",
    "rebuilt by a function of the notebook": """
import pickle
factory = {'made': 0}
def rebuild(name):
    return Tool(name + suffix)
class Tool:
    def __init__(self, name):
        self.name = name
    def __reduce__(self):
        return rebuild, (self.name,)
# %%
suffix = '*'
blob = pickle.dumps(Tool('saw'))
# %%
print(pickle.loads(blob).name)
""",
    "function unpickled in a cell of its own": """
import pickle
def twice(n):
    return 2 * n
packed = pickle.dumps([twice, twice])
# %%
functions = pickle.loads(packed)
# %%
print(functions[0] is twice, functions[0] is functions[1], functions[1](4))
""",
    "model of one's own through joblib": """
import joblib
class Mean:
    def fit(self, xs):
        self.value = sum(xs) / len(xs)
        return self
    def predict(self):
        return round(self.value, digits)
digits = 1
# %%
joblib.dump(Mean().fit([1, 2, 2]), 'mean.joblib')
# %%
print(joblib.load('mean.joblib').predict())
""",
    "deep copy through pickle": """
import pickle
from dataclasses import dataclass
@dataclass
class Row:
    n: int
rows = [Row(1), Row(2)]
# %%
copies = pickle.loads(pickle.dumps(rows))
# %%
copies[0].n = 9
print(rows, copies, type(copies[0]) is Row)
""",
    "pool of processes with one's own function": """
from multiprocessing import get_context
power = 2
def raised(n):
    return n ** power
# %%
with get_context('fork').Pool(1) as pool:
    print(pool.map(raised, [1, 2, 3]))
""",
    "executor of processes": """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
step = 5
def moved(n):
    return helper(n) + step
# %%
def helper(n):
    return -n
# %%
with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('fork')) as ex:
    print(list(ex.map(moved, [1, 2])))
""",
    "annotations resolved later": """
from typing import get_type_hints
class Node:
    left: 'Leaf'
    def walk(self, to: 'Node') -> 'Leaf': ...
# %%
class Leaf: pass
# %%
print({k: v.__name__ for k, v in get_type_hints(Node).items()})
print({k: v.__name__ for k, v in get_type_hints(Node.walk).items()})
""",
    "annotations of a dataclass in strings": """
import dataclasses, typing
@dataclasses.dataclass
class Order:
    item: 'Item'
# %%
@dataclasses.dataclass
class Item:
    name: str
# %%
print(typing.get_type_hints(Order), [f.type for f in dataclasses.fields(Order)])
""",
    "signature evaluated": """
import inspect
def load(path: 'Where') -> 'Where': ...
# %%
class Where: pass
# %%
print(inspect.signature(load, eval_str=True).return_annotation.__name__)
""",
    "statement timed over the names": """
import timeit
log = []
# %%
timeit.timeit('log.append(len(log))', globals=globals(), number=3)
# %%
print(log)
""",
    "statement timed with a setup": """
import timeit
hits = {'n': 0}
def hit():
    hits['n'] += 1
# %%
seconds = timeit.timeit('hit()', setup='from __main__ import hit', number=4)
# %%
print(hits)
""",
    "function timed": """
import timeit
calls = []
def work():
    calls.append(tag)
tag = 'x'
# %%
least = min(timeit.repeat(work, number=1, repeat=3))
del least
# %%
print(calls)
""",
    "timer object": """
import timeit
count = [0]
def tick():
    count[0] += step
step = 2
# %%
timer = timeit.Timer('tick()', globals=globals())
timer.timeit(number=3)
# %%
print(count)
""",
    "console over the names": """
import code
x = 3
# %%
console = code.InteractiveConsole(globals())
more = console.push('y = x * 2')
# %%
print(y, more)
""",
    "interpreter over the names": """
import code
values = [1]
# %%
code.InteractiveInterpreter(locals=globals()).runsource('values.append(2)')
# %%
print(values)
""",
    "module run with the names": """
import runpy
start = 5
from pathlib import Path
_ = Path('part.py').write_text('end = start + 1')
# %%
got = runpy.run_path('part.py', init_globals=globals())['end']
# %%
print(got)
""",
    "profile of a statement": """
import cProfile, io, contextlib
seen = []
def job():
    seen.append(word)
word = 'w'
# %%
with contextlib.redirect_stdout(io.StringIO()):
    cProfile.run('job()')
# %%
print(seen)
""",
    "profiled with given names": """
import cProfile
p = cProfile.Profile()
total = [0]
def add(n):
    total[0] += n
# %%
p.runctx('add(4)', globals(), locals())
# %%
print(total)
""",
    # Frames and globals
    "globals through the frame": """
import sys
def lookup(name):
    return sys._getframe(1).f_globals[name]
# %%
answer = 42
# %%
print(lookup('answer'))
""",
    "binds in the caller's globals": """
import inspect
def define(name, value):
    inspect.currentframe().f_back.f_globals[name] = value
# %%
define('planet', 'Mars')
# %%
print(planet)
""",
    "stack searched for a name": """
import inspect
def who_has(name):
    for entry in inspect.stack():
        if name in entry.frame.f_locals:
            return entry.frame.f_locals[name]
# %%
treasure = 'gold'
# %%
print(who_has('treasure'))
""",
    "name of a value found": """
import sys
def name_of(value):
    scope = sys._getframe().f_back.f_locals
    return sorted(n for n in scope if scope[n] is value and not n.startswith('_'))
# %%
mine = object()
also = mine
# %%
print(name_of(mine))
""",
    "globals of a function": """
depth = 1
def dive():
    return depth
# %%
dive.__globals__['depth'] = 7
# %%
print(depth, dive())
""",
    "globals of a method": """
class Reader:
    def read(self, name):
        return self.read.__func__.__globals__[name]
# %%
page = 'p. 1'
# %%
print(Reader().read('page'))
""",
    "globals updated by a function's": """
def f(): pass
ns = f.__globals__
# %%
ns.update(colour='red', size=3)
# %%
print(colour, size)
""",
    "globals kept and looped over": """
g = globals()
tab_a, tab_b = [1], [2]
# %%
for name in [n for n in g if n.startswith('tab_')]:
    g[name].append(0)
# %%
print(tab_a, tab_b)
""",
    "globals in a class": """
class Names:
    ns = globals()
    def get(self, name):
        return self.ns[name]
# %%
flavour = 'mint'
names = Names()
# %%
print(names.get('flavour'))
""",
    "locals at the top": """
l = locals()
# %%
l['fresh'] = 11
# %%
print(fresh, locals()['fresh'], locals() is globals())
""",
    "attributes kept under a name": """
class Box: pass
box = Box()
fields = vars(box)
# %%
fields['w'] = 2
# %%
box.h = 3
# %%
print(fields, box.w, vars(box) is fields)
""",
    "attributes in a list": """
class Cfg:
    def __init__(self):
        self.a = 1
cfg = Cfg()
layers = [cfg.__dict__, {'b': 2}]
# %%
layers[0]['c'] = 3
# %%
print(cfg.c, layers)
""",
    "instance's dict replaced": """
class State: pass
s, t = State(), State()
s.x = 1
t.__dict__ = s.__dict__
# %%
t.y = 2
# %%
print(s.y, s.__dict__ is t.__dict__)
""",
    "names kept by a helper": """
class Shelf(dict):
    def save(self):
        for n, v in list(globals().items()):
            if isinstance(v, int) and n.startswith('k_'):
                self[n] = v
shelf = Shelf()
k_one = 1
# %%
k_two = 2
# %%
shelf.save()
print(sorted(shelf.items()))
""",
    "code given to another function": """
def f():
    return 'f' + suffix
def g():
    return 'g' + suffix
suffix = '1'
# %%
f.__code__ = g.__code__
# %%
suffix = '2'
# %%
print(f(), g())
""",
    "function made of code": """
import types
def area(r):
    return pi3 * r * r
pi3 = 3
# %%
copy = types.FunctionType(area.__code__, globals(), 'copy')
# %%
pi3 = 3.5
# %%
print(copy(2), copy.__globals__ is globals())
""",
    "module imported in a function": """
def read():
    from __main__ import speed
    import __main__ as me
    return speed, me.depth
# %%
speed = 5
# %%
depth = 6
# %%
print(read(), __import__('__main__').speed, __import__('sys').modules[__name__].depth)
""",
    "names taken out of globals": """
old, kept = 1, 2
# %%
value = globals().pop('old')
del globals()['kept']
# %%
print(value, 'old' in globals(), 'kept' in globals())
""",
    "snapshot of the names": """
cfg_a, cfg_b = [1], 'x'
settings = {k: v for k, v in globals().items() if k.startswith('cfg_')}
# %%
cfg_a.append(2)
merged = {**{k: v for k, v in vars().items() if k.startswith('cfg_')}, 'n': 1}
# %%
print(settings, merged, settings['cfg_a'] is cfg_a)
""",
    "configuration in capitals": """
LR = 0.1
# %%
EPOCHS = [1, 2]
# %%
def config():
    return {k: globals()[k] for k in globals() if k.isupper()}
print(sorted(config().items()))
# %%
EPOCHS.append(3)
# %%
print(sorted(config().items()))
""",
    "interpreter kept": """
import code
shell = code.InteractiveInterpreter(globals())
n = 1
# %%
shell.runsource('n = n + 41')
# %%
print(n)
""",
    "doctest of a class with state": """
import doctest
class Stack:
    '''
    >>> s = Stack(); s.push(limit); len(s.items)
    1
    >>> opened
    1
    '''
    def __init__(self):
        self.items = []
    def push(self, x):
        self.items.append(x)
limit = 4
# %%
opened = 1
# %%
finder = doctest.DocTestFinder()
runner = doctest.DocTestRunner()
for test in finder.find(Stack, 'Stack', globs=globals()):
    runner.run(test)
print(runner.summarize())
""",
    "test changes a list": """
import unittest
calls = []
class T(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        calls.append('class')
    def test_a(self):
        calls.append('a')
        self.assertTrue(flag)
flag = True
# %%
res = unittest.main(argv=[''], exit=False, defaultTest='T').result
# %%
print(calls, res.wasSuccessful())
""",
    "caller's variable changed": """
import sys
def put(name, value):
    sys._getframe(1).f_globals.setdefault(name, []).append(value)
found = [0]
# %%
put('found', 1)
# %%
put('other', 2)
# %%
print(found, other)
""",
    "frame walked up": """
import inspect
def depth_of(name):
    frame = inspect.currentframe()
    n = 0
    while frame:
        if name in frame.f_globals and frame.f_globals[name] == 'here':
            return n
        frame, n = frame.f_back, n + 1
marker = 'here'
# %%
print(depth_of('marker'))
""",
    "formatter that looks names up": """
import string
class F(string.Formatter):
    def get_value(self, key, args, kw):
        return kw.get(key) or globals()[key]
f = F()
# %%
city = 'Bern'
# %%
print(f.format('{city} {x}', x=1))
""",
    "names filled in with locals": """
def report():
    inner = 2
    return '{inner} {outer}'.format(**{**globals(), **locals()})
# %%
outer = 3
# %%
print(report(), '%(outer)s' % globals(), f"{globals()['outer']}")
""",
    "local names in a function": """
def f(a, b=2):
    c = [a]
    kept = locals()
    c.append(b)
    return kept
# %%
got = f(1)
# %%
got['c'].append(9)
print(got)
""",
    "attributes updated in bulk": """
class Conf:
    def __init__(self, **kw):
        self.__dict__.update(kw)
c = Conf(a=[1], b=2)
alias = c.a
# %%
vars(c)['a'].append(2)
c.__dict__.update(d=4)
# %%
print(alias, c.d, sorted(vars(c)))
""",
    "type hints drive a loader": """
from typing import get_type_hints
from dataclasses import dataclass, fields
@dataclass
class Wheel:
    size: int
@dataclass
class Car:
    wheel: 'Wheel'
    name: 'str' = 'x'
# %%
def load(cls, data):
    hints = get_type_hints(cls)
    return cls(**{k: load(hints[k], v) if isinstance(v, dict) else convert(hints[k], v) for k, v in data.items()})
# %%
def convert(kind, v):
    return kind(v)
# %%
print(load(Car, {'wheel': {'size': '3'}, 'name': 4}))
""",
}
