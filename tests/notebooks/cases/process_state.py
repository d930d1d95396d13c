"""State of the process that no name holds: logs, registries, settings, open figures, modules."""

NOTEBOOKS = {
    "log file set up by a value": """
import logging
target = 'audit' + '.log'
# %%
logging.basicConfig(filename=target, filemode='w', level=logging.DEBUG, format='%(name)s|%(message)s')
# %%
logging.getLogger('etl').debug('rows %d', 12)
# %%
logging.error('stopped')
# %%
print(open(target).read())
""",
    "log file handler on a named logger": """
import logging
log = logging.getLogger('prep')
log.setLevel(logging.INFO)
log.propagate = False
to_file = logging.FileHandler('prep.txt', mode='w')
to_file.setFormatter(logging.Formatter('%(levelname)s: %(message)s'))
log.addHandler(to_file)
# %%
log.info('first')
log.debug('not this')
# %%
def clean(n):
    log.warning('dropped %s', n)
    return n - 1
left = clean(5)
# %%
print(left, open('prep.txt').read().splitlines())
""",
    "log lines to the output": """
import logging, sys
fmt = '%(levelname)-8s %(message)s'
# %%
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format=fmt, force=True)
# %%
logging.info('shown')
logging.debug('hidden')
# %%
logging.getLogger().setLevel(logging.DEBUG)
# %%
logging.debug('shown now')
""",
    "log handler of one's own": """
import logging
class Keep(logging.Handler):
    def __init__(self):
        super().__init__()
        self.seen = []
    def emit(self, record):
        self.seen.append(record.getMessage())
keep = Keep()
logging.getLogger('app').addHandler(keep)
# %%
logging.getLogger('app').warning('one')
# %%
logging.getLogger('app').error('two')
# %%
print(keep.seen)
""",
    "log kept in a text buffer": """
import logging, io
text = io.StringIO()
h = logging.StreamHandler(text)
h.setLevel(logging.ERROR)
logging.getLogger('svc').addHandler(h)
# %%
logging.getLogger('svc').error('bad')
logging.getLogger('svc').warning('meh')
# %%
print(repr(text.getvalue()))
""",
    "log set up from a dict": """
import logging.config
conf = {'version': 1, 'formatters': {'f': {'format': '<%(message)s>'}},
        'handlers': {'out': {'class': 'logging.StreamHandler', 'formatter': 'f', 'stream': 'ext://sys.stdout'}},
        'loggers': {'jobs': {'handlers': ['out'], 'level': 'INFO'}}}
# %%
logging.config.dictConfig(conf)
# %%
logging.getLogger('jobs').info('ran')
# %%
logging.getLogger('jobs.sub').debug('no')
logging.getLogger('jobs.sub').info('yes')
""",
    "log level of a library lowered": """
import logging
noisy = ['urllib3', 'matplotlib']
# %%
for n in noisy:
    logging.getLogger(n).setLevel(logging.ERROR)
# %%
print([logging.getLogger(n).level for n in noisy], logging.getLogger('matplotlib').isEnabledFor(30))
""",
    "log handlers removed": """
import logging, sys
log = logging.getLogger('twice')
log.addHandler(logging.StreamHandler(sys.stdout))
# %%
log.warning('a')
# %%
log.handlers.clear()
log.addHandler(logging.StreamHandler(sys.stdout))
log.addHandler(logging.NullHandler())
# %%
log.warning('b')
print(len(log.handlers), logging.getLogger('twice') is log)
""",
    "log level with a name": """
import logging, sys
LOUD = 35
# %%
logging.addLevelName(LOUD, 'LOUD')
logging.basicConfig(stream=sys.stdout, format='%(levelname)s-%(message)s', force=True)
# %%
logging.log(LOUD, 'hey')
# %%
logging.disable(LOUD)
# %%
logging.log(LOUD, 'nothing')
print(logging.getLevelName(35))
""",
    "settings replayed after settings that travel": """
import pandas as pd
wide = 3 + 1
# %%
pd.set_option('display.max_rows', wide)
# %%
pd.set_option('display.max_rows', 7)
# %%
print(pd.get_option('display.max_rows'))
""",
    "errors of numpy raised from a dict": """
import numpy as np
before = np.seterr(all='ignore')
want = {'divide': 'raise'}
# %%
np.seterr(**want)
# %%
try:
    print(np.float64(1) / np.float64(0))
except FloatingPointError as e:
    print('raised', e)
# %%
np.seterr(**before)
print(np.geterr()['divide'])
# %%
print(sorted(np.geterr().items()))
""",
    "decimal precision from a value": """
import decimal
digits = len('123456')
# %%
ctx = decimal.getcontext()
ctx.prec = digits
ctx.rounding = decimal.ROUND_DOWN
# %%
print(decimal.Decimal(2) / 3)
# %%
with decimal.localcontext() as local:
    local.prec = 2
    print(decimal.Decimal(2) / 3)
print(decimal.Decimal(2) / 3)
""",
    "recursion limit from a value": """
import sys
deep = 2500
# %%
sys.setrecursionlimit(deep + 1)
# %%
print(sys.getrecursionlimit())
""",
    "locale set": """
import locale
name = 'C.UTF-8'
# %%
locale.setlocale(locale.LC_ALL, name)
# %%
print(locale.setlocale(locale.LC_NUMERIC))
""",
    "frame accessor of one's own": """
import pandas as pd
@pd.api.extensions.register_dataframe_accessor('shape_of')
class ShapeOf:
    def __init__(self, frame):
        self._frame = frame
    def text(self):
        return 'x'.join(map(str, self._frame.shape))
# %%
df = pd.DataFrame({'a': [1, 2], 'b': [3, 4]})
# %%
print(df.shape_of.text())
# %%
print(df.T.iloc[:1].shape_of.text())
""",
    "accessor registered by a call": """
import pandas as pd
class Bag:
    def __init__(self, s):
        self.s = s
    def top(self):
        return self.s.value_counts().index[0]
# %%
pd.api.extensions.register_series_accessor('bag')(Bag)
# %%
words = pd.Series(['a', 'b', 'b'])
# %%
print(words.bag.top())
""",
    "codec error handler registered": """
import codecs
def dash(error):
    return ('-', error.end)
codecs.register_error('dash', dash)
# %%
print('naïve'.encode('ascii', 'dash'))
""",
    "copying taught to copyreg": """
import copyreg, copy
class Point:
    def __init__(self, x): self.x = x
def reduce_point(p):
    return Point, (p.x + 100,)
copyreg.pickle(Point, reduce_point)
# %%
p = Point(1)
# %%
print(copy.copy(p).x)
""",
    "colour map registered": """
import matplotlib
from matplotlib.colors import ListedColormap
matplotlib.colormaps.register(ListedColormap(['#000000', '#ff0000'], name='mine'), force=True)
# %%
import matplotlib.pyplot as plt
# %%
print(plt.get_cmap('mine').N)
""",
    "json encoder replaced": """
import json, datetime
def plain(self, o):
    return o.isoformat()
json.JSONEncoder.default = plain
# %%
print(json.dumps({'d': datetime.date(2024, 1, 2)}))
""",
    "dialect of csv": """
import csv, io
csv.register_dialect('bars', delimiter='|')
# %%
print(list(csv.reader(['a|b'], 'bars')))
""",
    "warnings shown one's own way": """
import warnings
def show(message, category, *rest):
    print('WARN', category.__name__, message)
warnings.showwarning = show
# %%
warnings.warn('careful')
# %%
warnings.warn('again', DeprecationWarning)
""",
    "display hook replaced": """
import sys
def say(value):
    if value is not None:
        print('->', value)
old, sys.displayhook = sys.displayhook, say
# %%
6 * 7
# %%
sys.displayhook = old
# %%
6 * 8
""",
    "formatter for a class": """
class Money:
    def __init__(self, n): self.n = n
get_ipython().display_formatter.formatters['text/html'].for_type(Money, lambda m: f'<b>{m.n}</b>')
# %%
Money(3)
# %%
from IPython.display import display
display(Money(4))
""",
    "formatter for plain numbers": """
plain = get_ipython().display_formatter.formatters['text/plain']
plain.for_type(float, lambda x, p, cycle: p.text(f'{x:.2f}'))
# %%
x = 2 / 3
# %%
x
""",
    "line magic of one's own": """
from IPython.core.magic import register_line_magic
@register_line_magic
def shout(line):
    return line.upper() + '!'
# %%
%shout hello
# %%
loud = %shout again
print(loud)
""",
    "cell magic of one's own": """
from IPython.core.magic import register_cell_magic
count = 0
@register_cell_magic
def twice(line, cell):
    for _ in range(2):
        get_ipython().run_cell(cell)
# %%
%%twice
count += 1
# %%
print(count)
""",
    "magics in a class": """
from IPython.core.magic import Magics, magics_class, line_magic
@magics_class
class Mine(Magics):
    calls = 0
    @line_magic
    def tick(self, line):
        self.calls += 1
        return self.calls
get_ipython().register_magics(Mine)
# %%
%tick
# %%
n = %tick
print(n)
""",
    "magic registered by a call": """
def rev(line):
    return line[::-1]
ip = get_ipython()
ip.register_magic_function(rev, 'line', 'backwards')
# %%
%backwards abc
""",
    "alias from a value": """
word = 'hullo'
# %%
%alias greet echo $word
# %%
%greet
""",
    "precision from a condition": """
import math
short = True
# %%
if short:
    get_ipython().run_line_magic('precision', '3')
# %%
math.pi
""",
    "name taken away by the shell": """
a, b = 1, [2]
# %%
%xdel a
# %%
print('a' in globals(), b)
""",
    "names reset by a pattern": """
tmp_a, tmp_b, keep = 1, 2, 3
# %%
%reset_selective -f tmp_
# %%
print(sorted(n for n in globals() if n.startswith(('tmp', 'keep'))))
""",
    "name deleted through the shell": """
first, second = 1, 2
# %%
del get_ipython().user_ns['first']
# %%
print('first' in globals(), second)
""",
    "cell run from text in a function": """
total = 1
def again(code):
    get_ipython().run_cell(code)
# %%
again('total = total * 3')
# %%
print(total)
""",
    "capture magic called in a function": """
steps = []
def quietly(code):
    get_ipython().run_cell_magic('capture', 'caught', code)
# %%
quietly("steps.append('x'); print('said', len(steps))")
# %%
print(steps, caught.stdout)
""",
    "late annotations for all cells": """
from __future__ import annotations
# %%
def f(x: Missing) -> Other:
    return x
# %%
class Box:
    item: Unknown = 1
# %%
print(f.__annotations__, Box.__annotations__, f(2))
""",
    "annotations of the notebook": """
from typing import List
limit: int = 3
# %%
names: List[str] = ['a']
later: float
# %%
print(sorted(__annotations__), __annotations__['limit'])
""",
    "module rewritten and loaded again": """
import importlib, sys
sys.dont_write_bytecode = True
open('rates.py', 'w').write('RATE = 1\\n')
# %%
import rates
print(rates.RATE)
# %%
with open('rates.py', 'w') as f:
    f.write('RATE = 22\\nNAME = "new"\\n')
# %%
print(rates.RATE)
# %%
importlib.reload(rates)
print(rates.RATE, rates.NAME)
""",
    "module rewritten by magic": """
%%writefile consts.py
K = 1
# %%
from consts import K
# %%
%%writefile consts.py
K = 2  # longer than before
# %%
print(K)
""",
    "module rewritten under autoreload": """
%load_ext autoreload
%autoreload 2
# %%
%%writefile recipe.py
def name():
    return 'old'
# %%
from recipe import name
import time
print(name())
time.sleep(1.1)
# %%
%%writefile recipe.py
def name():
    return 'quite new'
# %%
print(name())
""",
    "module of one's own counts": """
import tally
from tally import add
# %%
add(2)
# %%
from tally import total
print(total)
# %%
print(total, tally.total)
""",
    "module of one's own is configured": """
import tally as t
t.total = 40
# %%
from tally import add
# %%
print(add(2))
""",
    "print into a buffer": """
import io
out = io.StringIO()
# %%
print('one', 1, file=out)
# %%
print('two', file=out)
# %%
print(out.getvalue())
out.seek(3)
# %%
print(repr(out.read()))
""",
    "figure kept open by its backend": """
import matplotlib
matplotlib.use('agg')
import matplotlib.pyplot as plt
# %%
plt.plot([1, 2, 3])
# %%
n = 5
# %%
plt.title('kept')
print(len(plt.gca().lines), plt.gca().get_title())
# %%
plt.close('all')
print(plt.get_fignums(), n)
""",
    "figure kept open drawn by a frame": """
import matplotlib
matplotlib.use('Agg')
import pandas as pd, matplotlib.pyplot as plt
df = pd.DataFrame({'a': [1, 2], 'b': [2, 1]})
# %%
ax = df.plot()
# %%
ax.set_xlabel('time')
# %%
print(plt.gcf() is ax.figure, plt.gca().get_xlabel(), len(plt.get_fignums()))
""",
    "display replaced by its handle": """
from IPython.display import display
bar = display('0 %', display_id=True)
# %%
done = 50
# %%
bar.update(f'{done} %')
""",
    "display replaced by its id": """
display('waiting', display_id='job')
# %%
from IPython.display import update_display
update_display('ready', display_id='job')
print('end')
""",
    "output caught by hand": """
import sys, io
saved, sys.stdout = sys.stdout, io.StringIO()
print('unseen')
caught = sys.stdout.getvalue()
sys.stdout = saved
# %%
print('seen', repr(caught))
""",
    "exit function": """
import atexit
left = []
# %%
atexit.register(left.append, 1)
# %%
print(left)
""",
    "yaml taught a tag": """
import yaml
class Ref:
    def __init__(self, name): self.name = name
def make(loader, node):
    return Ref(loader.construct_scalar(node))
yaml.add_constructor('!ref', make, Loader=yaml.SafeLoader)
# %%
got = yaml.safe_load('a: !ref x')
# %%
print(got['a'].name)
""",
    "process: all expressions shown": """
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.ast_node_interactivity = 'all'
# %%
x = 1
x + 1
x + 2
# %%
x
'end'
""",
    "process: argv appended": """
import sys
extra = ['--fast']
# %%
sys.argv.extend(extra)
# %%
print(sys.argv[1:])
""",
    "process: dotenv": """
open('.env', 'w').write('TOKEN_X=abc\\n')
import dotenv
# %%
dotenv.load_dotenv('.env')
# %%
import os
print(os.getenv('TOKEN_X'))
""",
    "process: events": """
ip = get_ipython()
seen = []
def note(info):
    seen.append(1)
ip.events.register('pre_run_cell', note)
# %%
a = 1
# %%
print(len(seen))
""",
    "process: input transformer": """
def swap(lines):
    return [l.replace('ADD', '+') for l in lines]
get_ipython().input_transformers_cleanup.append(swap)
# %%
total = sum([1, 2])
# %%
print(total)
""",
    "process: filter on logger": """
import logging, sys
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format='%(message)s', force=True)
class NoSecret(logging.Filter):
    def filter(self, record):
        return 'secret' not in record.getMessage()
log = logging.getLogger('f')
log.addFilter(NoSecret())
# %%
log.info('plain')
log.info('secret one')
# %%
log.info('secret two')
log.info('fin')
""",
    "process: formatter subclass": """
import logging, sys
class Upper(logging.Formatter):
    def format(self, record):
        return super().format(record).upper()
h = logging.StreamHandler(sys.stdout)
h.setFormatter(Upper('%(message)s'))
root = logging.getLogger()
root.addHandler(h)
root.setLevel('INFO')
# %%
logging.info('abc')
# %%
root.removeHandler(h)
logging.info('gone')
print(len([x for x in root.handlers if x is h]))
""",
    "process: setup in function": """
import logging, sys
def setup(name, level=logging.INFO):
    log = logging.getLogger(name)
    log.setLevel(level)
    if not log.handlers:
        h = logging.StreamHandler(sys.stdout)
        h.setFormatter(logging.Formatter('%(name)s:%(message)s'))
        log.addHandler(h)
    log.propagate = False
    return log
# %%
log = setup('model')
log.info('made')
# %%
def train():
    log.info('training')
    log.debug('nope')
train()
# %%
log = setup('model', logging.DEBUG)
log.debug('yes')
print(len(log.handlers))
""",
    "process: logging in own module": """
from mylog import get
log = get('a')
# %%
log.info('one')
# %%
get('b').info('two')
log.error('three')
""",
    "process: capture warnings": """
import logging, warnings, sys
logging.basicConfig(stream=sys.stdout, format='%(levelname)s', force=True)
logging.captureWarnings(True)
# %%
warnings.warn('x')
print('ok')
""",
    "process: numbers abc registered": """
import numbers
class Mod7:
    def __init__(self, n): self.n = n % 7
numbers.Integral.register(Mod7)
# %%
m = Mod7(9)
# %%
print(isinstance(m, numbers.Integral), isinstance(m, numbers.Real))
""",
    "process: sqlite adapters": """
import sqlite3, datetime
class P:
    def __init__(self, x): self.x = x
sqlite3.register_adapter(P, lambda p: p.x)
con = sqlite3.connect('db.sqlite')
con.execute('create table t (a)')
con.commit(); con.close()
# %%
con = sqlite3.connect('db.sqlite')
con.execute('insert into t values (?)', (P(5),))
con.commit(); con.close()
# %%
con = sqlite3.connect('db.sqlite')
print(con.execute('select a from t').fetchall())
con.close()
""",
    "process: sklearn config": """
import sklearn
mode = 'pandas'
# %%
sklearn.set_config(transform_output=mode)
# %%
from sklearn.preprocessing import StandardScaler
import pandas as pd
print(type(StandardScaler().fit_transform(pd.DataFrame({'a': [1., 2.]}))).__name__)
""",
    "process: float format function": """
import pandas as pd
def money(x):
    return f'{x:.1f} EUR'
# %%
pd.set_option('display.float_format', money)
# %%
print(pd.DataFrame({'a': [1.234]}))
# %%
pd.reset_option('display.float_format')
print(pd.DataFrame({'a': [1.234]}))
""",
    "process: numpy formatter": """
import numpy as np
digits = 1
# %%
np.set_printoptions(formatter={'float': lambda x: f'<{x:.{digits}f}>'})
# %%
print(np.array([1.25, 2.5]))
# %%
np.set_printoptions(formatter=None)
print(np.array([1.25, 2.5]))
""",
    "process: style then own": """
import matplotlib.pyplot as plt
name = 'ggplot'
plt.style.use(name)
# %%
plt.rcParams.update({'lines.linewidth': 5})
# %%
print(plt.rcParams['axes.grid'], plt.rcParams['lines.linewidth'])
# %%
plt.rcdefaults()
# %%
print(plt.rcParams['axes.grid'], plt.rcParams['lines.linewidth'])
""",
    "process: excepthook and custom exc": """
class Stop(Exception):
    pass
def handle(self, etype, value, tb, tb_offset=None):
    print('handled', value)
get_ipython().set_custom_exc((Stop,), handle)
# %%
x = 1
# %%
print(x)
""",
    "process: precision literal": """
%precision 2
# %%
3.14159
# %%
%precision
# %%
3.14159
""",
    "process: close_figures off": """
%config InlineBackend.close_figures = False
import matplotlib.pyplot as plt
# %%
plt.plot([1, 2])
plt.title('a')
# %%
print(plt.gca().get_title())
""",
    "process: switch backend by env": """
import os
os.environ['MPLBACKEND'] = 'agg'
# %%
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.title('z')
# %%
print(plt.gca().get_title())
""",
    "process: clock frozen": """
import time
real = time.time
time.time = lambda: 1000.0
# %%
print(time.time())
# %%
time.time = real
print(time.time() > 1e9)
""",
    "process: builtins added": """
import builtins
def hello(): return 'hi'
builtins.hello2 = hello
# %%
print(hello2())
""",
    "process: tracing threads count": """
import threading
count = {'n': 0}
def work():
    count['n'] += 1
t = threading.Thread(target=work)
t.start()
# %%
t.join()
# %%
print(count, t.is_alive())
""",
    "process: mock patch started": """
from unittest import mock
import os
p = mock.patch('os.getcwd', return_value='/fake')
p.start();
# %%
print(os.getcwd())
# %%
p.stop();
print(os.getcwd() != '/fake')
""",
    "process: time zone by tzset": """
import os, time
zone = 'Asia/Tokyo'
os.environ['TZ'] = zone
time.tzset()
# %%
print(time.strftime('%H', time.gmtime(0)), time.localtime(0).tm_hour)
""",
    "process: umask": """
import os
old = os.umask(0o077)
# %%
open('m.txt', 'w').close()
# %%
print(oct(os.stat('m.txt').st_mode)[-3:])
os.umask(old);
""",
    "process: context var": """
import contextvars
user = contextvars.ContextVar('user', default='nobody')
# %%
token = user.set('ann')
# %%
print(user.get())
# %%
user.reset(token)
print(user.get())
""",
    "process: interactivity and macro": """
x = 3
print(x)
# %%
%macro -q again 1
# %%
again
""",
    "process: local package config": """
import settings_mod
from settings_mod import Config, get_rate
# %%
Config.RATE = 5
# %%
print(get_rate())
# %%
settings_mod.NAMES.append('b')
# %%
from settings_mod import NAMES as n
print(n, get_rate())
""",
    "process: local module caches": """
from cachey import fetch
# %%
a = fetch('k')
# %%
b = fetch('k')
import cachey
# %%
print(a, b, cachey.calls)
""",
    "process: stdout captured": """
import io, contextlib
buf = io.StringIO()
# %%
with contextlib.redirect_stdout(buf):
    print('inside')
# %%
print(repr(buf.getvalue()))
""",
    "process: display html class patched": """
import pandas as pd
pd.DataFrame._repr_html_ = lambda self: '<b>frame</b>'
# %%
pd.DataFrame({'a': [1]})
""",
    "process: logging level from env and file order": """
import logging, os
os.environ['LOG'] = 'INFO'
# %%
logging.basicConfig(filename='a.log', level=os.environ['LOG'], format='%(message)s')
logging.info('1')
# %%
logging.info('2')
n = len(open('a.log').readlines())
# %%
print(n, open('a.log').read())
""",
    "process: two handlers, one file one out": """
import logging, sys
log = logging.getLogger('two')
log.setLevel(10)
for h in (logging.StreamHandler(sys.stdout), logging.FileHandler('two.log')):
    h.setFormatter(logging.Formatter('%(levelname)s %(message)s'))
    log.addHandler(h)
# %%
log.debug('d')
# %%
import pandas as pd
df = pd.DataFrame({'a': [1]})
log.info('rows %s', len(df))
# %%
print(open('two.log').read())
""",
    "process: rotating": """
import logging
from logging.handlers import RotatingFileHandler
log = logging.getLogger('rot')
h = RotatingFileHandler('rot.log', maxBytes=30, backupCount=2)
log.addHandler(h)
log.setLevel(logging.INFO)
# %%
log.info('x' * 20)
# %%
log.info('y' * 20)
# %%
import glob
print(sorted(glob.glob('rot.log*')), open('rot.log').read())
""",
    "process: memory handler": """
import logging, logging.handlers
m = logging.handlers.MemoryHandler(100)
logging.getLogger('mem').addHandler(m)
# %%
logging.getLogger('mem').warning('kept')
# %%
print([r.getMessage() for r in m.buffer])
""",
    "process: queue handler": """
import logging, logging.handlers, queue
q = queue.Queue()
logging.getLogger('q').addHandler(logging.handlers.QueueHandler(q))
# %%
logging.getLogger('q').warning('w')
# %%
print(q.qsize())
""",
    "process: custom log method": """
import logging, sys
logging.basicConfig(stream=sys.stdout, level=5, format='%(levelname)s:%(message)s', force=True)
logging.addLevelName(5, 'TRACE')
def trace(self, msg, *args):
    if self.isEnabledFor(5):
        self._log(5, msg, args)
logging.Logger.trace = trace
# %%
logging.getLogger('z').trace('deep %d', 1)
# %%
logging.getLogger('z').setLevel(20)
logging.getLogger('z').trace('not')
print('done')
""",
    "process: log before handlers": """
import logging
logging.warning('implicit')
# %%
logging.getLogger().setLevel(logging.DEBUG)
# %%
logging.warning('again')
print(len(logging.getLogger().handlers))
""",
    "process: class with logger": """
import logging, sys
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format='%(name)s %(message)s', force=True)
class Model:
    log = logging.getLogger('Model')
    def __init__(self):
        self.own = logging.getLogger('Model.own')
        self.own.setLevel(logging.ERROR)
    def fit(self):
        self.log.info('fit'); self.own.info('quiet'); self.own.error('loud')
        return self
# %%
m = Model()
# %%
m.fit()
None
# %%
m.own.setLevel(logging.INFO)
# %%
m.fit(); None
""",
    "process: decorator logging": """
import logging, sys, functools
log = logging.getLogger('deco')
log.setLevel(logging.INFO)
log.addHandler(logging.StreamHandler(sys.stdout))
def logged(f):
    @functools.wraps(f)
    def inner(*a):
        log.info('call %s', f.__name__)
        return f(*a)
    return inner
# %%
@logged
def add(a, b): return a + b
# %%
print(add(1, 2))
""",
    "process: accessor index and reuse": """
import pandas as pd
@pd.api.extensions.register_index_accessor('info2')
class I:
    def __init__(self, i): self.i = i
    @property
    def span(self): return self.i.max() - self.i.min()
# %%
df = pd.DataFrame({'a': [1, 2, 3]}, index=[5, 7, 9])
# %%
print(df.index.info2.span)
""",
    "process: xarray like registry in own class": """
class Registry:
    items = {}
    @classmethod
    def register(cls, name):
        def deco(f):
            cls.items[name] = f
            return f
        return deco
# %%
@Registry.register('sq')
def sq(x): return x * x
# %%
@Registry.register('cu')
def cu(x): return x ** 3
# %%
print({k: f(2) for k, f in sorted(Registry.items.items())})
""",
    "process: tf style seed name": """
import numpy as np, random
def set_seed(n):
    np.random.seed(n); random.seed(n)
# %%
set_seed(3)
# %%
a = np.random.rand(2)
# %%
print(a, random.random(), np.random.rand())
""",
    "process: display handle in a loop": """
from IPython.display import display, HTML
h = display(HTML('<p>0</p>'), display_id=True)
for i in range(3):
    h.update(HTML(f'<p>{i}</p>'))
# %%
print('x')
""",
    "process: display id in function": """
from IPython.display import display, update_display
def show(x):
    display(x, display_id='box')
def change(x):
    update_display(x, display_id='box')
# %%
show('a')
# %%
change('b')
""",
    "process: DisplayHandle made": """
from IPython.display import DisplayHandle
dh = DisplayHandle()
dh.display('first')
# %%
dh.update('second')
""",
    "process: plt interactive agg func": """
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
def draw():
    plt.plot([1, 2])
# %%
draw()
# %%
draw()
# %%
print(len(plt.gca().lines))
""",
    "process: pyplot by switch": """
import matplotlib.pyplot as plt
plt.switch_backend('agg')
fig, ax = plt.subplots()
# %%
ax.plot([1, 2])
# %%
print(len(fig.axes[0].lines), plt.gcf() is fig)
""",
    "process: seaborn theme in variable": """
import seaborn as sns
look = 'darkgrid'
sns.set_theme(style=look)
# %%
import matplotlib.pyplot as plt
print(plt.rcParams['axes.facecolor'], plt.rcParams['axes.grid'])
""",
    "process: rc context": """
import matplotlib.pyplot as plt
opts = {'lines.linewidth': 9}
# %%
with plt.rc_context(opts):
    print(plt.rcParams['lines.linewidth'])
# %%
print(plt.rcParams['lines.linewidth'])
""",
    "process: local module reloaded unchanged": """
import importlib, helper_m
helper_m.level = 3
# %%
print(helper_m.level)
importlib.reload(helper_m)
# %%
print(helper_m.level)
""",
    "process: module written twice by path": """
from pathlib import Path
import importlib, sys, time
sys.dont_write_bytecode = True
p = Path('gen1.py')
p.write_text('V = 1\\n')
# %%
import gen1
print(gen1.V)
# %%
p.write_text('V = 2222\\n')
# %%
print(gen1.V)
# %%
importlib.reload(gen1)
print(gen1.V)
""",
    "process: sys.modules replaced": """
import sys, types
fake = types.ModuleType('fakelib')
fake.answer = lambda: 42
sys.modules['fakelib'] = fake
# %%
import fakelib
# %%
print(fakelib.answer())
""",
    "process: warnings once": """
import warnings
warnings.simplefilter('once')
def old():
    warnings.warn('old!', DeprecationWarning)
# %%
old()
# %%
old()
print('end')
""",
    "process: warnings as errors by value": """
import warnings
kind = RuntimeWarning
# %%
warnings.filterwarnings('error', category=kind)
# %%
try:
    warnings.warn('x', RuntimeWarning)
    print('passed')
except RuntimeWarning as e:
    print('raised', e)
# %%
warnings.resetwarnings()
# %%
import numpy as np
warnings.simplefilter('ignore')
np.array([1.]) / 0
""",
    "process: pd option context global": """
import pandas as pd
ctx = pd.option_context('display.precision', 1)
ctx.__enter__()
# %%
print(pd.Series([1.23456]))
# %%
ctx.__exit__(None, None, None)
print(pd.Series([1.23456]))
""",
    "process: json default encoder subclass": """
import json, numpy as np
class E(json.JSONEncoder):
    def default(self, o):
        return o.tolist() if isinstance(o, np.ndarray) else super().default(o)
json._default_encoder = E()
# %%
print(json.dumps({'a': np.array([1])}))
""",
    "process: partial settings in nested func": """
import pandas as pd, numpy as np
def configure(**kw):
    for k, v in kw.items():
        pd.set_option('display.' + k, v)
    np.set_printoptions(precision=kw['precision'])
# %%
configure(precision=2, max_rows=5)
# %%
print(pd.Series(np.arange(9) / 7))
print(np.array([1 / 3]))
""",
    "process: conditional settings": """
import pandas as pd
try:
    pd.set_option('display.width', 40)
except Exception:
    pass
if True:
    pd.options.display.max_columns = 2
# %%
print(pd.DataFrame([[1, 2, 3, 4]]), pd.get_option('display.width'))
""",
    "process: gc and recursion": """
import gc, sys
n = 1234
gc.disable()
# %%
sys.setrecursionlimit(n * 2)
print(gc.isenabled())
# %%
print(sys.getrecursionlimit(), gc.isenabled())
""",
    "process: alias shell": """
%alias hi echo hi there
# %%
%hi
# %%
hi
""",
    "process: cell magic needs args": """
from IPython.core.magic import register_cell_magic
import io, contextlib
store = {}
@register_cell_magic
def keep(line, cell):
    store[line] = cell.strip()
# %%
%%keep first
select 1
# %%
%%keep second
select 2
# %%
print(store)
""",
    "process: argparse magic": """
from IPython.core.magic import Magics, magics_class, cell_magic
from IPython.core.magic_arguments import magic_arguments, argument, parse_argstring
@magics_class
class M(Magics):
    @magic_arguments()
    @argument('-n', type=int, default=1)
    @cell_magic
    def rep(self, line, cell):
        args = parse_argstring(self.rep, line)
        for _ in range(args.n):
            self.shell.run_cell(cell)
get_ipython().register_magics(M(get_ipython()))
# %%
%%rep -n 2
print('again')
""",
    "process: alias without its sign": """
%alias greet echo good morning
# %%
greet
# %%
print('after')
""",
    "process: settings undone in a function": """
import pandas as pd
def wide(on):
    pd.set_option('display.max_columns', 3 if on else 20)
wide(True)
# %%
print(pd.get_option('display.max_columns'))
wide(False)
# %%
print(pd.get_option('display.max_columns'))
""",
    "process: from future in the middle": """
x: int = 1
# %%
from __future__ import annotations
# %%
def g(a: Nope): return a
print(g.__annotations__)
# %%
class K:
    y: Later
print(K.__annotations__, sorted(__annotations__))
""",
    "process: annotation typed by own class": """
class A: pass
# %%
a: A = A()
# %%
print(__annotations__['a'] is A, isinstance(a, A))
""",
    "process: logger in dict and list": """
import logging, sys
logs = {n: logging.getLogger(n) for n in ('a', 'b')}
for n, l in logs.items():
    l.setLevel(logging.INFO if n == 'a' else logging.ERROR)
    l.addHandler(logging.StreamHandler(sys.stdout))
# %%
for l in logs.values():
    l.info('i'); l.error('e')
# %%
print([l.level for l in logs.values()], logs['a'] is logging.getLogger('a'))
""",
    "process: getLogger only": """
import logging
logger = logging.getLogger(__name__)
# %%
logger.warning('careful')
# %%
logger.setLevel('ERROR')
logger.warning('not shown')
# %%
logger.warning('nor this'); logger.error('shown'); print(logger.name)
""",
    "process: logging in threads of a pool": """
import logging, sys
from concurrent.futures import ThreadPoolExecutor
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format='%(message)s', force=True)
# %%
def work(i):
    logging.info('job %s', i)
    return i * 2
with ThreadPoolExecutor(1) as ex:
    out = list(ex.map(work, range(3)))
# %%
logging.info('out %s', out)
""",
    "process: buffer in a class": """
import io
class Report:
    def __init__(self): self.out = io.StringIO()
    def add(self, *a): print(*a, file=self.out)
r = Report()
# %%
r.add('one', 1)
# %%
r.add('two')
# %%
print(r.out.getvalue(), r.out.tell())
""",
    "process: csv writer into buffer": """
import csv, io
buf = io.StringIO()
w = csv.writer(buf)
# %%
w.writerow(['a', 1])
# %%
w.writerow(['b', 2])
# %%
print(buf.getvalue().split())
""",
    "process: bytes buffer": """
import io, numpy as np
b = io.BytesIO()
np.save(b, np.arange(3))
# %%
b.seek(0)
# %%
print(np.load(b), b.tell())
""",
    "process: user function in library list": """
import pandas as pd
from pandas.api import extensions
def add_one(self): return self + 1
pd.Series.add_one = add_one
# %%
s = pd.Series([1, 2])
# %%
print(s.add_one().tolist())
""",
    "process: mlflow like register": """
registry = {}
def register_model(name, m): registry[name] = m
# %%
register_model('a', [1])
# %%
registry['a'].append(2)
print(registry)
""",
    "process: env var by update": """
import os
conf = {'A_X': '1', 'B_X': '2'}
# %%
os.environ.update(conf)
# %%
print(os.environ['A_X'], os.getenv('B_X'))
# %%
del os.environ['A_X']
# %%
print('A_X' in os.environ)
""",
    "process: cwd in a with": """
import os, contextlib
os.makedirs('sub', exist_ok=True)
# %%
with contextlib.chdir('sub'):
    open('f', 'w').close()
# %%
print(os.path.basename(os.getcwd()) != 'sub', os.listdir('sub'))
""",
    "process: shell var": """
%env GREETING=hey
# %%
!echo $GREETING
# %%
import os
%set_env GREETING=you
# %%
print(os.environ['GREETING'])
""",
    "process: user ns push": """
get_ipython().push({'pushed': 3})
# %%
print(pushed + 1)
""",
    "process: store default dict class": """
import numpy as np
np.seterr(invalid='raise'); np.set_printoptions(threshold=5)
old = np.geterr()
# %%
print(old['invalid'], np.arange(10))
with np.errstate(invalid='ignore'):
    print(np.sqrt(np.array([-1.0])))
# %%
np.seterr(**{k: 'ignore' for k in old})
# %%
print(np.geterr()['invalid'])
""",
}

FILES = {
    name: {
        "tally.py": "total = 0\n\n\ndef add(n):\n    global total\n    total += n\n    return total\n"
    }
    for name in ("module of one's own counts", "module of one's own is configured")
}
FILES["process: logging in own module"] = {
    "mylog.py": "import logging, sys\n\ndef get(name):\n    log = logging.getLogger(name)\n    if not log.handlers:\n        h = logging.StreamHandler(sys.stdout)\n        h.setFormatter(logging.Formatter('%(name)s/%(levelname)s/%(message)s'))\n        log.addHandler(h)\n        log.setLevel(logging.INFO)\n    return log\n"
}
FILES["process: local package config"] = {
    "settings_mod.py": "class Config:\n    RATE = 1\n\nNAMES = ['a']\n\ndef get_rate():\n    return Config.RATE * len(NAMES)\n"
}
FILES["process: local module caches"] = {
    "cachey.py": "cache = {}\ncalls = 0\n\ndef fetch(k):\n    global calls\n    if k not in cache:\n        calls += 1\n        cache[k] = calls * 10\n    return cache[k]\n"
}
FILES["process: local module reloaded unchanged"] = {"helper_m.py": "level = 1\n"}
