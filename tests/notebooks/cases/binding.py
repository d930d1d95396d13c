"""Conditional and loop binding, unpacking, with, except, for targets, del, redefinition."""

NOTEBOOKS = {
    "conditional binding": """
x = 1
# %%
if x > 5:
    x = 100
# %%
print(x)
""",
    "binding in both branches": """
flag = True
# %%
if flag:
    msg = 'yes'
else:
    msg = 'no'
# %%
print(msg)
""",
    "name bound only sometimes": """
import sys
if len(sys.argv) > 10_000:
    extra = 1
# %%
print('extra' in globals())
""",
    "loop variable survives": """
for i in range(3):
    last = i * 2
# %%
print(i, last)
""",
    "empty loop keeps the old value": """
item = 'before'
things = []
# %%
for item in things:
    pass
# %%
print(item)
""",
    "while loop": """
n = 5
acc = []
# %%
while n:
    acc.append(n)
    n -= 1
# %%
print(n, acc)
""",
    "loop with else and break": """
hit = None
for v in [1, 4, 9]:
    if v > 3:
        hit = v
        break
else:
    hit = 'none'
# %%
print(hit, v)
""",
    "star unpacking": """
first, *rest = [1, 2, 3]
(a, (b, c)) = (1, (2, 3))
# %%
rest.append(4)
# %%
print(first, rest, a, b, c)
""",
    "unpacking shared elements": """
pair = ([1], [2])
# %%
p, q = pair
# %%
p.append(5)
# %%
print(pair, q)
""",
    "with target": """
import io
with io.StringIO('a b c') as f:
    words = f.read().split()
# %%
print(words)
""",
    "contextmanager of the notebook": """
from contextlib import contextmanager
log = []
@contextmanager
def section(name):
    log.append('in ' + name)
    yield name.upper()
    log.append('out ' + name)
# %%
with section('a') as title:
    log.append(title)
# %%
print(log)
""",
    "delete and rebind": """
x = [1]
y = x
# %%
del x
# %%
x = 'new'
# %%
print(x, y)
""",
    "name changes type": """
x = [1, 2, 3]
# %%
x = len(x)
# %%
x = f'{x} items'
# %%
print(x)
""",
    "redefinition across steps": """
df = [3, 1, 2]
# %%
df = sorted(df)
# %%
top = df[0]
# %%
df = [v * 10 for v in df]
# %%
print(top, df)
""",
    "two branches merge": """
raw = [3, 1, 2]
# %%
low = min(raw)
# %%
high = max(raw)
# %%
print(low, high)
""",
    "try with else and finally": """
try:
    v = int('12')
except ValueError:
    v = -1
else:
    w = v + 1
finally:
    done = True
# %%
print(v, w, done)
""",
    "augmented item": """
counts = {'a': 0}
# %%
counts['a'] += 5
# %%
print(counts)
""",
    "multiple targets": """
a = b = []
# %%
a.append(1)
# %%
print(b)
""",
    "underscore is a name": """
_, keep = 1, 2
# %%
for _ in range(2):
    keep += 1
# %%
print(keep)
""",
    "globals written with a literal": """
globals()['fresh'] = [1]
# %%
fresh.append(2)
# %%
print(globals()['fresh'])
""",
    "names made in a loop over globals": """
for i in range(3):
    globals()[f'v{i}'] = i
# %%
print(v0 + v1 + v2)
""",
    "exec of a computed string": """
name = 'made'
# %%
exec(f'{name} = 41')
# %%
print(made + 1)
""",
    "exec changes what exists": """
xs = [1]
code = 'xs.append(2)'
# %%
exec(code)
# %%
print(xs)
""",
    "eval of a literal": """
a, b = 2, 3
# %%
c = eval('a * b')
# %%
print(c)
""",
    "eval of a computed string": """
a, b = 2, 3
expr = ' + '.join(['a', 'b'])
# %%
print(eval(expr))
""",
    "locals at top level": """
u = 5
# %%
locals()['w'] = u + 1
# %%
print(w)
""",
}
