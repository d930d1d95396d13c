"""Changes that no assignment shows: through cells of arrays, options, default values, operators."""

NOTEBOOKS = {
    "dicts in an object array": """
import numpy as np
red, blue = {'n': 1}, {'n': 2}
both = np.array([red, blue], dtype=object)
# %%
both[1]['n'] = 20
# %%
print(red, blue, both[1] is blue)
""",
    "instances in an object array": """
import numpy as np
class Cell:
    def __init__(self):
        self.hits = 0
    def hit(self):
        self.hits += 1
cells = [Cell(), Cell()]
grid = np.array(cells)
# %%
grid[0].hit()
for cell in grid:
    cell.hit()
# %%
print([c.hits for c in cells], grid[1] is cells[1])
""",
    "copy of an object array": """
import numpy as np
bag = [1]
store = np.empty(1, object)
store[0] = bag
twin = store.copy()
# %%
twin[0].append(2)
# %%
print(bag, store)
""",
    "lists in a column": """
import pandas as pd
labels = [['x'], ['y']]
frame = pd.DataFrame({'labels': labels, 'n': [1, 2]})
# %%
frame['labels'].iloc[1].append('z')
# %%
print(labels, frame['labels'].tolist())
""",
    "lists in a copied frame": """
import pandas as pd
frame = pd.DataFrame({'tags': [['a'], ['b']]})
other = frame.copy()
# %%
other.at[0, 'tags'].append('c')
# %%
print(frame['tags'].tolist())
""",
    "dict put into a cell": """
import pandas as pd
options = {'depth': 1}
frame = pd.DataFrame({'o': [None, None]}, dtype=object)
frame.at[0, 'o'] = options
# %%
options['depth'] = 5
# %%
print(frame.at[0, 'o'])
""",
    "counts in place by ufunc": """
import numpy as np
votes = np.zeros(3, dtype=int)
scale = np.array([1.0, 4.0, 9.0])
# %%
np.add.at(votes, [2, 2, 0], 1)
np.sqrt(scale, scale)
# %%
np.add.accumulate(votes, 0, None, votes)
# %%
print(votes, scale)
""",
    "sum written to an argument": """
import numpy as np
m = np.arange(4.0).reshape(2, 2)
total = np.zeros(2)
# %%
np.sum(m, 0, None, total)
m.clip(1, 2, m)
# %%
print(m, total)
""",
    "out among passed options": """
import numpy as np
def scaled(a, **how):
    return np.multiply(a, 3, **how)
a = np.array([1, 2])
# %%
scaled(a, out=a)
# %%
opts = {}
opts['out'] = a
np.add(a, 1, **opts)
# %%
print(a)
""",
    "in-place option handed on": """
import pandas as pd
def tidy(frame, **how):
    frame.rename(columns=str.upper, **how)
df = pd.DataFrame({'a': [1]})
# %%
tidy(df, inplace=True)
# %%
print(list(df.columns))
""",
    "in-place option chosen by name": """
import pandas as pd
df = pd.DataFrame({'a': [2.0, None]})
how = dict(inplace=True)
# %%
df.dropna(**how)
# %%
print(len(df))
""",
    "option that leaves a frame alone": """
import pandas as pd
df = pd.DataFrame({'a': [2, 1]})
how = {'ascending': True, 'by': 'a'}
# %%
print(df.sort_values(**how)['a'].tolist())
# %%
print(df['a'].tolist())
""",
    "default value made by reading": """
from collections import defaultdict
groups = defaultdict(list)
# %%
groups['a'].append(1)
empty = groups['b']
# %%
empty.append(2)
# %%
print(dict(groups))
""",
    "default values two deep": """
from collections import defaultdict
tree = defaultdict(lambda: defaultdict(int))
def seen(key, sub):
    return tree[key][sub]
# %%
seen('x', 'y')
# %%
tree['x']['z'] += 3
# %%
print({k: dict(v) for k, v in tree.items()})
""",
    "missing value made by a class": """
class Squares(dict):
    def __missing__(self, n):
        self[n] = n * n
        return self[n]
table = Squares()
# %%
print(table[3])
# %%
print(len(table), dict(table))
""",
    "getters and callers": """
from operator import attrgetter, itemgetter, methodcaller
class Box:
    def __init__(self):
        self.inside = []
boxes = {'a': Box()}
inside = attrgetter('inside')
first = itemgetter('a')
drop = methodcaller('clear')
# %%
inside(first(boxes)).append(1)
# %%
held = inside(boxes['a'])
print(held)
list(map(drop, [held]))
# %%
print(boxes['a'].inside)
""",
    "methods called on their class": """
items, seen, found = [3, 1], set(), {}
# %%
list.append(items, 2)
set.add(seen, 'x')
dict.update(found, a=1)
# %%
list.sort(items)
# %%
print(items, seen, found)
""",
    "frame grouped before it changes": """
import pandas as pd
df = pd.DataFrame({'k': ['a', 'b', 'a'], 'v': [1, 2, 3]})
by = df.groupby('k')
roll = df['v'].rolling(2)
# %%
print(by['v'].sum().to_dict())
df['v'] = df['v'] * 2
# %%
print(by['v'].sum().to_dict(), roll.sum().tolist())
""",
    "index of two frames": """
import pandas as pd
days = pd.date_range('2024-01-01', periods=2)
left = pd.DataFrame({'a': [1, 2]}, index=days)
right = pd.Series([3, 4], index=days)
# %%
days.name = 'day'
# %%
print(left.index.name, right.index.name)
""",
    "list inside itself": """
snake = [0]
snake.append(snake)
pair = {}
pair['me'] = pair
# %%
snake[1][1][1].insert(0, 'head')
pair['me']['me']['n'] = 1
# %%
print(snake[0], len(snake), pair['n'])
""",
    "class enrolled by a decorator": """
from abc import ABC
class Shape(ABC):
    pass
# %%
@Shape.register
class Dot:
    pass
# %%
print(issubclass(Dot, Shape), isinstance(Dot(), Shape))
""",
}
