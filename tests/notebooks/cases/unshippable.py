"""Values tied to their process: steps around them run as one, and say so."""

NOTEBOOKS = {
    "generator consumed in two cells": """
g = (i * i for i in range(5))
# %%
first = next(g)
# %%
rest = list(g)
# %%
print(first, rest)
""",
    "generator function": """
def count():
    n = 0
    while True:
        yield n
        n += 1
# %%
c = count()
# %%
a = next(c)
# %%
print(a, next(c))
""",
    "iterator of a list": """
it = iter([1, 2, 3])
# %%
a = next(it)
# %%
print(a, list(it))
""",
    "zip object": """
z = zip('ab', [1, 2])
# %%
print(list(z))
# %%
print(list(z))
""",
    "open file": """
f = open('x.txt', 'w')
# %%
f.write('hello')
# %%
f.close()
# %%
print(open('x.txt').read())
""",
    "database connection": """
import sqlite3
con = sqlite3.connect(':memory:')
# %%
con.execute('create table t (a int)')
con.execute('insert into t values (4)')
# %%
rows = con.execute('select a from t').fetchall()
# %%
print(rows)
""",
    "lock": """
import threading
lock = threading.Lock()
n = 0
# %%
with lock:
    n += 1
# %%
print(n, lock.locked())
""",
    "object holding a lock": """
import threading
class Safe:
    def __init__(self):
        self.lock = threading.Lock()
        self.items = []
    def add(self, x):
        with self.lock:
            self.items.append(x)
s = Safe()
# %%
s.add(1)
# %%
print(s.items)
""",
    "thread": """
import threading
out = []
t = threading.Thread(target=lambda: out.append(1))
# %%
t.start()
# %%
t.join()
# %%
print(out)
""",
    "executor": """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(2)
# %%
fut = pool.submit(pow, 2, 5)
# %%
print(fut.result())
pool.shutdown()
""",
    "dict view": """
d = {'a': 1}
keys = d.keys()
# %%
d['b'] = 2
# %%
print(list(keys))
""",
    "itertools count": """
import itertools
ids = itertools.count(1)
# %%
a = next(ids)
# %%
b = next(ids)
print(a, b)
""",
    "csv reader": """
import csv, io
r = csv.reader(io.StringIO('a,b\\n1,2\\n'))
head = next(r)
# %%
print(head, list(r))
""",
    "string buffer": """
import io
buf = io.StringIO()
# %%
buf.write('one ')
# %%
buf.write('two')
print(buf.getvalue())
""",
    "asyncio task": """
import asyncio
async def slow():
    await asyncio.sleep(0)
    return 5
t = asyncio.create_task(slow())
# %%
print(await t)
""",
    "weak reference": """
import weakref
class A: pass
a = A()
w = weakref.ref(a)
# %%
print(w() is a)
""",
    "generator never used again": """
g = (x for x in range(3))
total = sum(g)
# %%
print(total)
""",
    "logger with a handler": """
import logging, io
stream = io.StringIO()
log = logging.getLogger('table')
log.addHandler(logging.StreamHandler(stream))
# %%
log.warning('careful')
# %%
print(stream.getvalue())
""",
}
