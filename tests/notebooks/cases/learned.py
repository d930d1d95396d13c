"""What only running shows: it is learned, and the steps are planned anew."""

FILES = {
    "star import that says what it exports": {
        "limits.py": "__all__ = ['LOW']\nLOW, HIGH = 1, 9\n",
    },
}

NOTEBOOKS = {
    "star import that says what it exports": """
from limits import *
# %%
LOW += 1
# %%
print(LOW, 'HIGH' in globals())
""",
    "new type of the notebook": """
from typing import NewType
Metres = NewType('Metres', float)
# %%
height = Metres(1.8)
# %%
print(height, Metres.__name__, Metres.__supertype__)
""",
    "function made in a dict of its own": """
rates = {'rate': 2}
exec('def price(n): return n * rate', rates)
# %%
price = rates['price']
# %%
rates['rate'] = 3
# %%
print(price(2))
""",
    "parser of arguments grows": """
import argparse
parser = argparse.ArgumentParser(prog='tool')
# %%
parser.add_argument('--depth', type=int, default=2)
# %%
print(parser.parse_args(['--depth', '5']))
""",
    "widget that is observed": """
import ipywidgets
seen = []
slider = ipywidgets.IntSlider(value=1)
slider.observe(lambda change: seen.append(change['new']), names='value')
# %%
slider.value = 4
# %%
print(seen)
""",
    "names pushed into the shell": """
get_ipython().push({'limits': [1, 2]})
# %%
limits.append(3)
# %%
print(limits)
""",
    "object that refuses to be pickled": """
class Handle:
    def __init__(self):
        self.uses = 0
    def __reduce__(self):
        raise TypeError('not me')
handle = Handle()
# %%
handle.uses += 1
# %%
print(handle.uses)
""",
    "list found by the garbage collector": """
marked = ['mark', 1]
# %%
import gc
for item in gc.get_objects():
    if type(item) is list and len(item) == len(marked) and item[0] == 'mark':
        item.reverse()
del item
# %%
print(marked)
""",
    "function of a dict of functions, changed by name": """
table = {}
def register(name):
    def keep(function):
        table[name] = function
        return function
    return keep
@register('shift')
def shift(rows, by):
    rows[:] = [row + by for row in rows]
rows = [1, 2]
# %%
table['sh' + 'ift'](rows, 10)
# %%
print(rows)
""",
}
