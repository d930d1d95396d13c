"""Aliases, views and containers that share an object: one bundle, identity kept."""

NOTEBOOKS = {
    "alias mutated through one name": """
a = [1]
b = a
# %%
b.append(2)
# %%
print(a)
""",
    "container shares an element": """
row = [0]
grid = [row, row]
# %%
row.append(1)
# %%
print(grid, grid[0] is grid[1])
""",
    "alias made in another cell": """
a = {'n': 1}
# %%
b = {'inner': a}
# %%
a['n'] = 2
# %%
print(b)
""",
    "identity compared": """
a = object()
b = a
# %%
c = [a]
# %%
print(a is b, c[0] is a)
""",
    "copy does not share": """
import copy
a = [[1]]
b = copy.copy(a)
c = copy.deepcopy(a)
# %%
a[0].append(2)
# %%
print(b, c)
""",
    "object graph with cycles": """
class Node:
    def __init__(self, name):
        self.name = name
        self.next = None
a, b = Node('a'), Node('b')
# %%
a.next = b
b.next = a
# %%
a.next.name = 'B'
# %%
print(b.name, a.next.next is a)
""",
    "list kept by an object": """
class Model:
    def __init__(self, log):
        self.log = log
log = []
m = Model(log)
# %%
m.log.append('x')
# %%
print(log)
""",
    "membership by identity": """
class Node: pass
nodes = [Node(), Node()]
first = nodes[0]
# %%
seen = {first}
# %%
print([n in seen for n in nodes])
""",
    "transpose shares memory": """
import numpy as np
a = np.arange(4).reshape(2, 2)
t = a.T
# %%
a[0, 1] = 99
# %%
print(t)
""",
    "reshape and ravel": """
import numpy as np
a = np.zeros(4)
m = a.reshape(2, 2)
# %%
m[0, 0] = 1
# %%
print(a)
""",
    "values of a frame": """
import numpy as np, pandas as pd
arr = np.zeros((2, 2))
d = {'arr': arr}
# %%
d['arr'][0, 0] = 7
# %%
print(arr)
""",
    "two aliases rebound": """
a = [1]
b = a
# %%
a = a + [2]
# %%
a.append(3)
print(a, b)
""",
    "alias through a function": """
def same(x):
    return x
a = [1]
# %%
b = same(a)
# %%
b.append(2)
# %%
print(a)
""",
    "alias through a conditional": """
a, c = [1], [2]
flag = True
# %%
b = a if flag else c
# %%
b.append(9)
# %%
print(a, c)
""",
    "shared default dict": """
from collections import defaultdict
groups = defaultdict(list)
first = groups['x']
# %%
first.append(1)
# %%
print(dict(groups))
""",
    "zip of two lists in a dict": """
keys, vals = ['a', 'b'], [[1], [2]]
d = dict(zip(keys, vals))
# %%
d['a'].append(5)
# %%
print(vals)
""",
    "three names in two cells": """
base = [0]
# %%
left = {'base': base}
# %%
right = {'base': base}
# %%
left['base'].append(1)
# %%
print(right, base)
""",
    "weak independence": """
a = [1]
b = [2]
# %%
a.append(1)
# %%
b.append(2)
# %%
print(a, b)
""",
    "tuple holding a list": """
t = ([],)
# %%
t[0].append(1)
# %%
u = t
print(u, t is u)
""",
    "attribute alias of a class": """
class Config:
    options = {}
opts = Config.options
# %%
opts['x'] = 1
# %%
print(Config.options)
""",
}
