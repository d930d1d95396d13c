# ruff: noqa: E501  cells are quoted as they are
"""Values of sixty and more kinds come back equal."""

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_mlplat.runtime.snapshot import Describer

# Each source binds `x`; some bind more. The text after `##` must be true of what was loaded.
VALUES = {
    "int": "x = 42 ## x == 42 and type(x) is int",
    "very long int": "x = 7 ** 6000 ## x == 7 ** 6000",
    "float": "x = 0.1 + 0.2 ## x == 0.30000000000000004",
    "nan": "x = float('nan') ## x != x",
    "infinities": "x = [float('inf'), -float('inf'), -0.0] ## str(x) == '[inf, -inf, -0.0]'",
    "complex": "x = 1 + 2j ## x == 1 + 2j",
    "bool": "x = True ## x is True",
    "none": "x = None ## x is None",
    "ellipsis": "x = ... ## x is ...",
    "str": "x = 'h\\u00e9llo \\U0001f600' ## x == 'h\\u00e9llo \\U0001f600'",
    "lone surrogate": "x = '\\ud800' ## x == '\\ud800'",
    "bytes": "x = b'\\x00\\xff' ## x == b'\\x00\\xff'",
    "bytearray": "x = bytearray(b'ab') ## x == bytearray(b'ab') and type(x) is bytearray",
    "list": "x = [1, [2, [3]]] ## x == [1, [2, [3]]]",
    "shared inner list": "x = [[0]] * 3 ## x[0] is x[1] is x[2]",
    "list in itself": "x = []; x.append(x) ## x[0] is x",
    "tuple": "x = (1, 'a', [2]) ## x == (1, 'a', [2]) and type(x) is tuple",
    "list of tuples": "x = [('a', 1)] ## type(x[0]) is tuple",
    "dict": "x = {'b': 1, 'a': {'c': None}} ## list(x) == ['b', 'a']",
    "dict with int keys": "x = {1: 'a', (2, 3): 'b'} ## x == {1: 'a', (2, 3): 'b'}",
    "set": "x = {1, 2, 3} ## x == {1, 2, 3}",
    "frozenset": "x = frozenset('ab') ## x == frozenset('ab')",
    "range": "x = range(2, 9, 3) ## x == range(2, 9, 3)",
    "slice": "x = slice(1, None, 2) ## x == slice(1, None, 2)",
    "deque": "from collections import deque\nx = deque([1, 2], maxlen=3) ## x.maxlen == 3",
    "counter": "from collections import Counter\nx = Counter('aab') ## x['a'] == 2",
    "ordered dict": "from collections import OrderedDict\nx = OrderedDict(a=1, b=2) ## list(x) == ['a', 'b']",
    "defaultdict": "from collections import defaultdict\nx = defaultdict(list, a=[1]) ## x['new'] == []",
    "defaultdict of a lambda": "from collections import defaultdict\nx = defaultdict(lambda: 7) ## x['q'] == 7",
    "chain map": "from collections import ChainMap\nx = ChainMap({'a': 1}, {'b': 2}) ## x['b'] == 2",
    "decimal": "from decimal import Decimal\nx = Decimal('1.10') ## str(x) == '1.10'",
    "fraction": "from fractions import Fraction\nx = Fraction(1, 3) ## x * 3 == 1",
    "datetime": "import datetime as dt\nx = dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc) ## x.tzinfo is not None",
    "zone": "from zoneinfo import ZoneInfo\nx = ZoneInfo('Europe/Berlin') ## x.key == 'Europe/Berlin'",
    "uuid": "import uuid\nx = uuid.UUID(int=5) ## x.int == 5",
    "path": "from pathlib import Path\nx = Path('a') / 'b' ## str(x) == 'a/b'",
    "pattern": "import re\nx = re.compile('a+', re.I) ## x.match('AA')",
    "namespace": "from types import SimpleNamespace\nx = SimpleNamespace(a=1) ## x.a == 1",
    "module": "import math\nx = math ## x.pi > 3",
    "string stream": "import io\nx = io.StringIO('abc'); _ = x.read(1) ## x.read() == 'bc'",
    "closed string stream": "import io\nx = io.StringIO(); x.close() ## x.closed",
    "iterator": "x = iter([1, 2, 3]); next(x) ## list(x) == [2, 3]",
    "dict view": "d = {'a': 1}\nx = d.keys() ## list(x) == ['a']",
    "exception": "x = ValueError('bad', 3) ## x.args == ('bad', 3)",
    "function": "def x(a, b=2, *, c=3): return a + b + c\n## x(1) == 6 and x.__kwdefaults__ == {'c': 3}",
    "function that calls itself": "def x(n): return 1 if n < 2 else n * x(n - 1)\n## x(5) == 120",
    "lambda": "x = lambda n: n * 2 ## x(4) == 8",
    "nested function": "def make(k):\n    def inner(n): return n + k\n    return inner\nx = make(3) ## x(1) == 4",
    "counter by nonlocal": "def make():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n        return n\n    return step\nx = make(); x() ## x() == 2",
    "function attribute": "def x(): return x.calls\nx.calls = 5 ## x() == 5",
    "generator function": "def x():\n    yield 1\n    yield 2\n## list(x()) == [1, 2]",
    "async function": "async def x(): return 1\n## __import__('asyncio').iscoroutinefunction(x)",
    "partial": "from functools import partial\nx = partial(int, base=2) ## x('101') == 5",
    "lru_cache": "from functools import lru_cache\n@lru_cache(maxsize=10)\ndef x(n): return n + 1\nx(1) ## x(2) == 3 and x.cache_parameters()['maxsize'] == 10",
    "singledispatch": "from functools import singledispatch\n@singledispatch\ndef x(v): return 'any'\n@x.register\ndef _(v: int): return 'int'\n## (x(1), x('a')) == ('int', 'any')",
    "class": "class x:\n    n = 1\n    def f(self): return self.n\n## x().f() == 1 and x.__name__ == 'x'",
    "instance": "class P:\n    def __init__(self): self.v = [1]\nx = P() ## x.v == [1] and type(x).__name__ == 'P'",
    "subclass with super": "class A:\n    def f(self): return 'A'\nclass B(A):\n    def f(self): return super().f() + 'B'\nx = B() ## x.f() == 'AB'",
    "nested class": "class Outer:\n    class Inner: pass\nx = Outer.Inner() ## type(x).__qualname__ == 'Outer.Inner'",
    "slots": "class S:\n    __slots__ = ('a',)\nx = S(); x.a = 1 ## x.a == 1 and not hasattr(x, '__dict__')",
    "property": "class T:\n    @property\n    def v(self): return 5\nx = T() ## x.v == 5",
    "cached property": "from functools import cached_property\nclass T:\n    @cached_property\n    def v(self): return 5\nx = T() ## x.v == 5",
    "class and static methods": "class K:\n    n = 2\n    @classmethod\n    def c(cls): return cls.n\n    @staticmethod\n    def s(): return 3\nx = K ## (x.c(), x.s()) == (2, 3)",
    "dataclass": "from dataclasses import dataclass, field\n@dataclass(order=True)\nclass D:\n    a: int\n    b: list = field(default_factory=list)\nx = D(1) ## x == type(x)(1) and x < type(x)(2)",
    "frozen dataclass with slots": "from dataclasses import dataclass\n@dataclass(frozen=True, slots=True)\nclass D:\n    a: int\nx = D(1) ## hash(x) == hash(type(x)(1))",
    "namedtuple": "from collections import namedtuple\nP = namedtuple('P', 'a b')\nx = P(1, 2) ## x.b == 2 and x._asdict() == {'a': 1, 'b': 2}",
    "typed namedtuple": "from typing import NamedTuple\nclass P(NamedTuple):\n    a: int\n    b: int = 7\nx = P(1) ## x.b == 7 and x == (1, 7)",
    "typed dict": "from typing import TypedDict\nclass M(TypedDict):\n    a: int\nx = M ## x(a=1) == {'a': 1}",
    "enum": "from enum import Enum\nclass C(Enum):\n    R = 1\n    G = 2\nx = [C.R, C.G, C.R] ## x[0] is x[2] and x[1].value == 2",
    "enum alias": "from enum import Enum\nclass C(Enum):\n    R = 1\n    RED = 1\nx = C ## x.RED is x.R",
    "flag": "from enum import Flag, auto\nclass F(Flag):\n    A = auto()\n    B = auto()\nx = F.A | F.B ## type(x).A in x",
    "generic class": "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass Box(Generic[T]):\n    def __init__(self, v): self.v = v\nx = Box[int](3) ## x.v == 3",
    "abstract class": "from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n    def f(self): ...\nclass B(A):\n    def f(self): return 1\nx = B() ## x.f() == 1",
    "protocol": "from typing import Protocol, runtime_checkable\n@runtime_checkable\nclass Has(Protocol):\n    def f(self): ...\nx = Has ## not isinstance(3, x)",
    "metaclass": "seen = []\nclass M(type):\n    def __init__(cls, *a): super().__init__(*a); cls.tag = 1\nclass A(metaclass=M): pass\nx = A() ## type(x).tag == 1",
    "descriptor": "class D:\n    def __set_name__(self, o, n): self.n = n\n    def __get__(self, o, t): return self.n\nclass A:\n    field = D()\nx = A() ## x.field == 'field'",
    "callable instance": "class C:\n    def __call__(self, n): return n + 1\nx = C() ## x(1) == 2",
    "getstate and setstate": "class G:\n    def __init__(self): self.a = 1; self.skip = 2\n    def __getstate__(self): return {'a': self.a}\nx = G() ## x.a == 1 and x.skip == 2",
    "getstate that drops a lock": "class L:\n    def __init__(self): self.a = 1; self.lock = __import__('threading').Lock()\n    def __getstate__(self): return {'a': self.a}\n    def __setstate__(self, s): self.a = s['a']; self.lock = __import__('threading').Lock()\nx = L() ## x.a == 1 and x.lock.acquire()",
    "attributes looked up by __getattr__": "class W:\n    def __init__(self): self.inner = [1]\n    def __getattr__(self, n): return getattr(self.inner, n)\nx = W() ## x.inner == [1] and x.count(1) == 1",
    "dict that writes a journal": "class J(dict):\n    def __setitem__(self, k, v): journal.append(k)\nx = J(a=1) ## x == {'a': 1}",
    "exception with other parameters": "class E(Exception):\n    def __init__(self, a, b): super().__init__(f'{a}{b}')\nx = E(1, 2) ## str(x) == '12'",
    "exception with a cause": "try:\n    try: 1 / 0\n    except ZeroDivisionError as e: raise KeyError('k') from e\nexcept KeyError as e: x = e\n## type(x.__cause__) is ZeroDivisionError",
    "cached calls": "from functools import lru_cache\ncalls = []\n@lru_cache(maxsize=8)\ndef x(n, k=0):\n    calls.append(n)\n    return n\nx(1); x(2, k=3) ## (x(1), x(2, k=3), x.cache_info().currsize) == (1, 2, 2)",
    "long chain": "x = None\nfor i in range(5000): x = (i, [x]) ## x[0] == 4999",
    "bound method": "class C:\n    def __init__(self): self.n = 4\n    def f(self): return self.n\nx = C().f ## x() == 4",
    "builtin bound method": "l = [1]\nx = l.append ## x(2) is None",
    "exception class": "class E(Exception):\n    def __init__(self, a): super().__init__(a); self.a = a\nx = E(3) ## x.a == 3",
    "dict subclass": "class D(dict):\n    def __missing__(self, k): return k * 2\nx = D(a=1); x.extra = 5 ## x['q'] == 'qq' and x.extra == 5",
    "random generator": "import random\nx = random.Random(3) ## x.random() == __import__('random').Random(3).random()",
    "memoryview": "b = bytearray(b'abcd')\nx = memoryview(b) ## x.tobytes() == b'abcd' and type(x) is memoryview",
}

