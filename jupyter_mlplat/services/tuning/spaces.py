"""Search spaces: which values a parameter may have, and the coordinates that algorithms work in.

A numeric parameter has a coordinate: its value, or its logarithm. One with steps has cells around
its values there, all as wide as a step, so that the first and the last are as likely as others.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist
from typing import Any

from jupyter_mlplat.errors import InvalidInput

Parameters = dict[str, Any]

_TYPES = ("double", "int", "discrete", "categorical")
_DISTRIBUTIONS = ("uniform", "log-uniform", "normal", "log-normal")
_STANDARD = NormalDist()


@dataclass(frozen=True, slots=True)
class Numeric:
    """A parameter with an order: double, int, or discrete (whose coordinate is the index).

    Attributes:
        step: Between values, None: continuous.
        count: Number of values; 0: continuous.
        start, end: Of the coordinate, half a step beyond the first and the last value.
        mean, deviation: Of the prior; of a uniform parameter the middle and the range.
    """

    name: str
    low: float
    high: float
    step: float | None
    count: int
    is_int: bool
    is_log: bool
    is_normal: bool
    digits: int
    table: tuple[Any, ...]
    start: float
    end: float
    mean: float
    deviation: float

    def value_of(self, coordinate: float) -> Any:
        """Return the value at a coordinate, or the nearest there is."""
        value = math.exp(coordinate) if self.is_log else coordinate
        if self.step is None:
            return min(max(value, self.low), self.high)
        index = round((value - self.low) / self.step)
        return self.value_at(min(max(index, 0), self.count - 1))

    def value_at(self, index: int) -> Any:
        """Return the value with this index, of a parameter that has steps."""
        if self.table:
            return self.table[index]
        step = self.step or 0.0
        if self.is_int:
            return int(self.low) + index * int(step)
        return round(self.low + index * step, self.digits)

    def coordinate_of(self, value: Any) -> float:
        """Return the coordinate of a value.

        Raises:
            ValueError: The parameter cannot have the value.
        """
        if self.table:
            return float(_index_in(self.table, value))
        number = float(value)
        slack = 1e-9 * max(abs(self.low), abs(self.high))
        if not self.low - slack <= number <= self.high + slack:
            raise ValueError(f"{value!r} is not within {self.low:g} and {self.high:g}")
        number = min(max(number, self.low), self.high)
        if self.step is not None:
            index = round((number - self.low) / self.step)
            number = float(self.value_at(index))
            if abs(number - float(value)) > max(slack, 1e-6 * self.step):
                raise ValueError(f"{value!r} is not on a step of {self.step:g}")
        return math.log(number) if self.is_log else number

    def index_of(self, value: Any) -> int:
        """Return the index of a value of a parameter that has steps.

        Raises:
            ValueError: The parameter cannot have the value.
        """
        coordinate = self.coordinate_of(value)
        number = math.exp(coordinate) if self.is_log else coordinate
        return round((number - self.low) / (self.step or 1.0))

    def from_unit(self, unit: float) -> Any:
        """Return the value at this quantile, in [0, 1), of the parameter's distribution."""
        if not self.is_normal:
            return self.value_of(self.start + unit * (self.end - self.start))
        normal = NormalDist(self.mean, self.deviation)
        first, last = normal.cdf(self.start), normal.cdf(self.end)
        quantile = min(max(first + unit * (last - first), 1e-300), 1 - 1e-16)
        return self.value_of(self.mean + self.deviation * _STANDARD.inv_cdf(quantile))


@dataclass(frozen=True, slots=True)
class Choice:
    """A parameter without an order."""

    name: str
    values: tuple[Any, ...]

    @property
    def count(self) -> int:
        return len(self.values)

    def value_at(self, index: int) -> Any:
        return self.values[index]

    def index_of(self, value: Any) -> int:
        """Return the value's index.

        Raises:
            ValueError: It is none of the values.
        """
        return _index_in(self.values, value)

    def from_unit(self, unit: float) -> Any:
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]


Dimension = Numeric | Choice


@dataclass(frozen=True, slots=True)
class Space:
    """All parameters of a tuning job, in the order in which they are given."""

    dimensions: tuple[Dimension, ...]

    def __iter__(self) -> Iterator[Dimension]:
        return iter(self.dimensions)

    def __len__(self) -> int:
        return len(self.dimensions)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dimension.name for dimension in self.dimensions)

    def from_units(self, units: Sequence[float]) -> Parameters:
        """Return the parameters at these quantiles, one for each dimension."""
        return {
            dimension.name: dimension.from_unit(unit)
            for dimension, unit in zip(self.dimensions, units, strict=True)
        }

    def coordinates(self, parameters: Mapping[str, Any]) -> list[float] | None:
        """Return coordinates and indices; None if the parameters do not lie in this space."""
        try:
            return [
                dimension.coordinate_of(parameters[dimension.name])
                if isinstance(dimension, Numeric)
                else float(dimension.index_of(parameters[dimension.name]))
                for dimension in self.dimensions
            ]
        except (KeyError, ValueError, TypeError):
            return None


def read_space(parameters: Sequence[Mapping[str, Any]]) -> Space:
    """Read the space of a spec.

    Args:
        parameters: As `SpaceParameter` is on the wire.

    Raises:
        InvalidInput: There is none, two have one name, or one makes no sense; with its name.
    """
    if not parameters:
        raise InvalidInput(
            "Cannot tune: the search space has no parameters. Give at least one, "
            "such as lr=loguniform(1e-5, 1e-1)."
        )
    names: set[str] = set()
    for parameter in parameters:
        name = parameter.get("name")
        if not name or not isinstance(name, str):
            raise InvalidInput("Cannot read the search space: a parameter has no name.")
        if name in names:
            raise InvalidInput(f"Cannot read the search space: {name!r} is there twice.")
        names.add(name)
    return Space(tuple(_read_dimension(parameter) for parameter in parameters))


