# ruff: noqa: E501  cells are quoted as they are
"""Names that share mutable objects share them again where they arrive; others are saved apart."""

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_mlplat.runtime.explain import NotSerialisable

Ship = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("source", "names", "act", "claim"),
    [
        pytest.param("a = [1]; b = a", "a b", "a.append(2)", "b == [1, 2] and a is b", id="alias"),
        pytest.param("a = [1]; b = {'k': a}", "a b", "a.append(2)", "b['k'] == [1, 2]", id="item"),
        pytest.param(
            "import numpy as np\na = np.arange(5); b = a[1:3]",
            "a b",
            "b[0] = 9",
            "a[1] == 9",
            id="view",
        ),
        pytest.param(
            "import numpy as np\na = np.arange(6).reshape(2, 3); b = a.T",
            "a b",
            "b[2, 0] = 9",
            "a[0, 2] == 9",
            id="transpose",
        ),
        pytest.param(
            "import numpy as np\nbig = np.arange(9); a = big[:5]; b = big[3:]",
            "a b",
            "b[0] = 7",
            "a[3] == 7",
            id="two views of what is not saved",
        ),
        pytest.param(
            "import numpy as np\na = np.arange(4)[::-1]; b = a[1:]",
            "a b",
            "b[0] = 7",
            "a[1] == 7 and a.tolist() == [3, 7, 1, 0]",
            id="negative strides",
        ),
        pytest.param(
            "import numpy as np\na = np.arange(4, dtype='f4'); b = a.view('u4')",
            "a b",
            "b[0] = 1065353216",
            "a[0] == 1.0",
            id="view of another type",
        ),
        pytest.param(
            "import numpy as np\na = np.array([[1], [2]], dtype=object); b = a[1:]",
            "a b",
            "b[0, 0] = 'new'",
            "a[1, 0] == 'new'",
            id="view of objects",
        ),
        pytest.param(
            "import numpy as np\na = bytearray(8); b = np.frombuffer(a, 'u1')",
            "a b",
            "b[2] = 5",
            "a[2] == 5",
            id="array over a bytearray",
        ),
        pytest.param(
            "import numpy as np\na = np.asfortranarray(np.arange(6).reshape(2, 3)); b = a[:, 1]",
            "a b",
            "b[1] = 50",
            "a[1, 1] == 50",
            id="column of a fortran array",
        ),
        pytest.param(
            "class C:\n    def __init__(s): s.l = []\n    def add(s, v): s.l.append(v)\no = C(); f = o.add",
            "o f",
            "f(1)",
            "o.l == [1]",
            id="bound method",
        ),
        pytest.param(
            "def make():\n    n = []\n    return (lambda v: n.append(v)), (lambda: n)\nput, get = make()",
            "put get",
            "put(3)",
            "get() == [3]",
            id="cell of two closures",
        ),
        pytest.param(
            "log = []\nclass C:\n    store = log\nc = C()",
            "log c",
            "c.store.append(1)",
            "log == [1]",
            id="class attribute",
        ),
        pytest.param(
            "l = []\ndef f(v, into=l): into.append(v)",
            "l f",
            "f(1)",
            "l == [1]",
            id="default argument",
        ),
        pytest.param(
            "d = {'a': 1}\nk = d.keys()",
            "d k",
            "d['b'] = 2",
            "list(k) == ['a', 'b']",
            id="dict view",
        ),
        pytest.param("l = [1]\nf = l.append", "l f", "f(2)", "l == [1, 2]", id="method of a list"),
        pytest.param(
            "l = [1, 2]\ni = iter(l)", "l i", "l.append(3)", "list(i) == [1, 2, 3]", id="iterator"
        ),
        pytest.param(
            "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]}); other = df",
            "df other",
            "df.loc[0, 'a'] = 9",
            "other.a.tolist() == [9, 2]",
            id="frame under two names",
        ),
        pytest.param(
            "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]}); s = df['a']",
            "df s",
            "s.iloc[0] = 9",
            "df.a.tolist() == [1, 2] and s.tolist() == [9, 2]",
            id="column is a copy",
        ),
    ],
)
def test_what_was_shared_stays_shared(
    source: str, names: str, act: str, claim: str, ship: Ship
) -> None:
    received = ship(source, *names.split())

    exec(act, received)

    assert eval(claim, received)


def test_names_that_share_nothing_are_saved_apart(ship: Ship) -> None:
    received = ship(
        "import numpy as np\na = np.arange(3); b = np.arange(3.0); c = {1: a.copy()}", *"abc"
    )

    digests = {name: entry["digest"] for name, entry in received["__saved__"].outputs.items()}
    assert len(set(digests.values())) == 3


def test_view_is_saved_without_the_memory_around_it(ship: Ship) -> None:
    received = ship("import numpy as np\nx = np.zeros(1_000_000)[:10]", "x")

    assert received["__saved__"].outputs["x"]["size_bytes"] < 1000


def test_function_reads_the_globals_of_where_it_arrives(ship: Ship) -> None:
    received = ship("rate = 1\ndef f(): return rate", "f")
    received["rate"] = 5

    assert received["f"]() == 5


def test_class_is_the_same_class_whichever_bundle_it_comes_in(ship: Ship) -> None:
    first = ship("class A: pass\na = A()", "A", "a")
    first["b"] = first["A"]()

    second = ship(first, "b", forget=False)

    assert isinstance(second["b"], first["A"])


