"""Functions that read and write globals, called in later cells; closures, callbacks, generators of code."""

NOTEBOOKS = {
    "function reads a global bound later": """
def total(a):
    return a + offset
# %%
offset = 10
# %%
print(total(1))
""",
    "captured global is bound at the caller": """
k = 1
def f():
    return k
# %%
k = 2
# %%
print(f())
# %%
k = 3
print(f())
""",
    "transitive globals": """
def inner(x):
    return x * scale
# %%
def outer(x):
    return inner(x) + 1
# %%
scale = 3
# %%
print(outer(2))
# %%
scale = 5
# %%
print(outer(2))
""",
    "mutual recursion": """
def even(n):
    return True if n == 0 else odd(n - 1)
# %%
def odd(n):
    return False if n == 0 else even(n - 1)
# %%
print(even(10), odd(7))
""",
    "lambda over a global": """
factor = 2
scale = lambda v: v * factor
# %%
factor = 7
# %%
print([scale(i) for i in range(3)])
""",
    "callback in a sort": """
weights = {'a': 3, 'b': 1}
def weight(x):
    return weights[x]
# %%
print(sorted('ab', key=weight))
# %%
weights['a'] = 0
# %%
print(sorted('ab', key=weight))
""",
    "callback that appends": """
seen = []
def note(x):
    seen.append(x)
    return x
# %%
list(map(note, [1, 2, 3]))
# %%
print(seen)
""",
    "closure counter": """
def counter():
    n = 0
    def step():
        nonlocal n
        n += 1
        return n
    return step
tick = counter()
# %%
tick()
# %%
tick()
# %%
print(tick())
""",
    "two closures share a cell": """
def account():
    balance = [0]
    def deposit(x):
        balance[0] += x
    def show():
        return balance[0]
    return deposit, show
deposit, show = account()
# %%
deposit(5)
# %%
deposit(7)
# %%
print(show())
""",
    "default argument keeps state": """
def remember(x, seen=[]):
    seen.append(x)
    return list(seen)
# %%
remember(1)
# %%
remember(2)
# %%
print(remember(3))
""",
    "default argument is bound at definition": """
k = 1
def f(x, k=k):
    return x + k
# %%
k = 100
# %%
print(f(1))
""",
    "function attribute as state": """
def f():
    f.calls += 1
f.calls = 0
# %%
f()
# %%
f()
print(f.calls)
# %%
print(f.calls)
""",
    "global statement writes": """
total = 0
def add(x):
    global total
    total += x
# %%
add(3)
# %%
add(4)
# %%
print(total)
""",
    "global statement creates a name": """
def setup():
    global config
    config = {'depth': 3}
# %%
setup()
# %%
print(config['depth'])
""",
    "decorator with a registry": """
registry = {}
def register(f):
    registry[f.__name__] = f
    return f
# %%
@register
def a():
    return 1
# %%
@register
def b():
    return 2
# %%
print(sorted(registry), registry['a']() + registry['b']())
""",
    "decorator that wraps": """
import functools
calls = []
def logged(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        calls.append(f.__name__)
        return f(*args, **kwargs)
    return wrapper
# %%
@logged
def double(x):
    return 2 * x
# %%
y = double(4)
# %%
print(y, calls, double.__name__)
""",
    "redefined helper": """
def helper():
    return 'old'
def use():
    return helper()
# %%
print(use())
# %%
def helper():
    return 'new'
# %%
print(use())
""",
    "async function with top-level await": """
import asyncio
rate = 2
async def fetch(x):
    await asyncio.sleep(0)
    return x * rate
# %%
rate = 5
# %%
r = await fetch(3)
# %%
print(r)
""",
    "async gather": """
import asyncio
results = []
async def work(i):
    await asyncio.sleep(0)
    results.append(i)
# %%
await asyncio.gather(work(1), work(2))
# %%
print(sorted(results))
""",
    "function passed as a value": """
def apply(f, x):
    return f(x)
# %%
base = 10
def plus(x):
    return x + base
# %%
base = 20
# %%
print(apply(plus, 1))
""",
    "functions in a dict": """
bias = 1
ops = {'inc': lambda x: x + bias, 'neg': lambda x: -x}
# %%
bias = 5
# %%
print(ops['inc'](1), ops['neg'](2))
""",
    "partial application": """
from functools import partial
log = []
def write(level, text):
    log.append((level, text))
warn = partial(write, 'warn')
# %%
warn('hot')
# %%
warn('hotter')
# %%
print(log)
""",
    "recursion with a memo": """
memo = {}
def fib(n):
    if n in memo:
        return memo[n]
    memo[n] = n if n < 2 else fib(n - 1) + fib(n - 2)
    return memo[n]
# %%
print(fib(20))
# %%
print(len(memo))
""",
    "kwargs passed through": """
store = {}
def save(**kw):
    store.update(kw)
# %%
save(a=1, b=2)
# %%
print(sorted(store.items()))
""",
    "function made by exec of a literal": """
exec("def g(x):\\n    return x + shift")
# %%
shift = 4
# %%
print(g(1))
""",
    "lru_cache function": """
from functools import lru_cache
@lru_cache(maxsize=None)
def slow(n):
    return n * n
# %%
print(slow(4))
# %%
print(slow(5))
""",
    "singledispatch": """
from functools import singledispatch
@singledispatch
def show(x):
    return 'any'
# %%
@show.register(int)
def _(x):
    return 'int'
# %%
print(show(1), show('a'))
""",
}