ARRAYS = {
    "array": "x = np.arange(6.0).reshape(2, 3) ## x.shape == (2, 3) and x.flags.owndata",
    "empty array": "x = np.empty((0, 3)) ## x.shape == (0, 3)",
    "scalar array": "x = np.array(5) ## x.shape == () and x == 5",
    "fortran array": "x = np.asfortranarray(np.arange(6).reshape(2, 3)) ## x.flags.f_contiguous and x[1, 2] == 5",
    "strided array": "x = np.arange(10)[::3] ## x.tolist() == [0, 3, 6, 9] and x.flags.writeable",
    "layout of a column": "x = np.arange(12.0).reshape(3, 4)[:, :3] ## x.strides == (32, 8)",
    "reversed": "x = np.arange(4)[::-1] ## x.tolist() == [3, 2, 1, 0] and x.strides == (-8,)",
    "broadcast": "x = np.broadcast_to(np.arange(2), (1000, 2)) ## x.strides == (0, 8) and not x.flags.writeable",
    "subclass with attributes": "class A(np.ndarray): pass\nx = np.arange(3).view(A); x.unit = 'm' ## x.unit == 'm' and type(x).__name__ == 'A'",
    "the global generator": "x = np.random.mtrand._rand ## x is np.random.mtrand._rand",
    "large array": "x = np.arange(300_000) ## x.sum() == 44999850000 and x.flags.writeable",
    "read-only array": "x = np.arange(3); x.flags.writeable = False ## not x.flags.writeable",
    "numpy scalar": "x = np.float64(1.5) ## type(x) is np.float64",
    "float32 scalar": "x = np.float32(0.1) ## type(x) is np.float32",
    "bool array": "x = np.array([True, False]) ## x.dtype == bool",
    "text array": "x = np.array(['a', 'bcd']) ## x.dtype == '<U3'",
    "datetime array": "x = np.array(['2026-01-02'], 'M8[D]') ## str(x[0]) == '2026-01-02'",
    "structured array": "x = np.zeros(2, [('a', 'i4'), ('b', 'f8', (2,))]) ## x['b'].shape == (2, 2)",
    "record array": "x = np.rec.array([(1, 2.0)], names='a,b') ## x.a[0] == 1 and type(x) is np.recarray",
    "matrix": "x = np.asmatrix([[1, 2]]) ## type(x) is np.matrix",
    "object array": "x = np.array([1, 'a', None, [2]], dtype=object) ## x[3] == [2] and x.dtype == object",
    "masked array": "x = np.ma.array([1, 2, 3], mask=[0, 1, 0]) ## x.sum() == 4 and x.mask.tolist() == [False, True, False]",
    "generator": "x = np.random.default_rng(7); x.random() ## x.random() == (lambda g: (g.random(), g.random())[1])(np.random.default_rng(7))",
    "random state": "x = np.random.RandomState(7) ## x.rand() == np.random.RandomState(7).rand()",
    "dtype": "x = np.dtype([('a', 'i4')]) ## x.names == ('a',)",
    "ufunc": "x = np.add ## x(1, 2) == 3",
    "big-endian array": "x = np.array([1, 2], '>i4') ## x.dtype == '>i4' and x.tolist() == [1, 2]",
    "polynomial": "x = np.polynomial.Polynomial([1, 2]) ## x(2) == 5",
}