def _read_dimension(parameter: Mapping[str, Any]) -> Dimension:
    name, kind = parameter["name"], parameter.get("type")
    if kind == "categorical":
        return Choice(name, _read_values(name, parameter, 1))
    if kind == "discrete":
        return _read_discrete(name, parameter)
    if kind in ("double", "int"):
        return _read_numeric(name, kind == "int", parameter)
    raise _fault(name, f"its type is {kind!r}; {_one_of(_TYPES)} is needed")


def _read_values(name: str, parameter: Mapping[str, Any], least: int) -> tuple[Any, ...]:
    values = tuple(parameter.get("values") or ())
    if len(values) < least:
        raise _fault(name, f"a {parameter['type']} parameter needs values, and none are given")
    seen = set()
    for value in values:
        key = json.dumps(value, sort_keys=True)
        if key in seen:
            raise _fault(name, f"the value {value!r} is there twice")
        seen.add(key)
    return values


def _read_discrete(name: str, parameter: Mapping[str, Any]) -> Numeric:
    values = _read_values(name, parameter, 1)
    numbers = [_read_number(name, value, "a value") for value in values]
    ordered = tuple(value for _, value in sorted(zip(numbers, values, strict=True), key=_first))
    return _indexed(name, ordered)


def _indexed(name: str, values: tuple[Any, ...]) -> Numeric:
    last = float(len(values) - 1)
    return Numeric(
        name=name,
        low=0.0,
        high=last,
        step=1.0,
        count=len(values),
        is_int=False,
        is_log=False,
        is_normal=False,
        digits=0,
        table=values,
        start=-0.5,
        end=last + 0.5,
        mean=last / 2,
        deviation=last + 1.0,
    )


def _read_numeric(name: str, is_int: bool, parameter: Mapping[str, Any]) -> Numeric:
    kind = "int" if is_int else "double"
    distribution = parameter.get("distribution") or "uniform"
    if distribution not in _DISTRIBUTIONS:
        raise _fault(
            name, f"its distribution is {distribution!r}; {_one_of(_DISTRIBUTIONS)} is needed"
        )
    if parameter.get("values"):
        raise _fault(name, f"values are given for a {kind}. Use discrete, or minimum and maximum")
    for bound in ("minimum", "maximum"):
        if parameter.get(bound) is None:
            raise _fault(name, f"a {kind} parameter needs a {bound}, and none is given")
    low = _read_number(name, parameter["minimum"], "its minimum")
    high = _read_number(name, parameter["maximum"], "its maximum")
    if low > high:
        raise _fault(name, f"its minimum {low:g} is above its maximum {high:g}. Swap them")
    is_log = distribution.startswith("log")
    if is_log and low <= 0:
        raise _fault(name, f"a {distribution} parameter needs a minimum above 0, and it is {low:g}")
    step = None
    if parameter.get("step") is not None:
        step = _read_number(name, parameter["step"], "its step")
        if step <= 0:
            raise _fault(name, f"its step is {step:g}; above 0 is needed")
    if is_int:
        step = step or 1.0
        for what, number in (("minimum", low), ("maximum", high), ("step", step)):
            if number != int(number):
                raise _fault(name, f"the {what} of an int is {number:g}; a whole number is needed")
    if low == high:
        return _indexed(name, (int(low) if is_int else low,))
    return _numeric(name, low, high, step, is_int, is_log, distribution.endswith("normal"))


def _numeric(
    name: str,
    low: float,
    high: float,
    step: float | None,
    is_int: bool,
    is_log: bool,
    is_normal: bool,
) -> Numeric:
    count = digits = 0
    start, end = low, high
    if step is not None:
        exact = Decimal(repr(low)), Decimal(repr(high)), Decimal(repr(step))
        count = int((exact[1] - exact[0]) / exact[2]) + 1
        digits = max(0, *(-int(number.as_tuple().exponent) for number in (exact[0], exact[2])))
        high = float(exact[0] + (count - 1) * exact[2])
        start, end = low - step / 2, high + step / 2
        if is_log:
            start = max(start, low / 2)  # a step may be wider than the lowest value is large
    if is_log:
        start, end = math.log(start), math.log(end)
    mean, deviation = (start + end) / 2, end - start
    if is_normal:  # nearly all of it lies between the bounds, as in Katib
        first, last = (math.log(low), math.log(high)) if is_log else (low, high)
        mean, deviation = (first + last) / 2, max((last - first) / 6, (end - start) / 12)
    return Numeric(
        name=name,
        low=low,
        high=high,
        step=step,
        count=count,
        is_int=is_int,
        is_log=is_log,
        is_normal=is_normal,
        digits=digits,
        table=(),
        start=start,
        end=end,
        mean=mean,
        deviation=deviation,
    )


def _read_number(name: str, value: Any, what: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _fault(name, f"{what} is {value!r}; a finite number is needed")
    return number


def _index_in(values: tuple[Any, ...], value: Any) -> int:
    for index, known in enumerate(values):
        if known == value and type(known) is type(value):
            return index
    for index, known in enumerate(values):  # documents spell numbers as text
        if str(known) == str(value):
            return index
    raise ValueError(f"{value!r} is none of the values")


def _first(pair: tuple[float, Any]) -> float:
    return pair[0]


def _one_of(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" or {names[-1]}"


def _fault(name: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"Cannot read the search space: parameter {name!r}: {what}.", parameter=name
    )
