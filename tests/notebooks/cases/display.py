"""Display-only cells, history of outputs, empty cells, print."""

NOTEBOOKS = {
    "display only": """
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
# %%
df.head()
# %%
df.describe()
# %%
df['b'] = 1
df
""",
    "last output": """
6 * 7
# %%
x = _ + 1
# %%
print(x)
""",
    "numbered output": """
'a'
# %%
'b'
# %%
print(Out[1] + _2)
""",
    "comments only": """
x = 1
# %%
# nothing here
# %%

# %%
print(x)
""",
    "print and display": """
from IPython.display import display
v = {'a': 1}
# %%
print('one')
display(v)
v
""",
    "help line": """
import math
# %%
x = 3
# %%
print(math.sqrt(x + 1))
""",
    "plot": """
import matplotlib.pyplot as plt
xs = [1, 2, 3]
# %%
plt.plot(xs)
plt.title('t')
plt.show()
# %%
print(len(xs))
""",
    "figure used in a later cell": """
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
# %%
ax.plot([1, 2])
ax.set_title('later')
# %%
print(ax.get_title(), len(fig.axes[0].lines))
""",
    "rich repr of a class": """
class R:
    def __init__(self): self.n = 0
    def _repr_html_(self):
        self.n += 1
        return f'<b>{self.n}</b>'
    def __repr__(self): return 'R'
r = R()
# %%
r
# %%
r
# %%
print(r.n)
""",
    "docstring cell": """
'''just text'''
# %%
y = 2
# %%
y
""",
}