FRAMES = {
    "frame": "x = pd.DataFrame({'a': [1, 2], 'b': ['u', 'v'], 'c': [0.5, None]}) ## x.shape == (2, 3)",
    "frame with attrs": "x = pd.DataFrame({'a': [1]}); x.attrs['k'] = 1 ## x.attrs == {'k': 1}",
    "named index": "x = pd.DataFrame({'a': [1]}, index=pd.Index(['r'], name='i')) ## x.index.name == 'i'",
    "multi-index": "x = pd.DataFrame({'a': [1, 2]}, index=pd.MultiIndex.from_tuples([(1, 'a'), (1, 'b')])) ## x.loc[(1, 'b'), 'a'] == 2",
    "categorical": "x = pd.Series(pd.Categorical(['l', 'h'], ['l', 'm', 'h'], ordered=True)) ## x.max() == 'h'",
    "time zone": "x = pd.Series(pd.to_datetime(['2026-01-02'], utc=True).tz_convert('Europe/Berlin')) ## str(x.dt.tz) == 'Europe/Berlin'",
    "periods": "x = pd.Series(pd.period_range('2026-01', periods=2, freq='M')) ## str(x[1]) == '2026-02'",
    "intervals": "x = pd.cut(pd.Series([1, 5]), 2) ## len(x) == 2",
    "nullable": "x = pd.Series([1, None], dtype='Int64') ## x[1] is pd.NA",
    "sparse": "x = pd.Series(pd.arrays.SparseArray([0, 0, 1])) ## x.sum() == 1",
    "objects": "x = pd.Series([[1], {'a': 2}]) ## x[1] == {'a': 2}",
    "duplicate columns": "x = pd.DataFrame([[1, 2]], columns=['a', 'a']) ## list(x.columns) == ['a', 'a']",
    "empty frame": "x = pd.DataFrame(columns=['a']) ## x.empty",
    "group by": "x = pd.DataFrame({'a': [1, 1, 2], 'b': [1, 2, 3]}).groupby('a') ## x.b.sum().tolist() == [3, 3]",
    "timestamp": "x = pd.Timestamp('2026-01-02 03:04', tz='UTC') ## x.hour == 3",
}


