"""Values changed in place: syntax, methods, out=, inplace=, the user's own functions."""

NOTEBOOKS = {
    "append in a later cell": """
xs = []
# %%
xs.append(1)
# %%
xs.append(2)
# %%
print(xs)
""",
    "augmented assignment of a list": """
xs = [1]
ys = xs
# %%
xs += [2]
# %%
print(xs, ys, xs is ys)
""",
    "augmented assignment of a number": """
n = 1
m = n
# %%
n += 1
# %%
print(n, m)
""",
    "item and attribute writes": """
class Bag: pass
bag = Bag()
bag.items = {}
# %%
bag.items['a'] = 1
# %%
bag.size = len(bag.items)
# %%
print(bag.items, bag.size)
""",
    "nested item write": """
cfg = {'a': {'b': [1]}}
inner = cfg['a']
# %%
inner['b'].append(2)
# %%
print(cfg)
""",
    "delete an item": """
d = {'a': 1, 'b': 2}
# %%
del d['a']
# %%
print(d)
""",
    "slice assignment": """
xs = list(range(5))
# %%
xs[1:3] = ['a']
# %%
print(xs)
""",
    "user function mutates its argument": """
def extend(target, value):
    target.append(value)
items = []
# %%
extend(items, 1)
# %%
extend(items, 2)
# %%
print(items)
""",
    "user function mutates through a helper": """
def put(d, k, v):
    d[k] = v
def fill(d):
    for i in range(3):
        put(d, i, i * i)
# %%
table = {}
# %%
fill(table)
# %%
print(table)
""",
    "user function that only reads": """
def count(xs):
    return len(xs)
xs = [1, 2]
# %%
n = count(xs)
# %%
print(n, xs)
""",
    "method mutates self": """
class Stack:
    def __init__(self):
        self.items = []
    def push(self, x):
        self.items.append(x)
        return self
# %%
s = Stack()
# %%
s.push(1).push(2)
# %%
print(s.items)
""",
    "numpy in place": """
import numpy as np
a = np.arange(4)
# %%
a[0] = 10
# %%
a += 1
# %%
print(a)
""",
    "numpy out argument": """
import numpy as np
a = np.ones(3)
buf = np.zeros(3)
# %%
np.add(a, 1, out=buf)
# %%
print(buf)
""",
    "numpy view writes through": """
import numpy as np
a = np.zeros((2, 2))
row = a[0]
# %%
row[:] = 5
# %%
print(a)
""",
    "numpy shuffle in place": """
import numpy as np
np.random.seed(0)
a = np.arange(6)
# %%
np.random.shuffle(a)
# %%
print(a)
""",
    "pandas new column": """
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
# %%
df['b'] = df['a'] * 2
# %%
print(df)
""",
    "pandas inplace": """
import pandas as pd
df = pd.DataFrame({'b': [2, 1], 'a': [1, 2]})
# %%
df.sort_values('b', inplace=True)
df.rename(columns={'b': 'c'}, inplace=True)
# %%
print(df)
""",
    "pandas loc write": """
import pandas as pd
df = pd.DataFrame({'a': [1, 2, 3]})
other = df
# %%
df.loc[df.a > 1, 'a'] = 0
# %%
print(other)
""",
    "pandas column attribute": """
import pandas as pd
df = pd.DataFrame({'a': [1, 2, 3]})
# %%
s = df.a
df.a = df.a + 1
# %%
print(df, s.tolist())
""",
    "pandas pop and drop": """
import pandas as pd
df = pd.DataFrame({'a': [1], 'b': [2], 'y': [3]})
# %%
y = df.pop('y')
# %%
df.drop(columns='b', inplace=True)
# %%
print(df, list(y))
""",
    "heapq": """
import heapq
h = [5, 1, 4]
heapq.heapify(h)
# %%
heapq.heappush(h, 0)
# %%
print(heapq.heappop(h), h)
""",
    "bisect insort": """
import bisect
xs = [1, 3]
# %%
bisect.insort(xs, 2)
# %%
print(xs)
""",
    "sort in place through an alias": """
a = [3, 1, 2]
b = a
# %%
b.sort()
# %%
print(a)
""",
    "dict update and setdefault": """
d = {}
# %%
d.update(a=[1])
# %%
d.setdefault('a', []).append(2)
# %%
print(d)
""",
    "deque rotation": """
from collections import deque
q = deque([1, 2, 3], maxlen=3)
# %%
q.append(4)
# %%
q.rotate(1)
# %%
print(q)
""",
    "setattr": """
class O: pass
o = O()
# %%
setattr(o, 'v', 3)
# %%
print(getattr(o, 'v'))
""",
    "unknown call may mutate": """
from types import SimpleNamespace
import operator
ns = SimpleNamespace(items=[1])
# %%
operator.iadd(ns.items, [2])
# %%
print(ns.items)
""",
    "object of a library is changed": """
from collections import UserList
u = UserList([1])
v = u
# %%
u.append(2)
# %%
print(v)
""",
    "counter update": """
from collections import Counter
c = Counter('aab')
# %%
c.update('bb')
# %%
print(sorted(c.items()))
""",
    "bytearray and memory": """
b = bytearray(b'abc')
# %%
b[0] = 122
b.extend(b'd')
# %%
print(b)
""",
    "swap of two names": """
a, b = [1], [2]
# %%
a, b = b, a
# %%
a.append(3)
print(a, b)
""",
}
