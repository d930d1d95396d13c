"""Class identity, enums, dataclasses, subclasses across steps, class state, patched classes."""

NOTEBOOKS = {
    "isinstance across cells": """
class A: pass
# %%
a = A()
# %%
print(isinstance(a, A), type(a) is A)
""",
    "two instances from two cells": """
class P:
    def __init__(self, x): self.x = x
    def __eq__(self, o): return isinstance(o, P) and o.x == self.x
# %%
p = P(1)
# %%
q = P(1)
# %%
print(p == q, type(p) is type(q))
""",
    "enum identity": """
from enum import Enum
class Color(Enum):
    RED = 1
    BLUE = 2
# %%
c = Color.RED
# %%
print(c is Color.RED, c == Color.RED, {c: 1}[Color.RED])
""",
    "dataclass": """
from dataclasses import dataclass, field
@dataclass(order=True)
class Item:
    n: int
    tags: list = field(default_factory=list)
# %%
items = [Item(2), Item(1)]
# %%
items[0].tags.append('x')
# %%
print(sorted(items))
""",
    "subclass in another cell": """
class Base:
    def hello(self): return 'base ' + self.name()
    def name(self): return '?'
# %%
class Child(Base):
    def name(self): return 'child'
# %%
c = Child()
# %%
print(c.hello(), isinstance(c, Base), Child.__mro__[1] is Base)
""",
    "super and overriding": """
class A:
    def __init__(self, n): self.n = n
# %%
class B(A):
    def __init__(self, n):
        super().__init__(n * 2)
        self.extra = [n]
# %%
b = B(3)
# %%
b.extra.append(b.n)
print(b.extra)
""",
    "class attribute counts": """
class C:
    made = 0
    def __init__(self):
        C.made += 1
# %%
a = C()
# %%
b = C()
# %%
print(C.made)
""",
    "registry by init_subclass": """
class Plugin:
    known = []
    def __init_subclass__(cls, **kw):
        super().__init_subclass__(**kw)
        Plugin.known.append(cls.__name__)
# %%
class One(Plugin): pass
# %%
class Two(Plugin): pass
# %%
print(Plugin.known)
""",
    "class patched later": """
class A:
    def f(self): return 1
a = A()
# %%
def g(self): return 2
A.f = g
# %%
print(a.f(), A().f())
""",
    "method reads a global": """
rate = 2
class Tax:
    def of(self, x): return x * rate
t = Tax()
# %%
rate = 3
# %%
print(t.of(10))
""",
    "property and setter": """
class T:
    def __init__(self): self._v = 1
    @property
    def v(self): return self._v
    @v.setter
    def v(self, x): self._v = x
t = T()
# %%
t.v = 5
# %%
print(t.v)
""",
    "classmethod and staticmethod": """
class K:
    items = []
    @classmethod
    def add(cls, x):
        cls.items.append(x)
    @staticmethod
    def double(x): return 2 * x
# %%
K.add(1)
# %%
K.add(K.double(4))
# %%
print(K.items)
""",
    "operator overloading": """
class V:
    log = []
    def __init__(self, x): self.x = x
    def __add__(self, o):
        V.log.append('add')
        return V(self.x + o.x)
# %%
a, b = V(1), V(2)
# %%
c = a + b
# %%
print(c.x, V.log)
""",
    "singleton": """
class S:
    _one = None
    def __new__(cls):
        if cls._one is None:
            cls._one = super().__new__(cls)
        return cls._one
# %%
a = S()
# %%
b = S()
# %%
print(a is b)
""",
    "namedtuple": """
from collections import namedtuple
Point = namedtuple('Point', 'x y')
# %%
p = Point(1, 2)
# %%
print(p, p.x, isinstance(p, Point))
""",
    "typing NamedTuple": """
from typing import NamedTuple
class Pt(NamedTuple):
    x: int
    y: int = 0
# %%
p = Pt(3)
# %%
print(p, p._replace(y=1))
""",
    "abstract base": """
from abc import ABC, abstractmethod
class Shape(ABC):
    @abstractmethod
    def area(self): ...
# %%
class Sq(Shape):
    def __init__(self, a): self.a = a
    def area(self): return self.a ** 2
# %%
print(Sq(3).area(), isinstance(Sq(1), Shape))
""",
    "iterator class": """
class Count:
    def __init__(self): self.n = 0
    def __iter__(self): return self
    def __next__(self):
        self.n += 1
        return self.n
c = Count()
# %%
a = next(c)
# %%
b = [x for x, _ in zip(c, range(2))]
# %%
print(a, b, c.n)
""",
    "context manager class": """
class Timer:
    log = []
    def __enter__(self):
        self.log.append('in')
        return self
    def __exit__(self, *a):
        self.log.append('out')
# %%
with Timer() as t:
    pass
# %%
print(Timer.log)
""",
    "callable instance": """
class Acc:
    def __init__(self): self.total = 0
    def __call__(self, x):
        self.total += x
        return self.total
acc = Acc()
# %%
acc(2)
# %%
print(acc(3))
""",
    "slots and repr": """
class P:
    __slots__ = ('x',)
    def __init__(self, x): self.x = x
    def __repr__(self): return f'P({self.x})'
p = P(1)
# %%
p.x = 2
# %%
p
""",
    "metaclass": """
class Meta(type):
    seen = []
    def __new__(m, name, bases, ns):
        m.seen.append(name)
        return super().__new__(m, name, bases, ns)
# %%
class A(metaclass=Meta): pass
# %%
print(Meta.seen, type(A) is Meta)
""",
    "exception class": """
class Bad(ValueError):
    def __init__(self, code):
        super().__init__(code)
        self.code = code
# %%
try:
    raise Bad(7)
except Bad as e:
    caught = e.code
# %%
print(caught, issubclass(Bad, ValueError))
""",
    "class redefined": """
class A:
    v = 1
a = A()
# %%
class A:
    v = 2
# %%
print(a.v, A().v, isinstance(a, A))
""",
    "sklearn transformer of the notebook": """
from sklearn.base import BaseEstimator, TransformerMixin
import numpy as np
class Plus(BaseEstimator, TransformerMixin):
    def __init__(self, k=1): self.k = k
    def fit(self, X, y=None):
        self.n_ = len(X)
        return self
    def transform(self, X): return X + self.k
# %%
p = Plus(2)
# %%
out = p.fit_transform(np.zeros((2, 2)))
# %%
print(out, p.n_, p)
""",
    "class method called on an instance": """
class Car:
    price = 100
    def __init__(self, doors): self.doors = doors
    @classmethod
    def revise(cls, by): cls.price = cls.price + by
# %%
car = Car(4)
# %%
car.revise(10)
# %%
later = Car(2)
# %%
revise = Car.revise
# %%
revise(5)
# %%
print(car.price, later.price, Car(1).price)
""",
}