def cases(table: dict[str, str], prefix: str = "") -> list[Any]:
    return [
        pytest.param(prefix + text.partition("##")[0], text.partition("##")[2].strip(), id=name)
        for name, text in table.items()
    ]


@pytest.mark.parametrize(
    ("source", "claim"),
    cases(VALUES)
    + cases(ARRAYS, "import numpy as np\n")
    + cases(FRAMES, "import pandas as pd\nimport numpy as np\n"),
)
def test_value_comes_back_equal(source: str, claim: str, ship: Callable[..., Any]) -> None:
    before: dict[str, Any] = {"__name__": "__main__"}
    exec(source, before)
    expected = Describer()(before["x"])

    received = ship(before, "x")

    assert Describer()(received["x"]) == expected
    received.update({name: before[name] for name in ("np", "pd") if name in before})
    assert eval(claim, received)


@pytest.mark.parametrize(
    "source",
    [
        "from sklearn.linear_model import LogisticRegression as M\nx = M(max_iter=2000)",
        "from sklearn.ensemble import RandomForestClassifier as M\nx = M(5, random_state=1)",
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import FunctionTransformer, StandardScaler\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "x = make_pipeline(FunctionTransformer(lambda a: a * 2), StandardScaler(), DecisionTreeClassifier(random_state=1))",
    ],
    ids=["logistic regression", "forest", "pipeline with a lambda"],
)
def test_fitted_model_predicts_the_same(source: str, ship: Callable[..., Any]) -> None:
    from sklearn.datasets import load_iris

    features, labels = load_iris(return_X_y=True)
    before: dict[str, Any] = {"__name__": "__main__"}
    exec(source, before)
    model = before["x"].fit(features, labels)

    received = ship(before, "x")["x"]

    assert (received.predict_proba(features) == model.predict_proba(features)).all()


