"""Effects that are no names: files, environment, working directory, random state, settings."""

NOTEBOOKS = {
    "file written then read": """
import json
with open('a.json', 'w') as f:
    json.dump({'k': 1}, f)
# %%
with open('a.json') as f:
    print(json.load(f))
""",
    "file appended twice": """
open('log.txt', 'w').close()
# %%
with open('log.txt', 'a') as f:
    f.write('one ')
# %%
with open('log.txt', 'a') as f:
    f.write('two')
# %%
print(open('log.txt').read())
""",
    "csv round trip": """
import pandas as pd
pd.DataFrame({'a': [1, 2]}).to_csv('t.csv', index=False)
# %%
print(pd.read_csv('t.csv'))
""",
    "path object": """
from pathlib import Path
p = Path('d')
p.mkdir(exist_ok=True)
# %%
(p / 'x.txt').write_text('hey')
# %%
print(sorted(q.name for q in p.iterdir()), (p / 'x.txt').read_text())
""",
    "file removed": """
import os
open('tmp.txt', 'w').close()
# %%
os.remove('tmp.txt')
# %%
print(os.path.exists('tmp.txt'))
""",
    "environment": """
import os
os.environ['MODE'] = 'fast'
# %%
print(os.environ['MODE'])
""",
    "environment from a value": """
import os
mode = 'slow'.upper()
# %%
os.environ['MODE2'] = mode
# %%
def read():
    return os.getenv('MODE2')
# %%
print(read())
""",
    "working directory": """
import os
os.makedirs('inner', exist_ok=True)
os.chdir('inner')
# %%
open('f.txt', 'w').write('x')
# %%
print(os.listdir('.'))
""",
    "random seed chain": """
import random
random.seed(3)
# %%
a = random.random()
# %%
b = random.random()
# %%
print(a, b)
""",
    "numpy seed and draws in functions": """
import numpy as np
np.random.seed(1)
def draw(n):
    return np.random.rand(n)
# %%
x = draw(2)
# %%
y = draw(2)
# %%
print(x, y)
""",
    "seed then a deterministic cell between": """
import numpy as np
np.random.seed(42)
# %%
a = np.random.normal(size=3)
# %%
c = a.sum()
# %%
b = np.random.normal(size=3)
print(b, c)
""",
    "generator object": """
import numpy as np
rng = np.random.default_rng(0)
# %%
a = rng.normal()
# %%
b = rng.normal()
print(a, b)
""",
    "random.Random object": """
import random
r = random.Random(5)
# %%
xs = [r.randint(0, 9) for _ in range(3)]
# %%
print(xs, r.random())
""",
    "pandas sample after a seed": """
import numpy as np, pandas as pd
np.random.seed(0)
df = pd.DataFrame({'a': range(10)})
# %%
s1 = df.sample(3)
# %%
s2 = df.sample(3)
print(s1.index.tolist(), s2.index.tolist())
""",
    "train_test_split on the global state": """
import numpy as np
from sklearn.model_selection import train_test_split
np.random.seed(7)
X = np.arange(20).reshape(10, 2)
# %%
a, b = train_test_split(X)
# %%
c, d = train_test_split(X)
print(a.tolist(), c.tolist())
""",
    "pandas options": """
import pandas as pd
pd.set_option('display.max_rows', 4)
# %%
print(pd.DataFrame({'a': range(20)}))
""",
    "pandas option from a value": """
import pandas as pd
rows = 2 + 2
# %%
pd.set_option('display.max_rows', rows)
# %%
print(pd.get_option('display.max_rows'))
""",
    "numpy print options": """
import numpy as np
np.set_printoptions(precision=2, suppress=True)
# %%
print(np.array([1.23456]))
""",
    "warnings filter": """
import warnings
warnings.filterwarnings('ignore')
# %%
warnings.warn('quiet')
print('done')
""",
    "rcParams": """
import matplotlib.pyplot as plt
plt.rcParams['figure.figsize'] = (3, 2)
# %%
print(plt.rcParams['figure.figsize'])
""",
    "rcParams from a value": """
import matplotlib.pyplot as plt
w = 3 * 2
# %%
plt.rcParams['figure.figsize'] = [w, 2]
# %%
print(plt.rcParams['figure.figsize'])
""",
    "module attribute patched": """
import math
def fake(x):
    return 'patched'
# %%
math.sqrt = fake
# %%
print(math.sqrt(4))
# %%
import importlib
""",
    "decimal context": """
from decimal import Decimal, getcontext
getcontext().prec = 5
# %%
print(Decimal(1) / Decimal(3))
""",
    "recursion limit": """
import sys
sys.setrecursionlimit(5000)
# %%
print(sys.getrecursionlimit())
""",
    "option context": """
import pandas as pd, numpy as np
df = pd.DataFrame({'a': range(9)})
# %%
with pd.option_context('display.max_rows', 3):
    print(df)
# %%
with np.errstate(divide='ignore'):
    print(np.array([1.0]) / 0)
""",
    "logging": """
import logging
log = logging.getLogger('demo')
log.setLevel(logging.ERROR)
# %%
print(log.isEnabledFor(logging.INFO))
""",
    "pickle file": """
import pickle
data = {'a': [1]}
# %%
with open('d.pkl', 'wb') as f:
    pickle.dump(data, f)
# %%
with open('d.pkl', 'rb') as f:
    back = pickle.load(f)
print(back == data, back is data)
""",
    "sys.path": """
import sys
sys.path.append('/nowhere/special')
# %%
print('/nowhere/special' in sys.path)
""",
}
