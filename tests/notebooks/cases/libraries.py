"""What libraries keep: in modules, in files that paths open, in caches, in objects they hold."""

NOTEBOOKS = {
    "standard module that is set": """
import mimetypes, locale, socket
# %%
socket.setdefaulttimeout(7)
# %%
print(socket.getdefaulttimeout())
""",
    "file opened by its path": """
from pathlib import Path
log = Path('log.txt')
# %%
with log.open('w') as out:
    out.write('one ')
# %%
with (Path('.') / 'log.txt').open('a') as out:
    out.write('two')
# %%
print(open('log.txt').read())
""",
    "generator inside a frozen distribution": """
import numpy as np
from scipy import stats
generator = np.random.default_rng(5)
waits = stats.expon(scale=2)
waits.random_state = generator
# %%
first = waits.rvs(3)
# %%
print(waits.rvs(2) == first[:2], generator.random())
""",
    "attributes of a class keep their order": """
class Stage:
    load = 1
# %%
Stage.train = 2
Stage.evaluate = 3
# %%
print([name for name in vars(Stage) if not name.startswith('_')])
""",
    "name below an error that is swallowed": """
from contextlib import suppress
# %%
with suppress(ZeroDivisionError):
    before = 1
    1 / 0
    after = 2
# %%
print(before, 'after' in globals())
try:
    print(after)
except NameError as error:
    print(error)
""",
    "types of arrays are those of all arrays": """
import pickle
import numpy as np
parts = {'a': np.ones(3), 'b': np.arange(2)}
# %%
parts['c'] = np.zeros(2)
# %%
print(parts['a'].dtype is np.dtype(float), parts['a'].dtype is parts['c'].dtype, len(pickle.dumps(parts)))
""",
    "json patched": """
import json
calls = []
dumps = json.dumps
def noted(value, **options):
    calls.append(value)
    return dumps(value, **options)
json.dumps = noted
# %%
json.dumps([1])
# %%
print(calls)
""",
    "cached value is changed": """
from functools import lru_cache
@lru_cache(maxsize=None)
def table(size):
    return {'rows': list(range(size))}
# %%
mine = table(2)
# %%
mine['rows'].append('added')
# %%
print(table(2))
""",
    "progress bar that looks for a notebook": """
from tqdm.auto import tqdm
# %%
print(tqdm.__module__)
""",
}
