"""Comprehension and class scopes, walrus, shadowed builtins, annotations, match."""

NOTEBOOKS = {
    "comprehension does not leak": """
x = 'outer'
squares = [x * x for x in range(3)]
# %%
print(x, squares)
""",
    "comprehension reads a global": """
k = 3
# %%
rows = [[i * k for i in range(2)] for j in range(2)]
# %%
k = 9
print(rows, {i: k for i in range(2)})
""",
    "class body reads a global": """
size = 4
# %%
class Box:
    width = size
    area = width * width
# %%
size = 100
# %%
print(Box.area, Box.width)
""",
    "class body comprehension scope": """
n = 2
# %%
class C:
    n = 5
    items = [n for _ in range(n)]
# %%
print(C.items)
""",
    "walrus in a condition": """
data = [1, 5, 9]
# %%
if (big := max(data)) > 3:
    flag = True
# %%
print(big, flag)
""",
    "walrus leaks from a comprehension": """
vals = [last := v * 2 for v in range(4)]
# %%
print(last, vals)
""",
    "shadowed builtin": """
sum = 3
# %%
print(sum + 1)
# %%
del sum
# %%
print(sum([1, 2]))
""",
    "shadowed builtin list": """
list = [1, 2]
# %%
list.append(3)
# %%
print(list)
""",
    "annotation without value": """
x: int
y: int = 3
# %%
print(y)
""",
    "annotations read names": """
from typing import List
Vector = List[float]
# %%
def norm(v: Vector) -> float:
    return sum(i * i for i in v)
# %%
print(norm([1.0, 2.0]), norm.__annotations__)
""",
    "match binds names": """
command = ('move', 3, 4)
# %%
match command:
    case ('move', x, y):
        where = (x, y)
    case _:
        where = None
# %%
print(where, x)
""",
    "match on a class": """
from dataclasses import dataclass
@dataclass
class Point:
    x: int
    y: int
# %%
p = Point(1, 2)
# %%
match p:
    case Point(x=px, y=py):
        print(px + py)
# %%
print(px)
""",
    "match mapping rest": """
d = {'kind': 'a', 'u': 1, 'v': 2}
# %%
match d:
    case {'kind': k, **rest}:
        pass
# %%
print(k, rest)
""",
    "lambda in a loop binds late": """
fs = [lambda: i for i in range(3)]
# %%
print([f() for f in fs])
# %%
gs = []
for j in range(3):
    gs.append(lambda: j)
# %%
j = 10
print([g() for g in gs])
""",
    "nested function scopes": """
def outer():
    x = 'o'
    def mid():
        def inner():
            return x + y
        return inner()
    return mid()
# %%
y = 'g'
# %%
print(outer())
""",
    "except target vanishes": """
try:
    1 / 0
except ZeroDivisionError as e:
    text = str(e)
# %%
print(text)
try:
    e
except NameError:
    print('gone')
""",
    "name guarded by NameError": """
try:
    cache
except NameError:
    cache = {}
# %%
cache['a'] = 1
# %%
try:
    cache
except NameError:
    cache = 'lost'
print(cache)
""",
    "main guard": """
def main():
    global result
    result = 42
# %%
if __name__ == '__main__':
    main()
# %%
print(result)
""",
}