@pytest.mark.parametrize(
    ("value", "codec"),
    [
        ("1", "json"),
        ("'a'", "json"),
        ("[1, {'a': None}]", "json"),
        ("[(1,)]", "pickle"),
        ("{1: 2}", "pickle"),
        ("[[0]] * 2", "pickle"),
        ("float('nan')", "pickle"),
        ("__import__('numpy').arange(3)", "npy"),
        ("__import__('numpy').array([None])", "pickle"),
        ("__import__('numpy').float64(1)", "pickle"),
    ],
)
def test_typed_form_is_used_only_where_it_is_exact(
    value: str, codec: str, ship: Callable[..., Any]
) -> None:
    received = ship(f"x = {value}", "x")

    assert received["__saved__"].outputs["x"]["codec"] == codec


def test_cached_function_remembers_its_calls_and_counts(ship: Callable[..., Any]) -> None:
    received = ship(
        "from functools import lru_cache\nruns = []\n@lru_cache(maxsize=2)\ndef f(x):\n"
        "    runs.append(x)\n    return x * 10\nfor x in (1, 2, 3, 3, 2): f(x)",
        "f",
        "runs",
    )

    assert tuple(received["f"].cache_info()) == (2, 3, 2, 2)
    assert (received["f"](3), received["f"](2), received["runs"]) == (30, 20, [1, 2, 3])


FIGURE = """
import matplotlib.pyplot as plt
fig, axes = plt.subplots(1, 2, figsize=(3, 1.5))
axes[0].plot([1, 2])
def picture(figure):
    import io
    file = io.BytesIO()
    figure.savefig(file, format='png', bbox_inches='tight')
    return file.getvalue()
"""


def test_figure_is_drawn_as_it_was_and_can_be_drawn_on(
    ship: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib_inline.backend_inline")
    import matplotlib.pyplot as plt

    names = ("fig", "axes", "picture")
    plt.switch_backend("agg")
    namespace: dict[str, Any] = {}
    exec(FIGURE, namespace)
    plt.close("all")
    received = ship(ship(FIGURE + "plt.close(fig)", *names), *names)
    for made in (namespace, received):
        made["axes"][1].scatter([1], [1])
        made["fig"].canvas.draw()

    assert received["picture"](received["fig"]) == namespace["picture"](namespace["fig"])
    assert type(received["fig"].canvas) is type(namespace["fig"].canvas)
