"""f-strings, query strings, format maps, templates, globals()."""

NOTEBOOKS = {
    "f-string": """
who, n = 'ann', 3
# %%
text = f'{who!r} has {n + 1:>4} and {[i for i in range(n)]}'
# %%
print(text)
""",
    "query with a name": """
import pandas as pd
df = pd.DataFrame({'a': [1, 2, 3]})
# %%
limit = 1
# %%
print(df.query('a > @limit'))
""",
    "query string in a variable": """
import pandas as pd
df = pd.DataFrame({'a': [1, 2, 3]})
low = 2
# %%
q = 'a >= ' + '@low'
# %%
print(len(df.query(q)))
""",
    "frame eval in place": """
import pandas as pd
df = pd.DataFrame({'a': [1, 2], 'b': [3, 4]})
# %%
k = 10
df.eval('c = a + b * @k', inplace=True)
# %%
print(df)
""",
    "pd.eval": """
import pandas as pd
u = pd.Series([1, 2])
v = pd.Series([3, 4])
# %%
print(pd.eval('u + v').tolist())
""",
    "format with globals": """
city = 'Rome'
# %%
print('{city}'.format(**globals()))
""",
    "globals lookup": """
speed = 3
# %%
key = 'speed'
print(globals()[key])
""",
    "vars and dir": """
alpha_1, alpha_2 = 1, 2
# %%
names = sorted(n for n in dir() if n.startswith('alpha_'))
# %%
print(names)
""",
    "main module": """
depth = 7
# %%
import __main__
print(__main__.depth)
""",
    "main module written": """
import __main__
# %%
__main__.injected = [1]
# %%
print(injected)
""",
    "template string": """
from string import Template
name = 'x'
# %%
print(Template('$a $b').substitute(a=name, b=2))
""",
    "getattr with a computed name": """
class Tools:
    def up(self, s):
        return s.upper()
tools = Tools()
# %%
which = 'up'
# %%
print(getattr(tools, which)('a'))
""",
    "assert message": """
need = [1]
# %%
assert len(need) == 1, f'{need}'
print('ok')
""",
}
