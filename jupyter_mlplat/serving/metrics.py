"""Prometheus metrics of the data plane: counters, histograms and the text format.

`prometheus_client` does more and takes 7 MB and 60 ms of each process; two kinds of metric are all
that is needed here.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def _labels(labels: Mapping[str, object]) -> str:
    escaped = (
        (key, str(value).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n"))
        for key, value in labels.items()
    )
    return "{" + ",".join(f'{key}="{value}"' for key, value in escaped) + "}"


class Counter:
    """A number that only grows, one per combination of labels."""

    def __init__(self, name: str, description: str) -> None:
        self.name = name
        self.description = description
        self._values: dict[tuple[object, ...], int] = {}
        self._keys: tuple[str, ...] = ()

    @property
    def values(self) -> Mapping[tuple[object, ...], int]:
        """The numbers, by the values of the labels."""
        return self._values

    def add(self, **labels: object) -> None:
        self._keys = tuple(labels)
        key = tuple(labels.values())
        self._values[key] = self._values.get(key, 0) + 1

    def lines(self) -> Iterable[str]:
        yield f"# HELP {self.name} {self.description}"
        yield f"# TYPE {self.name} counter"
        for key, value in self._values.items():
            yield f"{self.name}{_labels(dict(zip(self._keys, key, strict=True)))} {value}"


class Histogram:
    """How values are distributed over fixed buckets, for one set of labels."""

    def __init__(self, name: str, description: str, bounds: tuple[float, ...], **labels: object):
        self.name = name
        self.description = description
        self._bounds = bounds
        self._labels = labels
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    @property
    def counts(self) -> tuple[int, ...]:
        """How many values each bucket has, the last one those above all bounds."""
        return tuple(self._counts)

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self) -> Iterable[str]:
        yield f"# HELP {self.name} {self.description}"
        yield f"# TYPE {self.name} histogram"
        count = 0
        for bound, found in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            count += found
            yield f"{self.name}_bucket{_labels({**self._labels, 'le': bound})} {count}"
        yield f"{self.name}_sum{_labels(self._labels)} {self._sum:.6f}"
        yield f"{self.name}_count{_labels(self._labels)} {count}"


def exposition(metrics: Iterable[Counter | Histogram]) -> bytes:
    return ("\n".join(line for metric in metrics for line in metric.lines()) + "\n").encode()


def merge(texts: Iterable[bytes]) -> bytes:
    """Join several processes' metrics: samples of one family stand together, under one header."""
    families: dict[str, tuple[list[str], list[str]]] = {}
    for text in texts:
        family: tuple[list[str], list[str]] = ([], [])
        for line in text.decode().splitlines():
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
                is_new = name not in families
                family = families.setdefault(name, ([], []))
                if is_new:
                    family[0].append(line)
            elif line.startswith("# TYPE "):
                if len(family[0]) == 1:
                    family[0].append(line)
            elif line:
                family[1].append(line)
    lines = (line for header, samples in families.values() for line in (*header, *samples))
    return ("\n".join(lines) + "\n").encode()
