"""Imports replayed without running the importing cell; local modules shipped."""

FILES = {
    "local module": {"helpers.py": "FACTOR = 3\n\n\ndef scale(x):\n    return x * FACTOR\n"},
    "local module with state": {
        "registry.py": "items = []\n\n\ndef add(x):\n    items.append(x)\n    return len(items)\n"
    },
    "local module attribute is set": {
        "settings.py": "DEBUG = False\n\n\ndef mode():\n    return DEBUG\n"
    },
    "local package": {
        "pack/__init__.py": "from pack.part import twice\n",
        "pack/part.py": "def twice(x):\n    return 2 * x\n",
    },
    "local module counts": {
        "ticket.py": "n = 0\n\n\ndef take():\n    global n\n    n += 1\n    return n\n"
    },
    "star import of a local module": {"names.py": "alpha = 1\nbeta = [2]\n_hidden = 3\n"},
    "local module on an added path": {"lib/extra.py": "def f():\n    return 'extra'\n"},
    "class of a local module": {
        "shapes.py": "class Square:\n    def __init__(self, a):\n        self.a = a\n\n    def grow(self):\n        self.a += 1\n"
    },
}

NOTEBOOKS = {
    "plain and dotted": """
import os.path
import math as m
from collections import OrderedDict as OD
# %%
x = m.floor(2.5)
# %%
print(x, OD(a=1), os.path.join('a', 'b'))
""",
    "star import": """
from math import *
# %%
r = sqrt(16)
# %%
print(r, floor(pi))
""",
    "star import of a library": """
from numpy import *
# %%
a = arange(3)
# %%
print(a.sum(), zeros(2))
""",
    "fallback import": """
try:
    import does_not_exist_xyz as fast
except ImportError:
    import json as fast
# %%
print(fast.dumps([1]))
""",
    "fallback sets a flag": """
try:
    import does_not_exist_xyz
    HAS = True
except ImportError:
    HAS = False
# %%
print(HAS)
""",
    "import inside a function": """
def area(r):
    import math
    return math.pi * r * r
# %%
print(round(area(2), 3))
""",
    "import in the middle": """
x = 4
import math
y = math.sqrt(x)
# %%
print(math.ceil(y + 0.1))
""",
    "conditional import": """
import sys
if sys.version_info >= (3, 0):
    from io import StringIO
else:
    from StringIO import StringIO
# %%
print(StringIO('a').read())
""",
    "submodule imported by another cell": """
import xml
# %%
import xml.dom.minidom
# %%
print(xml.dom.minidom.parseString('<a/>').documentElement.tagName)
""",
    "local module": """
import helpers
from helpers import scale
# %%
print(scale(2), helpers.FACTOR)
""",
    "local module with state": """
import registry
# %%
registry.add('a')
# %%
print(registry.add('b'), registry.items)
""",
    "local module attribute is set": """
import settings
# %%
settings.DEBUG = True
# %%
print(settings.mode())
""",
    "local package": """
import pack
# %%
print(pack.twice(4), pack.part.twice(1))
""",
    "local module counts": """
from ticket import take
# %%
a = take()
# %%
b = take()
# %%
print(a, b)
""",
    "star import of a local module": """
from names import *
# %%
beta.append(alpha)
# %%
print(beta)
""",
    "local module on an added path": """
import sys
sys.path.insert(0, 'lib')
# %%
import extra
# %%
print(extra.f())
""",
    "class of a local module": """
from shapes import Square
s = Square(2)
# %%
s.grow()
# %%
print(s.a, isinstance(s, Square))
""",
    "import rebinds a name": """
json = 'text'
# %%
print(json.upper())
# %%
import json
# %%
print(json.dumps(1))
""",
    "import deleted": """
import math
# %%
v = math.pi
del math
# %%
try:
    math
except NameError:
    print('gone', round(v, 2))
""",
    "importlib": """
import importlib
js = importlib.import_module('json')
# %%
print(js.dumps({'a': 1}))
""",
    "module in a container": """
import math, cmath
mods = {'m': math, 'c': cmath}
# %%
print(mods['m'].sqrt(4), mods['c'].sqrt(-1))
""",
    "alias of an imported function": """
from math import sqrt
root = sqrt
# %%
print(root(9))
""",
}