def test_newest_state_of_a_class_holds_in_whatever_order_bundles_come(
    ship: Ship, blobs: Any
) -> None:
    from jupyter_mlplat.runtime import bundle

    first = ship("class A:\n    n = 1\na = A()", "A", "a")
    first["A"].n = 2
    later = bundle.save(first, ["A"], blobs)
    blobs.commit()
    from tests.unit.runtime.conftest import forget_classes, new_namespace

    for order in ([later, first["__saved__"]], [first["__saved__"], later]):
        forget_classes()
        namespace = new_namespace()
        for saved in order:
            names = [(name, False) for name in saved.outputs]
            namespace.update(bundle.load(saved.digest, names, namespace, blobs))
        assert namespace["a"].n == 2


def test_hooks_of_classes_do_not_run_again(ship: Ship) -> None:
    received = ship(
        "seen = []\nclass Base:\n    def __init_subclass__(cls): seen.append(cls.__name__)\n"
        "class Meta(type):\n    def __new__(m, *a):\n        seen.append('meta')\n        return super().__new__(m, *a)\n"
        "class A(Base): pass\nclass B(metaclass=Meta): pass",
        "seen",
        "Base",
        "A",
        "B",
    )

    assert received["seen"] == ["A", "meta"]


def test_same_values_give_the_same_bytes(ship: Ship) -> None:
    source = "class A: pass\na = A(); a.f = lambda: 1; d = {'x': [1, 2]}"

    first, second = ship(source, "A", "a", "d"), ship(source, "A", "a", "d")

    assert first["__saved__"].digest == second["__saved__"].digest


COUNTER = """
def counter():
    count, unset = 0, None
    del unset
    def step():
        nonlocal count, unset
        count += 1
        return count
    def read(): return count
    def again(): return again, unset
    return step, read, again
step, read, again = counter()
also = {'read': read, 'cell': step.__closure__[0]}
"""


def test_functions_over_one_variable_share_it_hop_after_hop(ship: Ship) -> None:
    names = ("read", "step", "again", "also")
    received = ship(COUNTER, *names)
    for expected in (1, 2, 3):
        assert received["step"]() == expected
        received = ship(received, *names)
        assert (received["read"](), received["also"]["read"]()) == (expected, expected)

    assert received["also"]["cell"] is received["read"].__closure__[0]
    with pytest.raises(NameError, match="unset"):
        received["again"]()


def test_functions_of_other_globals_share_their_variable_too(ship: Ship) -> None:
    received = ship(
        f"apart = {{}}\nexec({COUNTER!r}, apart)\npair = apart['step'], apart['read']\ndel apart",
        "pair",
    )

    received["pair"][0]()
    assert received["pair"][1]() == 1


def test_a_function_is_not_parted_from_a_dict_that_has_a_name(ship: Ship) -> None:
    with pytest.raises(NotSerialisable, match="a function and the dict of its names"):
        ship(f"apart = {{}}\nexec({COUNTER!r}, apart)\nread = apart['read']", "read")


def test_nan_is_the_nan_it_was(ship: Ship) -> None:
    received = ship(
        "import math\nnan = float('nan'); xs = [nan, 1.0]; other = {'k': float('nan'), 'm': math.nan}",
        "nan",
        "xs",
        "other",
    )

    assert received["nan"] in received["xs"]
    assert received["other"]["k"] not in received["xs"]
    import math

    assert received["other"]["m"] is math.nan


KEYS = """
import collections
salt = [7]
class Key:
    shift = 1
    def __init__(self, text): self.text = text
    def __hash__(self): return hash(self.text) ^ Key.shift ^ salt[0]
    def __eq__(self, other): return self.text == other.text
class Table(dict): pass
class Bag(set): pass
a = Key('a')
plain, members, pairs = {a: 1, Key('b'): 2}, {a}, {(a, 1): [a]}
plain['self'] = plain
ordered = collections.OrderedDict([(a, 1), (Key('b'), 2)]); ordered.move_to_end(a)
counted, table, bag = collections.Counter([a, a]), Table({a: 1}), Bag([a])
table.owner = bag
"""


def test_keys_that_read_names_of_the_notebook_are_found_again(ship: Ship) -> None:
    names = ("plain", "members", "pairs", "ordered", "counted", "table", "bag")
    first = ship(KEYS, "salt", "a", *names, "Key")
    received = ship(first, "salt", "a", *names, "Key")
    key = received["Key"]("a")

    assert (received["plain"][key], received["plain"]["self"]) == (1, received["plain"])
    assert key in received["members"]
    assert received["pairs"][key, 1][0] is received["a"]
    assert [found.text for found in received["ordered"]] == ["b", "a"]
    assert (received["counted"][key], received["table"][key]) == (2, 1)
    assert received["table"].owner is received["bag"]
    assert key in received["bag"]


def test_keys_that_need_a_name_that_did_not_come_are_refused(ship: Ship) -> None:
    with pytest.raises(
        Exception, match=r"__hash__ or __eq__ of its keys failed with NameError: .*salt"
    ):
        ship(KEYS, "plain")


def test_one_plain_object_under_two_names_stays_one(ship: Ship) -> None:
    received = ship(
        "a = (1, 2); b = a; c = tuple([1, 2])\ns = 'some text'; t = s; u = ''.join(s)",
        *"abcstu",
    )

    assert received["a"] is received["b"]
    assert received["c"] is not received["a"]
    assert received["s"] is received["t"]
    assert received["u"] is not received["s"]
    assert received["__saved__"].outputs["t"]["codec"] == "json"


def test_attributes_under_a_name_are_those_of_their_object(ship: Ship) -> None:
    source = "import argparse\nclass S: pass\ns = S(); d = vars(s); s.x = [1]\nn = argparse.Namespace(); m = vars(n)"
    received = ship(ship(source, "d", "s", "m", "n"), "d", "s", "m", "n")
    received["d"]["y"] = received["m"]["k"] = 2

    assert received["d"] is vars(received["s"])
    assert (received["s"].x, received["s"].y, received["n"].k) == ([1], 2, 2)
